/** A small Engine for tests: answers axios by method and path, and remembers what was asked. */
import { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios'
import { http } from '../api/client'
import type { Operation, Pellet } from '../api/types'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  readonly params: Readonly<Record<string, unknown>>
}

export type Answer = { status?: number; body: unknown } | undefined
export type Routes = Readonly<Record<string, (asked: Asked) => Answer>>

const parse = (data: unknown): unknown => (typeof data === 'string' ? JSON.parse(data) : data)

/** Installs the routes, keyed "METHOD /path"; an unknown one answers 404. Returns the log of requests. */
export function engine(routes: Routes): Asked[] {
  const log: Asked[] = []
  http.defaults.adapter = async (config: InternalAxiosRequestConfig): Promise<AxiosResponse> => {
    const method = (config.method ?? 'get').toUpperCase()
    const asked: Asked = {
      method,
      path: config.url ?? '',
      headers: Object.fromEntries(Object.entries(config.headers.toJSON()).map(([name, value]) => [name.toLowerCase(), String(value)])),
      body: parse(config.data),
      params: (config.params ?? {}) as Record<string, unknown>,
    }
    log.push(asked)
    const answer = routes[`${method} ${asked.path}`]?.(asked) ?? { status: 404, body: { code: 'not-found', title: 'Not found' } }
    const response = { status: answer.status ?? 200, data: answer.body, statusText: '', headers: {}, config }
    if (response.status >= 400) throw new AxiosError('refused', undefined, config, undefined, response)
    return response
  }
  return log
}

export const traceId = 'ab'.repeat(16)

export const aPellet = (more: Partial<Pellet> = {}): Pellet => ({
  digest: 'd1'.repeat(32),
  name: 'site-modules',
  tree: 't3'.repeat(32),
  profile: 'seekable',
  origin: { path: '/srv/site/node_modules' },
  entries: 1234,
  bytes_in: 5_000_000,
  bytes_out: 1_000_000,
  ratio: 5,
  created_at: '2026-01-01T00:00:00Z',
  duration_ms: 840,
  trace_id: traceId,
  ...more,
})

export const anOperation = (more: Partial<Operation> = {}): Operation => ({
  id: 'op1',
  kind: 'pellet.compress',
  state: 'running',
  phase: 'pack',
  progress: { bytes_done: 2_500_000, bytes_total: 5_000_000, entries_done: 600, entries_total: 1234 },
  trace_id: traceId,
  started_at: '2026-01-01T00:00:00Z',
  ...more,
})
