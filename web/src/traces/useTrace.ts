/** Follows a trace until it is whole, and its log lines. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { keys } from '../api/keys'
import { getTrace, getTraceLogs } from '../api/perch'
import type { ApiError } from '../api/problem'
import { type Arrival, type Sight, judge } from './arrival'
import type { RawTrace } from './jaeger'
import type { LogLine } from './logs'
import { type TraceModel, buildTrace } from './model'

interface Look {
  readonly raw: RawTrace | null
  readonly model: TraceModel | undefined
  readonly sights: readonly Sight[]
}

const maxSights = 200

function nextLook(before: Look | undefined, raw: RawTrace | null): Look {
  // Spans never change once told: an equal number of them is the same trace, and what is drawn can stay.
  const same = before?.raw?.spans.length === raw?.spans.length
  const model = same ? before?.model : raw && raw.spans.length > 0 ? buildTrace(raw) : undefined
  const sight = { nSpans: model?.n ?? 0, nOrphans: model?.orphans.length ?? 0 }
  return { raw: same && before ? before.raw : raw, model, sights: [...(before?.sights ?? []), sight].slice(-maxSights) }
}

const errorRetryMs = 4000
const logPollMs = 1500
/** Lines travel their own way and may come after the last span. */
const minLogLooks = 4

export interface TraceView {
  readonly model: TraceModel | undefined
  readonly lines: readonly LogLine[]
  readonly arrival: Arrival
  readonly error: ApiError | null
  readonly logsError: ApiError | null
  readonly lookAgain: () => void
}

const noLines: readonly LogLine[] = []

export function useTrace(traceId: string): TraceView {
  const client = useQueryClient()
  const key = keys.trace(traceId)
  const trace = useQuery<Look, ApiError>({
    queryKey: key,
    queryFn: async ({ signal }) => nextLook(client.getQueryData<Look>(keys.trace(traceId)), await getTrace(traceId, signal)),
    structuralSharing: false,
    refetchInterval: ({ state }) => {
      if (state.status === 'error') return errorRetryMs
      const arrival = judge(state.data?.sights ?? [])
      return 'nextMs' in arrival ? arrival.nextMs : false
    },
  })
  const sights = trace.data?.sights
  const arrival = useMemo(() => judge(sights ?? []), [sights])
  const arriving = 'nextMs' in arrival
  const logs = useQuery<LogLine[], ApiError>({
    queryKey: keys.traceLogs(traceId),
    queryFn: ({ signal }) => getTraceLogs(traceId, signal),
    structuralSharing: false,
    refetchInterval: ({ state }) => (arriving || state.dataUpdateCount < minLogLooks ? logPollMs : false),
  })
  return {
    model: trace.data?.model,
    lines: logs.data ?? noLines,
    arrival,
    error: trace.error,
    logsError: logs.error,
    lookAgain: () => {
      void client.resetQueries({ queryKey: key })
      void client.resetQueries({ queryKey: keys.traceLogs(traceId) })
    },
  }
}
