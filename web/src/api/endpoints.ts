/** One function per endpoint this page calls. */
import { recorder } from '../telemetry'
import { attr, span as spanNames } from '../telemetry/names.gen'
import { call, http } from './client'
import { path } from './path'
import { ApiError } from './problem'
import type { CompressRequest, Operation, Pellet, PelletPage, Ticket } from './types'

export const pelletPageSize = 50

export const listPellets = (cursor: string | undefined, signal?: AbortSignal) =>
  call<PelletPage>({ url: path('/api/pellets'), params: { limit: pelletPageSize, cursor }, ...(signal && { signal }) })

export const getPellet = (digest: string, signal?: AbortSignal) =>
  call<Pellet>({ url: path('/api/pellets/{digest}', { digest }), ...(signal && { signal }) })

export const getOperation = (id: string, signal?: AbortSignal) =>
  call<Operation>({ url: path('/api/operations/{id}', { id }), ...(signal && { signal }) })

/** Asks an operation to end at its next step; it may be past its last one. */
export const cancelOperation = (id: string) => call<Operation>({ method: 'POST', url: path('/api/operations/{id}/cancel', { id }) })

/** Asks for the shortest page with a token that is not kept yet. */
export const tryToken = (candidate: string) =>
  http.get(path('/api/pellets'), { params: { limit: 1 }, headers: { Authorization: `Bearer ${candidate}` } })

export const newTicket = () => call<Ticket>({ method: 'POST', url: path('/api/ws-tickets') })

/** Starts packing. The span opened here is the root of the operation's trace; it ends with the Engine's reply. */
export async function compress(request: CompressRequest): Promise<Operation> {
  const url = path('/api/pellets/compress')
  const span = recorder.start(spanNames.uiCompress, { [attr.httpRequestMethod]: 'POST', [attr.urlFull]: new URL(url, location.href).href })
  try {
    const operation = await call<Operation>({
      method: 'POST',
      url,
      data: request,
      headers: { 'Idempotency-Key': span.context.traceId },
      span: span.context,
    })
    span.set({ [attr.httpResponseStatusCode]: 202, [attr.nestrOperationId]: operation.id })
    span.end()
    return operation
  } catch (thrown) {
    if (thrown instanceof ApiError) {
      if (thrown.problem.status > 0) span.set({ [attr.httpResponseStatusCode]: thrown.problem.status })
      span.set({ [attr.errorType]: thrown.problem.code })
    }
    span.end(thrown instanceof Error ? thrown.message : String(thrown))
    throw thrown
  }
}
