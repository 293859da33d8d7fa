/** Turns whatever a call ended with into one shape the page can show. */
import { AxiosError } from 'axios'
import type { Problem } from './types'

export class ApiError extends Error {
  override readonly name = 'ApiError'

  constructor(
    readonly problem: Problem,
    /** True where the call's trace was recorded, so that a link to it leads somewhere. */
    readonly traced: boolean,
  ) {
    super(problem.title)
  }
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** Perch answers as Jaeger does: `{errors: [{code, msg}]}`. */
function jaegerError(from: Record<string, unknown>): string | undefined {
  const first: unknown = Array.isArray(from['errors']) ? from['errors'][0] : undefined
  return typeof first === 'object' && first !== null ? text((first as Record<string, unknown>)['msg']) : undefined
}

/** Reads problem+json; every field but the status may be absent or of another kind. */
export function readProblem(body: unknown, status: number): Problem {
  const from = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const fromPerch = jaegerError(from)
  const problem: Problem = {
    type: text(from['type']) ?? 'about:blank',
    title: text(from['title']) ?? `${fromPerch === undefined ? 'The Engine' : 'Perch'} answered ${status}`,
    status,
    code: text(from['code']) ?? `http-${status}`,
    ...(fromPerch === undefined ? {} : { detail: fromPerch }),
  }
  for (const key of ['detail', 'instance', 'trace_id', 'hint'] as const) {
    const value = text(from[key])
    if (value !== undefined) problem[key] = value
  }
  return problem
}

const unreachable: Problem = {
  type: 'about:blank',
  title: 'The Engine does not answer',
  status: 0,
  code: 'engine-unreachable',
  detail: 'No reply came from the address this page was loaded from.',
  hint: 'Start it with `nestr serve` or `perch up`; this page tries again by itself.',
}

/** A gateway in front of a silent Engine says so in its own way; the dev server with an empty 500. */
const isSilence = (status: number, data: unknown) => status === 502 || status === 504 || (status === 500 && data === '')

/** Anything thrown → ApiError. */
export function toApiError(thrown: unknown, traced: boolean): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (thrown instanceof AxiosError && thrown.response) {
    const { status, data } = thrown.response
    const isProblem = typeof data === 'object' && data !== null && 'code' in data
    if (!isProblem && isSilence(status, data)) return new ApiError({ ...unreachable, status }, false)
    return new ApiError(readProblem(data, status), traced)
  }
  return new ApiError(unreachable, false)
}
