/** Telemetry arrives a little after the fact: says whether a trace is still coming in and when to look again. */

export interface Sight {
  /** Spans seen; 0 while the store does not know the trace. */
  readonly nSpans: number
  /** Spans whose parent is named but not there yet. */
  readonly nOrphans: number
}

export type Arrival =
  | { readonly kind: 'waiting'; readonly nextMs: number }
  | { readonly kind: 'growing'; readonly nextMs: number }
  | { readonly kind: 'complete' }
  /** Gave up: `absent` never came, otherwise parents stayed missing. */
  | { readonly kind: 'incomplete'; readonly absent: boolean }

const delaysMs = [250, 500, 1000, 2000, 4000]
/** A trace that is not there after this many looks does not come by itself (about 50 s). */
export const looksForAbsent = 16
/** A long operation ends its root span last: orphans are waited for longer (about 10 min). */
export const looksForOrphans = 150

const nextMs = (nLooks: number) => delaysMs[Math.min(nLooks, delaysMs.length - 1)] ?? 4000

/** Judges by all sights so far, the newest last. Complete: whole, and the same twice running. */
export function judge(sights: readonly Sight[]): Arrival {
  const last = sights.at(-1)
  const n = sights.length
  if (last === undefined || last.nSpans === 0) {
    return n >= looksForAbsent ? { kind: 'incomplete', absent: true } : { kind: 'waiting', nextMs: nextMs(Math.max(0, n - 1)) }
  }
  const before = sights.at(-2)
  const unchanged = before?.nSpans === last.nSpans && before.nOrphans === last.nOrphans
  if (unchanged && last.nOrphans === 0) return { kind: 'complete' }
  if (n >= looksForOrphans) return { kind: 'incomplete', absent: false }
  return { kind: 'growing', nextMs: nextMs(unchanged ? n : 1) }
}
