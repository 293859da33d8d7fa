/** Which rows show when some are folded, and where the keyboard goes. */
import type { TraceModel } from './model'

export const isParent = (model: TraceModel, row: number) => (model.end[row] ?? 0) > row + 1

/** Rows that show, in order; a folded row shows, its subtree does not. */
export function visibleRows(model: TraceModel, folded: Uint8Array): Int32Array {
  const rows = new Int32Array(model.n)
  let n = 0
  for (let row = 0; row < model.n; ) {
    rows[n] = row
    n += 1
    row = folded[row] === 1 ? (model.end[row] ?? row + 1) : row + 1
  }
  return rows.subarray(0, n)
}

/** A copy with `row` folded or unfolded. */
export function fold(folded: Uint8Array, row: number, to: boolean): Uint8Array {
  const next = folded.slice()
  next[row] = to ? 1 : 0
  return next
}

/** Unfolds all that hides `row`. */
export function reveal(model: TraceModel, folded: Uint8Array, row: number): Uint8Array {
  const next = folded.slice()
  for (let up = model.parent[row] ?? -1; up !== -1; up = model.parent[up] ?? -1) next[up] = 0
  return next
}

/** Position of `row` in ascending `rows`, or of the nearest row before it that shows. */
export function positionOf(rows: Int32Array, row: number): number {
  let low = 0
  let high = rows.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((rows[middle] ?? 0) <= row) low = middle
    else high = middle - 1
  }
  return low
}

export interface Cursor {
  readonly row: number
  readonly folded: Uint8Array
}

/** What a key does in the tree, after the tree grid pattern; undefined where it is not ours. */
export function press(model: TraceModel, rows: Int32Array, at: Cursor, key: string, pageRows: number): Cursor | undefined {
  const position = positionOf(rows, at.row)
  const go = (to: number): Cursor => ({ ...at, row: rows[Math.min(Math.max(to, 0), rows.length - 1)] ?? 0 })
  switch (key) {
    case 'ArrowDown':
      return go(position + 1)
    case 'ArrowUp':
      return go(position - 1)
    case 'PageDown':
      return go(position + pageRows)
    case 'PageUp':
      return go(position - pageRows)
    case 'Home':
      return go(0)
    case 'End':
      return go(rows.length - 1)
    case 'ArrowRight':
      if (!isParent(model, at.row)) return at
      return at.folded[at.row] === 1 ? { ...at, folded: fold(at.folded, at.row, false) } : go(position + 1)
    case 'ArrowLeft': {
      if (isParent(model, at.row) && at.folded[at.row] !== 1) return { ...at, folded: fold(at.folded, at.row, true) }
      const up = model.parent[at.row] ?? -1
      return up === -1 ? at : { ...at, row: up }
    }
    default:
      return undefined
  }
}

/** Takes cursor and folds over to a newer sight of the same trace: by span id, since rows move when spans arrive. */
export function carry(from: TraceModel, at: Cursor, to: TraceModel): Cursor {
  const folded = new Uint8Array(to.n)
  at.folded.forEach((one, row) => {
    const now = one === 1 ? to.rowOf.get(from.spans[row]?.spanID ?? '') : undefined
    if (now !== undefined) folded[now] = 1
  })
  const row = to.rowOf.get(from.spans[at.row]?.spanID ?? '') ?? 0
  // What stood first by default stays first; a cursor somebody moved stays with its span.
  return { row: at.row === 0 ? 0 : row, folded: reveal(to, folded, row) }
}
