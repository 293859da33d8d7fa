import { describe, expect, it } from 'vitest'
import { type Effect, type Input, type State, delay, heldMs, initial, revAhead, step } from './machine'

/** Runs inputs one after the other at given times; returns the last state and all effects. */
function run(inputs: readonly (Input & { at?: number })[], from: State = initial) {
  let state = from
  let now = 0
  const effects: Effect[] = []
  for (const input of inputs) {
    now = input.at ?? now
    const [next, more] = step(state, input, { now, random: 0.5 })
    state = next
    effects.push(...more)
  }
  return { state, effects }
}

const frame = (type: string, rev: number) => JSON.stringify({ type, rev, id: 'e', time: '', subject: 's', data: {} })
const opened: Input[] = [{ kind: 'start' }, { kind: 'ticket', turn: 1, ticket: 't' }, { kind: 'opened', turn: 1 }]

describe('the event stream', () => {
  it('asks for a ticket, opens with it, and looks at everything once', () => {
    const { state, effects } = run(opened)
    expect(effects).toEqual([{ kind: 'ask', turn: 1 }, { kind: 'open', turn: 1, ticket: 't', since: undefined }, { kind: 'refresh' }])
    expect(state.phase).toBe('open')
  })

  it('resumes after the last stored revision and does not refresh then', () => {
    const { effects } = run([
      ...opened,
      { kind: 'frame', turn: 1, text: frame('pellet:compressed', 41) },
      { kind: 'closed', turn: 1 },
      { kind: 'wake', turn: 1 },
      { kind: 'ticket', turn: 2, ticket: 'u' },
      { kind: 'opened', turn: 2 },
    ])
    expect(effects).toContainEqual({ kind: 'open', turn: 2, ticket: 'u', since: 41 })
    expect(effects.filter(({ kind }) => kind === 'refresh')).toHaveLength(1)
  })

  it('delivers a stored event once, and progress always', () => {
    const { state, effects } = run([
      ...opened,
      { kind: 'frame', turn: 1, text: frame('pellet:compressed', 7) },
      { kind: 'frame', turn: 1, text: frame('pellet:compressed', 7) },
      { kind: 'frame', turn: 1, text: frame('progress', 7) },
      { kind: 'frame', turn: 1, text: frame('progress', 7) },
    ])
    const types = effects.flatMap((effect) => (effect.kind === 'deliver' ? [effect.event.type] : []))
    expect(types).toEqual(['pellet:compressed', 'progress', 'progress'])
    expect(state.rev).toBe(7)
  })

  it('progress never moves the cursor', () => {
    const { state } = run([...opened, { kind: 'frame', turn: 1, text: frame('progress', 99) }])
    expect(state.rev).toBeUndefined()
  })

  it('asks for a fresh look when revisions are missing', () => {
    const { effects } = run([
      ...opened,
      { kind: 'frame', turn: 1, text: frame('pellet:compressed', 7) },
      { kind: 'frame', turn: 1, text: frame('pellet:compressed', 9) },
    ])
    expect(effects.at(-1)).toEqual({ kind: 'refresh' })
  })

  it.each(['', 'null', '[]', '{"type":1,"rev":2}', '{"type":"x","rev":-1}', '{"type":"x","rev":1.5}', '{"type":"x"}'])(
    'survives the frame %j',
    (text) => {
      const before = run(opened)
      const after = run([{ kind: 'frame', turn: 1, text }], before.state)
      expect(after).toEqual({ state: before.state, effects: [] })
    },
  )

  it('waits longer after each failure, and starts anew after a connection that held', () => {
    const short = run([...opened, { kind: 'closed', turn: 1, at: 100 }])
    expect(short.state.failures).toBe(1)
    const again = run([{ kind: 'wake', turn: 1 }, { kind: 'refused', turn: 2 }], short.state)
    expect(again.effects.at(-1)).toEqual({ kind: 'wake', turn: 2, afterMs: delay(1, 0.5) })
    const held = run([
      { kind: 'wake', turn: 2 },
      { kind: 'ticket', turn: 3, ticket: 't' },
      { kind: 'opened', turn: 3, at: 0 },
      { kind: 'closed', turn: 3, at: heldMs },
    ], again.state)
    expect(held.effects.at(-1)).toEqual({ kind: 'wake', turn: 3, afterMs: delay(0, 0.5) })
  })

  it('begins anew, with a fresh look, where the log is another one', () => {
    const { state, effects } = run([
      ...opened,
      { kind: 'frame', turn: 1, text: frame('pellet:compressed', 41) },
      { kind: 'closed', turn: 1, code: revAhead },
      { kind: 'wake', turn: 1 },
      { kind: 'ticket', turn: 2, ticket: 'u' },
      { kind: 'opened', turn: 2 },
      { kind: 'frame', turn: 2, text: frame('pellet:compressed', 1) },
    ])
    expect(effects).toContainEqual({ kind: 'open', turn: 2, ticket: 'u', since: undefined })
    expect(effects.slice(-2).map(({ kind }) => kind)).toEqual(['refresh', 'deliver'])
    expect(state.rev).toBe(1)
  })

  it('ignores what belongs to an earlier turn', () => {
    const { state } = run([...opened, { kind: 'closed', turn: 1 }, { kind: 'wake', turn: 1 }])
    const late: Input[] = [
      { kind: 'opened', turn: 1 },
      { kind: 'frame', turn: 1, text: frame('pellet:compressed', 5) },
      { kind: 'closed', turn: 1 },
      { kind: 'ticket', turn: 1, ticket: 'old' },
    ]
    expect(run(late, state)).toEqual({ state, effects: [] })
  })

  it('schedules one wake-up when a failed opening reports both error and close', () => {
    const { effects } = run([...opened.slice(0, 2), { kind: 'closed', turn: 1 }, { kind: 'closed', turn: 1 }])
    expect(effects.filter(({ kind }) => kind === 'wake')).toHaveLength(1)
  })

  it('stops for good: no late result wakes it', () => {
    const { state, effects } = run([...opened, { kind: 'stop' }, { kind: 'closed', turn: 1 }, { kind: 'wake', turn: 1 }])
    expect(effects.at(-1)).toEqual({ kind: 'close' })
    expect(state.phase).toBe('stopped')
  })
})

describe('delay', () => {
  it('doubles from half a second, with jitter over the upper half, up to 30 s', () => {
    expect([0, 1, 2].map((n) => delay(n, 0))).toEqual([250, 500, 1000])
    expect(delay(0, 0.999)).toBeLessThanOrEqual(500)
    expect(delay(40, 1)).toBe(30_000)
  })
})
