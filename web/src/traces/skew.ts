/**
 * Takes clock skew out of a trace: a span of another process cannot have begun before the one that caused it.
 *
 * Invariants: 1. spans of one process keep their distances. 2. Nothing moves where cause already precedes effect; work that goes on
 * after its caller returned is no skew.
 */
import type { RawSpan } from './jaeger'

/** Microseconds to add to each row's start; `spans` in depth-first order. */
export function skews(spans: readonly RawSpan[], parent: Int32Array): Float64Array {
  const shift = new Float64Array(spans.length)
  spans.forEach((span, row) => {
    const upRow = parent[row] ?? -1
    const up = spans[upRow]
    if (up === undefined) return
    const inherited = shift[upRow] ?? 0
    const upStart = up.startTime + inherited
    if (span.process === up.process) {
      shift[row] = inherited
      return
    }
    if (span.startTime >= upStart) return
    // Centred where it fits (the way there and the way back taken as equal), else at the parent's start.
    const slack = Math.max(0, up.duration - span.duration)
    shift[row] = upStart + Math.floor(slack / 2) - span.startTime
  })
  return shift
}
