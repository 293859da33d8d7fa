/** W3C trace context: ids and the traceparent header. */

export interface SpanContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string
  /** 16 lower-case hex digits, not all zero. */
  readonly spanId: string
  readonly sampled: boolean
}

export type RandomBytes = (n: number) => Uint8Array

export const cryptoBytes: RandomBytes = (n) => crypto.getRandomValues(new Uint8Array(n))

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

function nonZero(n: number, random: RandomBytes): string {
  for (;;) {
    const id = hex(random(n))
    if (/[1-9a-f]/.test(id)) return id
  }
}

/** Starts a new trace. */
export function newContext(sampled: boolean, random: RandomBytes = cryptoBytes): SpanContext {
  return { traceId: nonZero(16, random), spanId: nonZero(8, random), sampled }
}

export function traceparent(context: SpanContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`
}

/** Reads a traceparent; undefined where it does not follow the specification. */
export function parseTraceparent(header: string): SpanContext | undefined {
  const found = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header)
  const [, version, traceId, spanId, flags, rest] = found ?? []
  if (!version || !traceId || !spanId || !flags || version === 'ff') return undefined
  if (version === '00' && rest !== undefined) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** A trace id with the leading zeros that Jaeger leaves out; text that is none comes back as it was. */
export const wholeTraceId = (text: string) => (/^[0-9a-f]{1,32}$/i.test(text) ? text.toLowerCase().padStart(32, '0') : text)

/** True for the ids this page puts into a path. */
export const isTraceId = (text: string) => /^[0-9a-f]{32}$/.test(text) && !/^0+$/.test(text)
