/**
 * OTLP/JSON of finished spans.
 *
 * Invariants: 1. ids are hex, 64-bit numbers are decimal strings (OTLP's JSON mapping). 2. Times never run backwards within a span.
 */
import type { SpanContext } from './context'

export type AttributeValue = string | number | boolean
export type Attributes = Readonly<Record<string, AttributeValue>>

export interface SpanEvent {
  readonly name: string
  /** Milliseconds since the epoch, fractions allowed. */
  readonly time: number
  readonly attributes: Attributes
}

export interface FinishedSpan {
  readonly context: SpanContext
  readonly parentSpanId?: string
  readonly name: string
  /** Milliseconds since the epoch, fractions allowed. */
  readonly start: number
  readonly end: number
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  readonly error?: string
}

const kindClient = 3
const statusError = 2

/** Milliseconds to a decimal string of nanoseconds; whole microseconds, because no browser clock is finer. */
export function nanos(milliseconds: number): string {
  return (BigInt(Math.round(milliseconds * 1000)) * 1000n).toString()
}

function value(of: AttributeValue) {
  if (typeof of === 'string') return { stringValue: of }
  if (typeof of === 'boolean') return { boolValue: of }
  return Number.isSafeInteger(of) ? { intValue: String(of) } : { doubleValue: of }
}

const keyValues = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, of]) => ({ key, value: value(of) }))

function encodeSpan(span: FinishedSpan) {
  return {
    traceId: span.context.traceId,
    spanId: span.context.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    flags: 0x100 | (span.context.sampled ? 1 : 0),
    name: span.name,
    kind: kindClient,
    startTimeUnixNano: nanos(span.start),
    endTimeUnixNano: nanos(Math.max(span.start, span.end)),
    attributes: keyValues(span.attributes),
    events: span.events.map((event) => ({
      timeUnixNano: nanos(event.time),
      name: event.name,
      attributes: keyValues(event.attributes),
    })),
    status: span.error === undefined ? {} : { code: statusError, message: span.error },
  }
}

/** One ExportTraceServiceRequest. */
export function encodeTraces(resource: Attributes, scope: { name: string; version: string }, spans: readonly FinishedSpan[]) {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope, spans: spans.map(encodeSpan) }],
      },
    ],
  }
}
