/** What this page reads from Perch, always through the Engine. */
import { type Objective, readObjective, readObjectives } from '../objectives/model'
import { type RawTrace, readTrace, readTraces } from '../traces/jaeger'
import { type LogLine, readLogs } from '../traces/logs'
import type { SearchFilter } from '../traces/search'
import { toJaegerQuery } from '../traces/search'
import { call } from './client'
import { perchPath } from './path'
import { ApiError } from './problem'

export const logLimit = 1000

/** The trace as far as the store knows it; null while it does not. */
export async function getTrace(traceId: string, signal: AbortSignal): Promise<RawTrace | null> {
  try {
    const body = await call<{ data?: unknown[] }>({ url: perchPath('traces', traceId), signal })
    return readTrace(body.data?.[0]) ?? null
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.problem.status === 404) return null
    throw thrown
  }
}

export async function getTraceLogs(traceId: string, signal: AbortSignal): Promise<LogLine[]> {
  return readLogs(await call({ url: perchPath('logs'), params: { trace_id: traceId, limit: logLimit }, signal }))
}

export async function searchTraces(filter: SearchFilter, now: Date, signal: AbortSignal): Promise<RawTrace[]> {
  return readTraces(await call({ url: perchPath('traces'), params: toJaegerQuery(filter, now), signal }))
}

export async function listServices(signal: AbortSignal): Promise<string[]> {
  const body = await call<{ data?: unknown }>({ url: perchPath('services'), signal })
  const names = Array.isArray(body.data) ? body.data.filter((name): name is string => typeof name === 'string') : []
  return names.toSorted()
}

/** All objectives that are tracked, without what spent their budgets. */
export async function listObjectives(signal: AbortSignal): Promise<Objective[]> {
  return readObjectives(await call({ url: perchPath('slo'), signal }))
}

export async function getObjective(id: string, signal: AbortSignal): Promise<Objective> {
  return readObjective((await call<{ data?: unknown }>({ url: perchPath('slo', id), signal })).data)
}
