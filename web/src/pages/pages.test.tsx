// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { queryClient } from '../app/queries'
import { token } from '../auth/token'
import { started } from '../pellets/started'
import { parseTraceparent } from '../telemetry/context'
import { aPellet, anOperation, engine, traceId } from '../testing/engine'
import { show } from '../testing/page'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln'
const tickets = { 'POST /api/ws-tickets': () => ({ status: 503, body: { code: 'x', title: 'x' } }) }
const posted: unknown[] = []

beforeEach(() => {
  posted.length = 0
  vi.stubGlobal('fetch', async (_: string, { body }: { body: string }) => {
    posted.push(JSON.parse(body))
    return new Response('{}')
  })
  vi.stubGlobal('scrollTo', () => undefined)
})

afterEach(() => {
  cleanup()
  token.drop()
  for (const id of started.list()) started.remove(id)
  queryClient.clear()
})

it('signs in with a good token and keeps it out of the address', async () => {
  const log = engine({ ...tickets, 'GET /api/pellets': () => ({ body: { items: [] } }) })
  const router = show('/pellets')
  fireEvent.change(await screen.findByLabelText('Token'), { target: { value: `  Bearer ${jwt}\n` } })
  fireEvent.click(screen.getByRole('button', { name: 'Sign in' }))
  await screen.findByText('No Pellet yet')
  expect(log[0]?.headers['authorization']).toBe(`Bearer ${jwt}`)
  expect(sessionStorage.getItem('nestr.token')).toBe(jwt)
  expect(router.state.location.href).not.toContain(jwt)
})

it('says why a token does not work', async () => {
  engine({ 'GET /api/pellets': () => ({ status: 401, body: { code: 'unauthenticated', title: 'Not signed in', detail: 'the signature is wrong', hint: 'make a token with `nestr token create`' } }) })
  show('/pellets')
  fireEvent.change(await screen.findByLabelText('Token'), { target: { value: jwt } })
  fireEvent.click(screen.getByRole('button', { name: 'Sign in' }))
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toContain('Not signed in')
  expect(alert.textContent).toContain('the signature is wrong')
  expect(within(alert).getByText('nestr token create').tagName).toBe('CODE')
})

it('sees a cut token before sending it', async () => {
  const log = engine({})
  show('/pellets')
  fireEvent.change(await screen.findByLabelText('Token'), { target: { value: 'eyJhbGci' } })
  fireEvent.click(screen.getByRole('button', { name: 'Sign in' }))
  expect((await screen.findByRole('alert')).textContent).toContain('three parts')
  expect(log).toEqual([])
})

it('goes back to sign-in, with the reason, when the token is refused later', async () => {
  token.set(jwt)
  engine({ 'GET /api/pellets': () => ({ status: 401, body: { code: 'unauthenticated', title: 'Not signed in', detail: 'the token expired' } }) })
  show('/pellets')
  expect((await screen.findByRole('alert')).textContent).toContain('the token expired')
})

it('compresses: one trace from the click on, progress, Pellet', async () => {
  token.set(jwt)
  let operation = anOperation()
  let items = [] as unknown[]
  const log = engine({
    ...tickets,
    'GET /api/pellets': () => ({ body: { items } }),
    'POST /api/pellets/compress': () => ({ status: 202, body: operation }),
    'GET /api/operations/op1': () => ({ body: operation }),
  })
  show('/pellets')
  fireEvent.change(await screen.findByLabelText('Folder to pack'), { target: { value: ' /srv/site/node_modules ' } })
  fireEvent.click(screen.getByRole('button', { name: 'Compress' }))

  const bar = await screen.findByRole('progressbar')
  expect(bar.getAttribute('value')).toBe('50')
  expect(screen.getByTestId('counts').textContent).toContain('2.4 MiB of 4.8 MiB')
  expect(screen.getByText('Pack').getAttribute('aria-current')).toBe('step')

  const request = log.find(({ method, path }) => method === 'POST' && path.endsWith('compress'))
  expect(request?.body).toEqual({ path: '/srv/site/node_modules' })
  expect(request?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/)
  const context = parseTraceparent(request?.headers['traceparent'] ?? '')
  await waitFor(() => expect(posted).toHaveLength(1))
  expect(posted[0]).toMatchObject({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'ui.compress', traceId: context?.traceId, spanId: context?.spanId }] }] }] })

  operation = anOperation({ state: 'succeeded', phase: 'record', finished_at: '2026-01-01T00:00:02Z', result: { digest: 'd1'.repeat(32) } })
  items = [aPellet()]
  expect(await screen.findByText('Packed')).toBeTruthy()
  expect(screen.getByRole('link', { name: 'Open Pellet' }).getAttribute('href')).toBe(`/pellets/${'d1'.repeat(32)}`)
  expect(await screen.findByRole('link', { name: 'site-modules' })).toBeTruthy()
})

it('cancels: asks once, and shows what the operation ended as', async () => {
  token.set(jwt)
  let operation = anOperation()
  const log = engine({
    ...tickets,
    'GET /api/pellets': () => ({ body: { items: [] } }),
    'POST /api/pellets/compress': () => ({ status: 202, body: operation }),
    'GET /api/operations/op1': () => ({ body: operation }),
    'POST /api/operations/op1/cancel': () => {
      operation = anOperation({ cancelling: true })
      return { status: 202, body: operation }
    },
  })
  show('/pellets')
  fireEvent.change(await screen.findByLabelText('Folder to pack'), { target: { value: '/srv/site' } })
  fireEvent.click(screen.getByRole('button', { name: 'Compress' }))
  fireEvent.click(await screen.findByRole('button', { name: 'Cancel' }))
  expect(await screen.findByText('Cancelling')).toBeTruthy()
  expect(screen.getByRole('button', { name: 'Cancel' }).hasAttribute('disabled')).toBe(true)
  expect(log.filter(({ path }) => path.endsWith('/cancel'))).toHaveLength(1)

  const problem = { type: 'x', title: 'The operation was cancelled', status: 499, code: 'cancelled' as const, detail: 'packing /srv/site was cancelled by ada' }
  operation = anOperation({ state: 'failed', finished_at: '2026-01-01T00:00:02Z', error: problem })
  expect(await screen.findByText('Cancelled')).toBeTruthy()
  expect(screen.queryByRole('button', { name: 'Cancel' })).toBeNull()
  expect(screen.getByRole('alert').textContent).toContain('was cancelled by ada')
})

it('shows a refusal as the Engine words it, with the recorded trace', async () => {
  token.set(jwt)
  engine({
    ...tickets,
    'GET /api/pellets': () => ({ body: { items: [] } }),
    'POST /api/pellets/compress': () => ({
      status: 403,
      body: { title: 'Path outside the roots', code: 'path-outside-roots', detail: '/etc lies outside', hint: 'start with `--root DIR`', trace_id: traceId },
    }),
  })
  show('/pellets')
  fireEvent.change(await screen.findByLabelText('Folder to pack'), { target: { value: '/etc' } })
  fireEvent.click(screen.getByRole('button', { name: 'Compress' }))
  const alert = await screen.findByRole('alert')
  for (const part of ['Path outside the roots', '/etc lies outside', '--root DIR', 'path-outside-roots']) expect(alert.textContent).toContain(part)
  expect(within(alert).getByRole('link', { name: 'Open trace' }).getAttribute('href')).toBe(`/traces/${traceId}`)
  await waitFor(() => expect(posted).toMatchObject([{ resourceSpans: [{ scopeSpans: [{ spans: [{ status: { code: 2 } }] }] }] }]))
})

it('pages through Pellets by cursor', async () => {
  token.set(jwt)
  const log = engine({
    ...tickets,
    'GET /api/pellets': ({ params }) =>
      params['cursor'] === 'next'
        ? { body: { items: [aPellet({ digest: 'second', name: 'second' })] } }
        : { body: { items: [aPellet({ digest: 'first', name: 'first' })], next_cursor: 'next' } },
  })
  show('/pellets')
  fireEvent.click(await screen.findByRole('button', { name: 'Load more' }))
  await screen.findByRole('link', { name: 'second' })
  expect(screen.queryByRole('button', { name: 'Load more' })).toBeNull()
  expect(log.filter(({ path }) => path === '/api/pellets').map(({ params }) => params['cursor'])).toContain('next')
})

it('shows a Pellet and leads to its trace', async () => {
  token.set(jwt)
  engine({ ...tickets, [`GET /api/pellets/${'d1'.repeat(32)}`]: () => ({ body: aPellet() }) })
  show(`/pellets/${'d1'.repeat(32)}`)
  await screen.findByRole('heading', { name: 'site-modules' })
  expect(screen.getByText('/srv/site/node_modules')).toBeTruthy()
  expect(screen.getByRole('link', { name: 'Open trace' }).getAttribute('href')).toBe(`/traces/${traceId}`)
})

const jaegerTrace = {
  data: [
    {
      traceID: traceId,
      processes: { p1: { serviceName: 'nestr-web', tags: [] }, p2: { serviceName: 'nestr', tags: [] } },
      spans: [
        { spanID: 'a', operationName: 'ui.compress', startTime: 1_000_000, duration: 9000, processID: 'p1', references: [] },
        { spanID: 'b', operationName: 'POST /api/pellets/compress', startTime: 1_002_000, duration: 5000, processID: 'p2', references: [{ refType: 'CHILD_OF', traceID: traceId, spanID: 'a' }] },
        { spanID: 'c', operationName: '<img src=x onerror=alert(1)>', startTime: 1_003_000, duration: 90_000, processID: 'p2', references: [{ refType: 'CHILD_OF', traceID: traceId, spanID: 'b' }], tags: [{ key: 'otel.status_code', value: 'ERROR' }, { key: 'k', value: '<b>v</b>' }] },
      ],
    },
  ],
}

it('waits for a trace, then draws it with its lines; telemetry stays text', async () => {
  token.set(jwt)
  let there = false
  engine({
    ...tickets,
    [`GET /api/perch/traces/${traceId}`]: () => (there ? { body: jaegerTrace } : undefined),
    'GET /api/perch/logs': ({ params }) => ({
      body: { data: params['trace_id'] === traceId ? [{ time_unix_nano: '1003500000', severity_number: 17, severity_text: 'ERROR', body: '<script>x</script>', span_id: 'c', service: 'nestr' }] : [] },
    }),
  })
  show(`/traces/${traceId}`)
  await screen.findByText(/Waiting for the trace/)
  there = true
  const grid = await screen.findByRole('treegrid')
  expect(within(grid).getAllByRole('row').slice(1).map((row) => [row.getAttribute('aria-level'), row.textContent])).toEqual([
    ['1', 'ui.compressnestr-web9.00 ms'],
    ['2', 'POST /api/pellets/compressnestr5.00 ms'],
    ['3', '<img src=x onerror=alert(1)>nestrfailed90.0 ms'],
  ])
  expect(document.querySelector('img[src=x], script, b')).toBeNull()
  expect(await screen.findByText('<script>x</script>')).toBeTruthy()

  fireEvent.keyDown(grid, { key: 'End' })
  expect(within(screen.getByRole('region', { name: 'Selected span' })).getByText('<b>v</b>')).toBeTruthy()
  fireEvent.keyDown(grid, { key: 'ArrowLeft' })
  fireEvent.keyDown(grid, { key: 'ArrowLeft' })
  expect(within(grid).getAllByRole('row')).toHaveLength(3)
  fireEvent.click(screen.getByRole('button', { name: 'Show the span of this line' }))
  expect(within(grid).getAllByRole('row')).toHaveLength(4)
  await waitFor(() => expect(screen.queryByText(/arriving|Waiting/)).toBeNull())
})

it('refuses an address that holds no trace id without asking anyone', async () => {
  token.set(jwt)
  const log = engine(tickets)
  show('/traces/nonsense')
  expect((await screen.findByRole('alert')).textContent).toContain('32 hexadecimal')
  expect(log.filter(({ path }) => path.includes('perch'))).toEqual([])
})

it('says so when Perch is not there', async () => {
  token.set(jwt)
  const absent = () => ({ status: 403, body: { code: 'perch-absent', title: 'Perch does not answer', hint: 'start it with `perch up`' } })
  engine({ ...tickets, [`GET /api/perch/traces/${traceId}`]: absent, 'GET /api/perch/logs': absent })
  show(`/traces/${traceId}`)
  expect((await screen.findByRole('alert')).textContent).toContain('perch up')
})

it('lists found traces, newest first', async () => {
  token.set(jwt)
  const log = engine({ ...tickets, 'GET /api/perch/services': () => ({ body: { data: ['nestr', 'nestr-web'] } }), 'GET /api/perch/traces': () => ({ body: jaegerTrace }) })
  show('/traces?minDuration=10ms')
  expect((await screen.findByRole('link', { name: 'ui.compress' })).getAttribute('href')).toBe(`/traces/${traceId}`)
  expect(log.find(({ path }) => path === '/api/perch/traces')?.params).toMatchObject({ service: 'nestr', minDuration: '10ms', limit: 50 })
})
