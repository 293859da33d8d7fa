import { describe, expect, it } from 'vitest'
import { ago, bytes, count, micros, percent, ratio, short } from './format'

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [250 * 1024 * 1024, '250 MiB'],
    [-1, '–'],
    [Number.NaN, '–'],
  ])('%d is %s', (n, text) => expect(bytes(n)).toBe(text))
})

describe('micros', () => {
  it.each([
    [0, '0 µs'],
    [999, '999 µs'],
    [999.7, '1.00 ms'],
    [12_345, '12.3 ms'],
    [999_600, '1.00 s'],
    [61_000_000, '1 min 1 s'],
    [7_260_000_000, '2 h 1 min'],
    [-1500, '−1.50 ms'],
  ])('%d is %s', (n, text) => expect(micros(n)).toBe(text))
})

describe('percent', () => {
  it('says 100 only when all is done', () => expect([percent(999_999, 1_000_000), percent(10, 10)]).toEqual([99, 100]))
  it('knows nothing before the total is known', () => expect(percent(5, 0)).toBeUndefined())
  it('bears more done than expected: a file grew', () => expect(percent(12, 10)).toBe(100))
})

describe('the rest', () => {
  it('groups digits', () => expect(count(1_234_567)).toBe('1\u202F234\u202F567'))
  it('writes ratios', () => expect([ratio(4.234), ratio(12.34), ratio(0)]).toEqual(['4.23 ×', '12.3 ×', '–']))
  it('shortens ids', () => expect(short('0123456789abcdef')).toBe('0123456789ab'))
  it('tells ages', () => {
    const now = new Date('2026-01-01T12:00:00Z')
    const before = (seconds: number) => ago(new Date(now.getTime() - seconds * 1000), now)
    expect([before(-5), before(9), before(59), before(3599), before(7200)]).toEqual(['just now', 'just now', '59 s ago', '59 min ago', '2 h ago'])
    expect(ago(new Date('nonsense'), now)).toBe('–')
  })
})
