/** Jaeger's query shapes, read with care: every part may be absent, and every text is from outside. */

export interface KeyValue {
  readonly key: string
  readonly value: string
}

export interface RawSpan {
  readonly spanID: string
  readonly operationName: string
  readonly parentID: string | undefined
  /** Microseconds since the epoch. */
  readonly startTime: number
  /** Microseconds, never negative. */
  readonly duration: number
  readonly tags: readonly KeyValue[]
  readonly logs: readonly { readonly timestamp: number; readonly fields: readonly KeyValue[] }[]
  readonly service: string
  /** Spans of one process share a clock. */
  readonly process: string
  readonly processTags: readonly KeyValue[]
  readonly warnings: readonly string[]
}

export interface RawTrace {
  readonly traceID: string
  readonly spans: readonly RawSpan[]
  readonly warnings: readonly string[]
}

type Loose = Record<string, unknown>

const object = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const strings = (value: unknown) => list(value).filter((item): item is string => typeof item === 'string')

function number(value: unknown): number {
  const n = typeof value === 'string' ? Number(value) : value
  return typeof n === 'number' && Number.isFinite(n) ? n : 0
}

function show(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? '' : JSON.stringify(value)
}

const keyValues = (value: unknown): KeyValue[] =>
  list(value).map((item) => {
    const from = object(item)
    return { key: text(from['key']), value: show(from['value']) }
  })

function parent(references: unknown, traceID: string): string | undefined {
  for (const item of list(references)) {
    const from = object(item)
    const other = text(from['traceID'])
    if (text(from['refType']) === 'CHILD_OF' && (other === '' || other === traceID)) return text(from['spanID']) || undefined
  }
  return undefined
}

function readSpan(value: unknown, traceID: string, processes: Loose): RawSpan {
  const from = object(value)
  const process = text(from['processID'])
  const about = object(processes[process])
  return {
    spanID: text(from['spanID']),
    operationName: text(from['operationName']) || '(no name)',
    parentID: parent(from['references'], traceID) ?? (text(from['parentSpanID']) || undefined),
    startTime: number(from['startTime']),
    duration: Math.max(0, number(from['duration'])),
    tags: keyValues(from['tags']),
    logs: list(from['logs']).map((item) => {
      const log = object(item)
      return { timestamp: number(log['timestamp']), fields: keyValues(log['fields']) }
    }),
    service: text(about['serviceName']) || '(unknown service)',
    process,
    processTags: keyValues(about['tags']),
    warnings: strings(from['warnings']),
  }
}

/** Reads one trace; undefined where the body holds none. */
export function readTrace(value: unknown): RawTrace | undefined {
  const from = object(value)
  const traceID = text(from['traceID'])
  if (traceID === '') return undefined
  const processes = object(from['processes'])
  return {
    traceID,
    spans: list(from['spans']).map((span) => readSpan(span, traceID, processes)),
    warnings: strings(from['warnings']),
  }
}

/** Reads `{data: [trace…]}`. */
export const readTraces = (body: unknown): RawTrace[] =>
  list(object(body)['data'])
    .map(readTrace)
    .filter((trace) => trace !== undefined)

export const tag = (span: RawSpan, key: string) => span.tags.find((item) => item.key === key)?.value

/** True where the span says that it failed, by status or by the older `error` tag. */
export const failed = (span: RawSpan) =>
  tag(span, 'otel.status_code')?.toUpperCase() === 'ERROR' || tag(span, 'error') === 'true'
