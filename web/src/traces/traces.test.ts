import { describe, expect, it } from 'vitest'
import { type Sight, judge, looksForAbsent, looksForOrphans } from './arrival'
import { clip } from './clip'
import { findNext } from './find'
import { carry, fold, positionOf, press, reveal, visibleRows } from './fold'
import { failed, readTrace, readTraces } from './jaeger'
import { dotsByRow, microsOf, readLogs, severityOf } from './logs'
import { buildTrace } from './model'
import { readSearch, toJaegerQuery } from './search'
import { aTrace } from './testing'
import { barOf, scrollTo, ticks, windowOf } from './window'

const model = buildTrace(aTrace({ id: 'a' }, { id: 'b', parent: 'a', start: 1 }, { id: 'c', parent: 'b', start: 2 }, { id: 'd', parent: 'a', start: 3 }))
const open = new Uint8Array(4)

describe('folding', () => {
  it('hides the subtree and nothing else', () => {
    expect([...visibleRows(model, open)]).toEqual([0, 1, 2, 3])
    expect([...visibleRows(model, fold(open, 1, true))]).toEqual([0, 1, 3])
    expect([...visibleRows(model, fold(open, 0, true))]).toEqual([0])
  })

  it('reveals a hidden row', () => {
    expect([...reveal(model, Uint8Array.of(1, 1, 0, 0), 2)]).toEqual([0, 0, 0, 0])
  })

  it('finds the place of a row, or of what hides it', () => {
    const rows = Int32Array.of(0, 1, 3)
    expect([0, 1, 2, 3].map((row) => positionOf(rows, row))).toEqual([0, 1, 1, 2])
  })

  it('moves with the keys of a tree grid', () => {
    const keys = (from: number, folded: Uint8Array, ...pressed: string[]) => {
      let at = { row: from, folded }
      for (const key of pressed) at = press(model, visibleRows(model, at.folded), at, key, 2) ?? at
      return [at.row, [...at.folded]]
    }
    expect(keys(0, open, 'ArrowDown', 'ArrowDown')).toEqual([2, [0, 0, 0, 0]])
    expect(keys(1, open, 'ArrowLeft')).toEqual([1, [0, 1, 0, 0]])
    expect(keys(1, open, 'ArrowLeft', 'ArrowDown')).toEqual([3, [0, 1, 0, 0]])
    expect(keys(1, open, 'ArrowLeft', 'ArrowLeft')).toEqual([0, [0, 1, 0, 0]])
    expect(keys(1, fold(open, 1, true), 'ArrowRight', 'ArrowRight')).toEqual([2, [0, 0, 0, 0]])
    expect(keys(0, open, 'End', 'PageUp', 'Home', 'ArrowUp', 'q')).toEqual([0, [0, 0, 0, 0]])
  })

  it('carries cursor and folds to rows that moved when spans arrived', () => {
    const grown = buildTrace(aTrace({ id: 'x', start: -5 }, { id: 'a', parent: 'x' }, { id: 'b', parent: 'a', start: 1 }, { id: 'c', parent: 'b', start: 2 }, { id: 'd', parent: 'a', start: 3 }))
    expect(carry(model, { row: 3, folded: fold(open, 1, true) }, grown)).toEqual({ row: 4, folded: Uint8Array.of(0, 0, 1, 0, 0) })
  })
})

describe('finding', () => {
  const found = buildTrace(aTrace({ id: 'a', service: 'web' }, { id: 'b', parent: 'a', start: 1 }, { id: 'c', parent: 'b', start: 2, error: true }))

  it('goes forward and back, and round', () => {
    expect([findNext(found, 0, 'NESTR', 1), findNext(found, 2, 'nestr', 1), findNext(found, 0, 'nestr', -1), findNext(found, 1, 'web', -1)]).toEqual([1, 1, 2, 0])
  })

  it('looks into attributes, stays on the only match, finds nothing else', () => {
    expect([findNext(found, 0, 'status_code', 1), findNext(found, 2, 'error', 1), findNext(found, 0, 'zz', 1), findNext(found, 0, '', 1)]).toEqual([2, 2, undefined, undefined])
  })

  it('stands an empty trace', () => expect(findNext(buildTrace(aTrace()), 0, 'x', 1)).toBeUndefined())
})

describe('Jaeger shapes', () => {
  it('reads a span with its process, parent and status', () => {
    const [trace] = readTraces({
      data: [
        {
          traceID: 't',
          processes: { p1: { serviceName: 'nestr', tags: [{ key: 'host', type: 'string', value: 'h' }] } },
          spans: [
            {
              spanID: 's',
              operationName: 'pellet.pack',
              references: [
                { refType: 'FOLLOWS_FROM', traceID: 't', spanID: 'no' },
                { refType: 'CHILD_OF', traceID: 'other', spanID: 'no' },
                { refType: 'CHILD_OF', traceID: 't', spanID: 'up' },
              ],
              startTime: 1_767_225_600_000_000,
              duration: 5,
              processID: 'p1',
              tags: [{ key: 'otel.status_code', type: 'string', value: 'ERROR' }, { key: 'n', type: 'int64', value: 3 }],
              logs: [{ timestamp: 1, fields: [{ key: 'event', value: 'x' }] }],
            },
          ],
        },
      ],
    })
    const span = trace?.spans[0]
    expect(span).toMatchObject({ parentID: 'up', service: 'nestr', duration: 5, processTags: [{ key: 'host', value: 'h' }] })
    expect(span?.tags[1]).toEqual({ key: 'n', value: '3' })
    expect(span && failed(span)).toBe(true)
  })

  it('takes the error tag as a boolean too', () => {
    const span = readTrace({ traceID: 't', spans: [{ spanID: 's', tags: [{ key: 'error', type: 'bool', value: true }] }] })?.spans[0]
    expect(span && failed(span)).toBe(true)
  })

  it.each([undefined, null, 3, 'x', {}, { data: null }, { data: [null, 3, {}] }])('finds no trace in %j', (body) => {
    expect(readTraces(body)).toEqual([])
  })

  it('bears spans of nonsense', () => {
    const trace = readTrace({ traceID: 't', spans: [null, { spanID: 's', startTime: 'x', duration: -4, tags: 7, logs: [null] }] })
    expect(trace && buildTrace(trace)).toMatchObject({ n: 1, total: 1 })
  })
})

describe('log lines', () => {
  it('keeps time beyond 2^53 exact', () => expect(microsOf('1767225600123456789')).toBe(1_767_225_600_123_456))

  it('maps severity by number, else by name', () => {
    expect([severityOf(1, ''), severityOf(5, ''), severityOf(9, ''), severityOf(13, ''), severityOf(21, ''), severityOf(0, 'warn'), severityOf(0, '?')]).toEqual([
      'trace', 'debug', 'info', 'warn', 'error', 'warn', 'info',
    ])
  })

  it('reads lines oldest first and places them on their spans', () => {
    const lines = readLogs({
      data: [
        { time_unix_nano: '3000', severity_number: 17, body: 'late', span_id: 'b', attributes: { n: 1 } },
        { time_unix_nano: 2000, severity_text: 'INFO', body: { a: 1 }, span_id: 'zz' },
        null,
      ],
    })
    expect(lines.map((line) => line.body)).toEqual(['', '{"a":1}', 'late'])
    expect(lines[2]?.attributes).toEqual([['n', '1']])
    expect([...dotsByRow(model, lines)]).toEqual([[1, [{ at: 3, severity: 'error' }]]])
  })

  it.each([undefined, null, 'x', {}, { data: {} }])('finds none in %j', (body) => expect(readLogs(body)).toEqual([]))
})

describe('arrival', () => {
  const seen = (...counts: (readonly [number, number])[]): Sight[] => counts.map(([nSpans, nOrphans]) => ({ nSpans, nOrphans }))

  it('waits ever longer for a trace that is not there, then says so', () => {
    const nothing = (n: number) => judge(seen(...Array.from({ length: n }, () => [0, 0] as const)))
    expect([0, 1, 2, 3, 5, 9].map(nothing)).toEqual([250, 250, 500, 1000, 4000, 4000].map((nextMs) => ({ kind: 'waiting', nextMs })))
    expect(nothing(looksForAbsent)).toEqual({ kind: 'incomplete', absent: true })
  })

  it('calls a trace complete when it is whole and the same twice', () => {
    expect(judge(seen([0, 0], [3, 0]))).toMatchObject({ kind: 'growing' })
    expect(judge(seen([0, 0], [3, 0], [3, 0]))).toEqual({ kind: 'complete' })
  })

  it('goes on waiting while parents are missing, but not for ever', () => {
    expect(judge(seen([3, 1], [3, 1]))).toMatchObject({ kind: 'growing' })
    expect(judge(seen(...Array.from({ length: looksForOrphans }, () => [3, 1] as const)))).toEqual({ kind: 'incomplete', absent: false })
  })

  it('wakes again when a complete trace grows', () => {
    expect(judge(seen([3, 0], [3, 0], [7, 0]))).toMatchObject({ kind: 'growing', nextMs: 500 })
  })
})

describe('the window', () => {
  it('covers what is seen and some more, within the list', () => {
    expect(windowOf(0, 260, 26, 1000)).toEqual({ first: 0, last: 18 })
    expect(windowOf(2600, 260, 26, 1000)).toEqual({ first: 92, last: 118 })
    expect(windowOf(99_999, 260, 26, 10)).toEqual({ first: 10, last: 10 })
  })

  it('scrolls only as far as needed', () => {
    expect([scrollTo(5, 0, 260, 26), scrollTo(0, 100, 260, 26), scrollTo(20, 0, 260, 26)]).toEqual([0, 0, 286])
  })

  it('marks round times', () => {
    expect(ticks(1000, 6)).toEqual([0, 200, 400, 600, 800, 1000])
    expect(ticks(73, 6)).toEqual([0, 20, 40, 60])
    expect(ticks(0, 6)).toEqual([0])
  })

  it('keeps bars inside and visible', () => {
    expect(barOf(50, 100, 100)).toEqual({ left: 50, width: 50 })
    expect(barOf(0, 0, 100).width).toBeGreaterThan(0)
  })
})

describe('search', () => {
  it('reads the address and leaves out what it does not understand', () => {
    expect(readSearch({ service: ' nestr ', operation: 3, minDuration: '1 parsec', lookbackMinutes: 61, evil: 'x' })).toEqual({ service: 'nestr' })
    expect(readSearch({ minDuration: '1.5s', lookbackMinutes: 15 })).toEqual({ minDuration: '1.5s', lookbackMinutes: 15 })
  })

  it('asks Jaeger in microseconds', () => {
    expect(toJaegerQuery({ service: 'nestr' }, new Date(7_200_000))).toMatchObject({ service: 'nestr', start: 3_600_000_000, end: 7_200_000_000 })
  })
})

it('clips text and says so', () => expect([clip('abc', 3), clip('abcd', 3)]).toEqual(['abc', 'abc… (1 more)']))
