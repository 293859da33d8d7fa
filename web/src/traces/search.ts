/** The trace search as it stands in the address. */

export interface SearchFilter {
  service?: string
  operation?: string
  /** As Jaeger writes it: "1.2s", "100ms", "500us". */
  minDuration?: string
  lookbackMinutes?: number
}

export const lookbacks = [15, 60, 360, 1440] as const
export const defaultLookback = 60
export const searchLimit = 50

const word = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 200) : undefined)

export const isDuration = (text: string) => /^\d+(\.\d+)?(us|µs|ms|s|m|h)$/.test(text)

/** Reads the address; what is not understood is left out. */
export function readSearch(raw: Record<string, unknown>): SearchFilter {
  const filter: SearchFilter = {}
  const service = word(raw['service'])
  const operation = word(raw['operation'])
  const minDuration = word(raw['minDuration'])
  const lookback = raw['lookbackMinutes']
  if (service !== undefined) filter.service = service
  if (operation !== undefined) filter.operation = operation
  if (minDuration !== undefined && isDuration(minDuration)) filter.minDuration = minDuration
  if (typeof lookback === 'number' && lookbacks.some((known) => known === lookback)) filter.lookbackMinutes = lookback
  return filter
}

/** Jaeger's parameters; start and end in microseconds. */
export function toJaegerQuery(filter: SearchFilter, now: Date) {
  const end = now.getTime() * 1000
  return {
    service: filter.service,
    operation: filter.operation,
    minDuration: filter.minDuration,
    start: end - (filter.lookbackMinutes ?? defaultLookback) * 60_000_000,
    end,
    limit: searchLimit,
  }
}
