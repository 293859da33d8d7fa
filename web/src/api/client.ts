/** The axios instance: bearer token, trace context on each call, problems as errors. */
import axios, { type AxiosRequestConfig } from 'axios'
import { token } from '../auth/token'
import { type SpanContext, newContext, traceparent } from '../telemetry/context'
import { ApiError, toApiError } from './problem'

export const http = axios.create({ timeout: 20_000 })

export interface CallOptions extends AxiosRequestConfig {
  /** The recorded span this call belongs to. Without one the call carries a fresh, unsampled context: reads and polls fill no store. */
  span?: SpanContext | undefined
}

/** Makes one call; rejects with ApiError only. A 401 gives the token up, which brings the sign-in page. */
export async function call<T>({ span, ...options }: CallOptions): Promise<T> {
  const bearer = token.get()
  const headers = {
    ...(options.headers as Record<string, string> | undefined),
    ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
    traceparent: traceparent(span ?? newContext(false)),
  }
  try {
    const reply = await http.request<T>({ ...options, headers })
    return reply.data
  } catch (thrown) {
    const error = toApiError(thrown, span?.sampled ?? false)
    if (error.problem.status === 401 && bearer !== undefined && bearer === token.get()) token.drop(refusal(error))
    throw error
  }
}

function refusal({ problem }: ApiError): string {
  return problem.detail === undefined || problem.detail === '' ? problem.title : `${problem.title}: ${problem.detail}`
}
