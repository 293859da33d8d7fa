/** Log lines of a trace, placed on its rows. */
import type { TraceModel } from './model'

export type Severity = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  /** Microseconds since the epoch. */
  readonly time: number
  readonly severity: Severity
  readonly severityText: string
  readonly body: string
  readonly spanId: string
  readonly service: string
  readonly attributes: readonly (readonly [string, string])[]
}

/** OpenTelemetry's severity numbers: four to each level, 17 and up is an error or worse. */
export function severityOf(number: number, name: string): Severity {
  if (number >= 17) return 'error'
  if (number >= 13) return 'warn'
  if (number >= 9) return 'info'
  if (number >= 5) return 'debug'
  if (number >= 1) return 'trace'
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', WARNING: 'warn', ERROR: 'error', FATAL: 'error' } as const
  return levels[name.toUpperCase() as keyof typeof levels] ?? 'info'
}

/** Nanoseconds, as number or decimal text (exact beyond 2^53), to microseconds. */
export function microsOf(nanos: unknown): number {
  if (typeof nanos === 'string' && /^\d{1,20}$/.test(nanos)) return Number(BigInt(nanos) / 1000n)
  return typeof nanos === 'number' && Number.isFinite(nanos) ? nanos / 1000 : 0
}

const show = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

function readLine(value: unknown): LogLine {
  const from = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const severityText = typeof from['severity_text'] === 'string' ? from['severity_text'] : ''
  const attributes = typeof from['attributes'] === 'object' && from['attributes'] !== null ? from['attributes'] : {}
  return {
    time: microsOf(from['time_unix_nano']),
    severity: severityOf(typeof from['severity_number'] === 'number' ? from['severity_number'] : 0, severityText),
    severityText,
    body: show(from['body'] ?? ''),
    spanId: typeof from['span_id'] === 'string' ? from['span_id'] : '',
    service: typeof from['service'] === 'string' ? from['service'] : '',
    attributes: Object.entries(attributes).map(([key, of]) => [key, show(of)] as const),
  }
}

/** Reads `{data: [line…]}`, oldest first. */
export function readLogs(body: unknown): LogLine[] {
  const data = typeof body === 'object' && body !== null ? (body as { data?: unknown }).data : undefined
  return (Array.isArray(data) ? data : []).map(readLine).toSorted((a, b) => a.time - b.time)
}

export interface Dot {
  /** Microseconds from the start of the trace. */
  readonly at: number
  readonly severity: Severity
}

/** Row → dots; a line moves with its span where that was moved for skew, and is kept within the trace. */
export function dotsByRow(model: TraceModel, lines: readonly LogLine[]): ReadonlyMap<number, readonly Dot[]> {
  const dots = new Map<number, Dot[]>()
  for (const line of lines) {
    const row = model.rowOf.get(line.spanId)
    if (row === undefined) continue
    const at = Math.min(model.total, Math.max(0, line.time + (model.shift[row] ?? 0) - model.origin))
    const already = dots.get(row)
    if (already === undefined) dots.set(row, [{ at, severity: line.severity }])
    else already.push({ at, severity: line.severity })
  }
  return dots
}
