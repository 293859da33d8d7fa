/**
 * A trace as flat arrays in the order it is drawn; no object per row, so that 100 000 spans stay cheap.
 *
 * Invariants: 1. rows are in depth-first order, children by start. 2. `end[row]` is the first row after the subtree of `row`.
 * 3. Every span stands on exactly one row, also where parents are missing, doubled or form a circle.
 * 4. Times are microseconds from the start of the trace, skew already taken out.
 * Not here: which rows are folded away (fold.ts), pixels (the view).
 */
import { wholeTraceId } from '../telemetry/context'
import { type RawSpan, type RawTrace, failed, tag } from './jaeger'
import { type Order, orderSpans } from './order'
import { skews } from './skew'

export interface TraceModel {
  readonly traceId: string
  readonly n: number
  readonly spans: readonly RawSpan[]
  readonly start: Float64Array
  readonly duration: Float64Array
  readonly depth: Uint16Array
  /** Row of the parent, -1 for a root. */
  readonly parent: Int32Array
  readonly end: Int32Array
  /** 1 where the span failed. */
  readonly failed: Uint8Array
  /** Index into `services`. */
  readonly service: Uint16Array
  readonly services: readonly string[]
  /** Microseconds the row was moved because its clock disagrees with its parent's; 0 for most. */
  readonly shift: Float64Array
  /** Rows whose parent is named but absent. */
  readonly orphans: readonly number[]
  /** Microseconds since the epoch of time 0. */
  readonly origin: number
  /** Microseconds from the first start to the last end; at least 1. */
  readonly total: number
  readonly rowOf: ReadonlyMap<string, number>
  readonly nFailed: number
  readonly warnings: readonly string[]
}

function withoutDoubles(spans: readonly RawSpan[]): RawSpan[] {
  const seen = new Set<string>()
  return spans.filter((span) => {
    if (span.spanID === '' || seen.has(span.spanID)) return false
    seen.add(span.spanID)
    return true
  })
}

function nameServices(spans: readonly RawSpan[], service: Uint16Array): string[] {
  const index = new Map<string, number>()
  spans.forEach((span, row) => {
    const known = index.get(span.service) ?? index.size
    index.set(span.service, known)
    service[row] = known
  })
  return [...index.keys()]
}

function extent(spans: readonly RawSpan[], shift: Float64Array) {
  let first = Infinity
  let last = -Infinity
  spans.forEach((each, row) => {
    const start = each.startTime + (shift[row] ?? 0)
    first = Math.min(first, start)
    last = Math.max(last, start + each.duration)
  })
  return { origin: Number.isFinite(first) ? first : 0, total: Math.max(1, last - first) }
}

export function buildTrace(raw: RawTrace): TraceModel {
  const unordered = withoutDoubles(raw.spans)
  const order: Order = orderSpans(unordered)
  const spans = order.spans
  const n = spans.length
  const shift = skews(spans, order.parent)
  const { origin, total } = extent(spans, shift)
  const service = new Uint16Array(n)
  const services = nameServices(spans, service)
  const start = Float64Array.from(spans, (each, row) => each.startTime + (shift[row] ?? 0) - origin)
  const fails = Uint8Array.from(spans, (each) => (failed(each) ? 1 : 0))
  return {
    traceId: wholeTraceId(raw.traceID),
    n,
    spans,
    start,
    duration: Float64Array.from(spans, (each) => each.duration),
    depth: order.depth,
    parent: order.parent,
    end: order.end,
    failed: fails,
    service,
    services,
    shift,
    orphans: order.orphans,
    origin,
    total,
    rowOf: new Map(spans.map((each, row) => [each.spanID, row])),
    nFailed: fails.reduce((sum, one) => sum + one, 0),
    warnings: raw.warnings,
  }
}

/** The value of an attribute on the first row that has it. */
export function firstTag(model: TraceModel, key: string): string | undefined {
  for (const span of model.spans) {
    const value = tag(span, key)
    if (value !== undefined && value !== '') return value
  }
  return undefined
}
