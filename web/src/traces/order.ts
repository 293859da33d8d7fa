/** Puts spans into depth-first order, children by start; tolerates missing parents and circles. */
import type { RawSpan } from './jaeger'

export interface Order {
  readonly spans: readonly RawSpan[]
  readonly parent: Int32Array
  readonly depth: Uint16Array
  readonly end: Int32Array
  readonly orphans: readonly number[]
}

const deepest = 65_535

/** Each span's parent as an index into `spans`, -1 for a root; a circle is cut where it is first met. */
function parentIndexes(spans: readonly RawSpan[]): Int32Array {
  const indexOf = new Map(spans.map((span, index) => [span.spanID, index]))
  const parents = Int32Array.from(spans, (span) => (span.parentID === undefined ? -1 : (indexOf.get(span.parentID) ?? -1)))
  const state = new Uint8Array(spans.length)
  for (let first = 0; first < spans.length; first += 1) {
    const path: number[] = []
    let at = first
    while (at !== -1 && state[at] === 0) {
      state[at] = 1
      path.push(at)
      const next = parents[at] ?? -1
      if (next !== -1 && state[next] === 1) {
        parents[at] = -1
        break
      }
      at = next
    }
    for (const visited of path) state[visited] = 2
  }
  return parents
}

export function orderSpans(spans: readonly RawSpan[]): Order {
  const n = spans.length
  const parents = parentIndexes(spans)
  const children: number[][] = []
  const roots: number[] = []
  const byStart = Array.from({ length: n }, (_, index) => index).toSorted(
    (a, b) => (spans[a]?.startTime ?? 0) - (spans[b]?.startTime ?? 0) || a - b,
  )
  for (const index of byStart) {
    const up = parents[index] ?? -1
    if (up === -1) roots.push(index)
    else (children[up] ??= []).push(index)
  }

  const ordered: RawSpan[] = []
  const parent = new Int32Array(n)
  const depth = new Uint16Array(n)
  const end = new Int32Array(n)
  const orphans: number[] = []
  // A stack of its own: a chain of 100 000 spans must not overflow the language's.
  const stack = roots.toReversed().map((index) => ({ index, up: -1, level: 0 }))
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const span = spans[top.index]
    if (span === undefined) continue
    const row = ordered.push(span) - 1
    parent[row] = top.up
    depth[row] = Math.min(top.level, deepest)
    if (top.up === -1 && span.parentID !== undefined) orphans.push(row)
    for (const child of (children[top.index] ?? []).toReversed()) stack.push({ index: child, up: row, level: top.level + 1 })
  }
  for (let row = n - 1; row >= 0; row -= 1) {
    end[row] = Math.max(end[row] ?? 0, row + 1)
    const up = parent[row] ?? -1
    if (up !== -1) end[up] = Math.max(end[up] ?? 0, end[row] ?? 0)
  }
  return { spans: ordered, parent, depth, end, orphans }
}
