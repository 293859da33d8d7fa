/** Invariants of the model over many drawn traces, whole, broken and absurd. */
import { describe, expect, it } from 'vitest'
import { visibleRows } from './fold'
import type { RawTrace } from './jaeger'
import { type TraceModel, buildTrace } from './model'
import { aTrace } from './testing'

/** A small generator with a seed, so that a failure can be drawn again (mulberry32). */
function dice(seed: number) {
  let state = seed
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function draw(seed: number): RawTrace {
  const roll = dice(seed)
  const n = roll(40)
  const spans = Array.from({ length: n }, (_, at) => {
    // Parents may be later spans, the span itself, or nobody.
    const parent = roll(6) === 0 ? 'nobody' : `s${roll(n)}`
    return {
      id: roll(20) === 0 ? 's0' : `s${at}`,
      ...(roll(4) === 0 ? {} : { parent }),
      start: roll(1000),
      duration: roll(500),
      process: `p${roll(3)}`,
    }
  })
  return aTrace(...spans)
}

function check(model: TraceModel, raw: RawTrace) {
  const ids = new Set(raw.spans.map((span) => span.spanID))
  expect(new Set(model.spans.map((span) => span.spanID))).toEqual(ids)
  expect(model.n).toBe(ids.size)
  for (let row = 0; row < model.n; row += 1) {
    const up = model.parent[row] ?? -1
    const end = model.end[row] ?? 0
    expect(end).toBeGreaterThan(row)
    expect(model.start[row]).toBeGreaterThanOrEqual(0)
    expect((model.start[row] ?? 0) + (model.duration[row] ?? 0)).toBeLessThanOrEqual(model.total)
    if (up === -1) {
      expect(model.depth[row]).toBe(0)
      continue
    }
    expect(up).toBeLessThan(row)
    expect(end).toBeLessThanOrEqual(model.end[up] ?? 0)
    expect(model.depth[row]).toBe((model.depth[up] ?? 0) + 1)
    const sameClock = model.spans[row]?.process === model.spans[up]?.process
    if (sameClock) expect(model.shift[row]).toBe(model.shift[up])
    else expect(model.start[row]).toBeGreaterThanOrEqual(model.start[up] ?? 0)
  }
}

describe('any trace', () => {
  it('is drawn whole, nested and in causal order', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const raw = draw(seed)
      check(buildTrace(raw), raw)
    }
  })

  it('hides exactly the subtrees of folded rows', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const model = buildTrace(draw(seed))
      const roll = dice(seed)
      const folded = Uint8Array.from({ length: model.n }, () => (roll(4) === 0 ? 1 : 0))
      const hidden = (row: number): boolean => {
        const up = model.parent[row] ?? -1
        return up !== -1 && (folded[up] === 1 || hidden(up))
      }
      const expected = Array.from({ length: model.n }, (_, row) => row).filter((row) => !hidden(row))
      expect([...visibleRows(model, folded)]).toEqual(expected)
    }
  })
})
