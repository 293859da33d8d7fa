/** Small traces for tests. */
import type { RawSpan, RawTrace } from './jaeger'

interface Given {
  id: string
  parent?: string
  start?: number
  duration?: number
  service?: string
  process?: string
  error?: boolean
}

export function aSpan({ id, parent, start = 0, duration = 10, service = 'nestr', process = service, error = false }: Given): RawSpan {
  return {
    spanID: id,
    operationName: `op ${id}`,
    parentID: parent,
    startTime: start,
    duration,
    tags: error ? [{ key: 'otel.status_code', value: 'ERROR' }] : [],
    logs: [],
    service,
    process,
    processTags: [],
    warnings: [],
  }
}

export const aTrace = (...given: Given[]): RawTrace => ({ traceID: 'ab'.repeat(16), spans: given.map(aSpan), warnings: [] })
