import { expect, it } from 'vitest'
import { burn, burnRate, readObjective, readObjectives } from './model'
import { period, share, times } from './words'

const tier = (severity: string, firing: boolean) => ({ tier: severity, severity, long: '1h', firing })

it('puts what burns first, then what has least left, and what nobody said is never calm', () => {
  const body = {
    data: [
      { id: 'calm', budget_remaining: 0.9, tiers: [tier('page', false)] },
      { id: 'odd', budget_remaining: 'much', tiers: 'none' },
      { id: 'spent', budget_remaining: -0.2, tiers: [tier('page', false), tier('ticket', false)] },
      { id: 'slow', budget_remaining: 0.99, tiers: [tier('page', false), tier('ticket', true)] },
      { id: 'fast', budget_remaining: 0.5, tiers: [tier('ticket', true), tier('page', true)] },
    ],
  }
  const found = readObjectives(body)
  expect(found.map(({ id }) => id)).toEqual(['fast', 'slow', 'odd', 'spent', 'calm'])
  expect(found.map(burn)).toEqual(['page', 'ticket', 'unknown', 'calm', 'calm'])
  expect(found[2]?.left).toBeNaN()
})

it.each([undefined, null, 7, [], { data: 'x' }, { data: [null, 3] }])('reads %j without falling over', (body) => {
  expect(readObjectives(body).every((objective) => objective.id === '')).toBe(true)
})

it('takes the burn rate of the fastest tier', () => {
  const windows = [
    { window: '5m', bad: 1, total: 2, burn_rate: 50 },
    { window: '1h', bad: 1, total: 9, burn_rate: 14.44 },
  ]
  expect(burnRate(readObjective({ windows, tiers: [tier('page', true)] }))).toBe(14.44)
  expect(burnRate(readObjective({ windows }))).toBeNaN()
})

it('cuts what is too long', () => {
  expect(readObjective({ name: 'n'.repeat(5000) }).name).toHaveLength(300)
})

it.each([
  [1, '100.0 %'],
  [0.99999, '> 99.9 %'],
  [0.4231, '42.3 %'],
  [0.00001, '< 0.1 %'],
  [0, '0.0 %'],
  [-1.5, '−150.0 %'],
  [Number.NaN, '–'],
])('writes a share of %d as %s', (part, words) => expect(share(part)).toBe(words))

it('writes periods and rates', () => {
  expect(['30d', '1h', 'this_month', '2w'].map(period)).toEqual(['30 days', '1 hour', 'this month', '2 weeks'])
  expect([0, 1, 14.44, Number.NaN].map(times)).toEqual(['0.00 ×', '1.00 ×', '14.4 ×', '–'])
})
