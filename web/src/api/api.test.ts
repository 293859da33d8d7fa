// @vitest-environment jsdom
import { AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios'
import { beforeEach, describe, expect, it } from 'vitest'
import { lookAt, token } from '../auth/token'
import { stepStates } from '../pellets/phases'
import { parseTraceparent } from '../telemetry/context'
import { call, http } from './client'
import { ApiError, readProblem, toApiError } from './problem'

beforeEach(() => sessionStorage.clear())

const answer = (status: number, data: unknown) => (config: InternalAxiosRequestConfig) => {
  const response = { status, data, statusText: '', headers: {}, config }
  return status < 400 ? Promise.resolve(response) : Promise.reject(new AxiosError('x', undefined, config, undefined, response))
}

describe('problems', () => {
  it('keeps what the Engine says', () => {
    const body = { type: 'https://nestr.dev/problems/no-space', title: 'No space', code: 'no-space', detail: 'd', hint: 'h', trace_id: 't', status: 507 }
    expect(readProblem(body, 507)).toEqual(body)
  })

  it.each([undefined, null, '<html>', { title: 3 }])('makes do with %j', (body) => {
    expect(readProblem(body, 500)).toEqual({ type: 'about:blank', title: 'The Engine answered 500', status: 500, code: 'http-500' })
  })

  it('hears Perch through the Engine', () => {
    expect(readProblem({ data: null, errors: [{ code: 400, msg: 'limit is not a number' }] }, 400)).toMatchObject({
      title: 'Perch answered 400',
      detail: 'limit is not a number',
    })
  })

  it('tells a silent Engine from a problem behind it', () => {
    const config = { headers: new AxiosHeaders() }
    const gateway = (data: unknown) => new AxiosError('x', undefined, config, undefined, { status: 502, data, statusText: '', headers: {}, config })
    expect(toApiError(gateway('Bad gateway'), true).problem.code).toBe('engine-unreachable')
    expect(toApiError(gateway({ code: 'perch-absent', title: 'x' }), true).problem.code).toBe('perch-absent')
    expect(toApiError(new Error('Network Error'), true)).toMatchObject({ traced: false, problem: { code: 'engine-unreachable' } })
  })
})

describe('a call', () => {
  it('carries the token and a trace context; unsampled where no span is recorded', async () => {
    token.set('secret')
    const sent: AxiosHeaders[] = []
    const adapter = (config: InternalAxiosRequestConfig) => {
      sent.push(config.headers)
      return answer(200, 'ok')(config)
    }
    const span = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), sampled: true }
    await call({ url: '/a', adapter })
    await call({ url: '/b', adapter, span })
    const [first, second] = sent.map((headers) => parseTraceparent(String(headers.get('traceparent'))))
    expect(first?.sampled).toBe(false)
    expect(second).toEqual(span)
    expect(sent[0]?.get('Authorization')).toBe('Bearer secret')
  })

  it('gives the token up on 401 and keeps the reason', async () => {
    token.set('old')
    const refused = call({ url: '/a', adapter: answer(401, { code: 'unauthenticated', title: 'Not signed in', detail: 'the token expired' }) })
    await expect(refused).rejects.toBeInstanceOf(ApiError)
    expect(token.get()).toBeUndefined()
    expect(token.farewell()).toBe('Not signed in: the token expired')
  })

  it('keeps a token that was renewed while the old one was refused', async () => {
    token.set('old')
    const adapter = (config: InternalAxiosRequestConfig) => {
      token.set('new')
      return answer(401, { code: 'unauthenticated', title: 'x' })(config)
    }
    await expect(call({ url: '/a', adapter })).rejects.toBeInstanceOf(ApiError)
    expect(token.get()).toBe('new')
  })

  it('never puts the token into an address', async () => {
    token.set('secret')
    await call({ url: '/api/pellets', params: { limit: 1 }, adapter: (config) => {
      expect(http.getUri(config)).not.toContain('secret')
      return answer(200, {})(config)
    } })
  })
})

describe('a pasted token', () => {
  const jwt = (claims: object) => `eyJhbGciOiJIUzI1NiJ9.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.c2ln`
  const now = new Date(1_000_000_000)

  it('is tried when it looks right', () => {
    expect(lookAt(jwt({ exp: 1_000_001 }), now)).toEqual({ kind: 'plausible' })
    expect(lookAt(jwt({ sub: 'dev' }), now)).toEqual({ kind: 'plausible' })
  })

  it('is known to be expired', () => expect(lookAt(jwt({ exp: 1_000_000 }), now)).toMatchObject({ kind: 'expired' }))

  it.each(['', 'abc', 'a.b', 'a.b.c.d', 'a.%%.c', 'eyJ.!!!.x', 'aaaa.bbbb.cccc'])('is malformed: %j', (text) => {
    expect(lookAt(text, now).kind).toBe('malformed')
  })
})

describe('phases', () => {
  it('shows where a running and a failed operation stand', () => {
    expect(stepStates({ state: 'running', phase: 'pack' })).toEqual(['done', 'now', 'ahead', 'ahead'])
    expect(stepStates({ state: 'failed', phase: 'seal' })).toEqual(['done', 'done', 'failed', 'ahead'])
    expect(stepStates({ state: 'succeeded', phase: 'record' })).toEqual(['done', 'done', 'done', 'done'])
    expect(stepStates({ state: 'running', phase: 'queued' })).toEqual(['ahead', 'ahead', 'ahead', 'ahead'])
  })
})
