/** A canned Engine in front of the built page: shapes are real, nothing runs. */
import type { Page, Route } from '@playwright/test'

export const token = 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln'
export const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
export const digest = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

const t0 = Date.UTC(2026, 0, 12, 9, 30) * 1000

const pellet = (name: string, path: string, bytesIn: number, ratio: number, entries: number) => ({
  digest: name === 'site-modules' ? digest : `${name}${digest}`.slice(0, 64),
  name,
  tree: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  profile: 'seekable',
  origin: { path },
  entries,
  bytes_in: bytesIn,
  bytes_out: Math.round(bytesIn / ratio),
  ratio,
  created_at: new Date(t0 / 1000).toISOString(),
  duration_ms: 1840,
  trace_id: traceId,
})

export const pellets = [
  pellet('site-modules', '/srv/site/node_modules', 412_000_000, 5.31, 38_412),
  pellet('engine-target', '/srv/engine/target', 2_150_000_000, 3.92, 12_007),
  pellet('notebooks-venv', '/home/ada/notebooks/.venv', 655_000_000, 4.4, 21_934),
]

export const operation = {
  id: 'op1',
  kind: 'pellet.compress',
  state: 'running',
  phase: 'pack',
  progress: { bytes_done: 263_000_000, bytes_total: 412_000_000, entries_done: 21_300, entries_total: 38_412 },
  trace_id: traceId,
  started_at: new Date().toISOString(),
}

export const failedOperation = {
  ...operation,
  id: 'op2',
  state: 'failed',
  finished_at: new Date(Date.now() + 900).toISOString(),
  error: {
    type: 'https://nestr.dev/problems/path-vanished',
    title: 'A file vanished while it was packed',
    status: 409,
    code: 'path-vanished',
    detail: '/srv/site/node_modules/.cache/x.json is gone since the walk',
    hint: 'stop what changes the tree, then pack it again',
    trace_id: traceId,
  },
}

const span = (spanID: string, parent: string | undefined, operationName: string, start: number, duration: number, more: object = {}) => ({
  traceID: traceId,
  spanID,
  operationName,
  references: parent ? [{ refType: 'CHILD_OF', traceID: traceId, spanID: parent }] : [],
  startTime: t0 + start,
  duration,
  tags: [{ key: 'span.kind', type: 'string', value: 'internal' }],
  logs: [],
  processID: 'engine',
  warnings: null,
  ...more,
})

export const trace = {
  traceID: traceId,
  processes: {
    web: { serviceName: 'nestr-web', tags: [{ key: 'service.namespace', type: 'string', value: 'nestr' }] },
    engine: {
      serviceName: 'nestr',
      // Enough that the panel of the selected span scrolls.
      tags: Array.from({ length: 24 }, (_, n) => ({ key: `resource.attribute.${n}`, type: 'string', value: `value ${n}` })),
    },
  },
  warnings: null,
  spans: [
    span('a1', undefined, 'ui.compress', 0, 21_000, { processID: 'web' }),
    span('b1', 'a1', 'POST /api/pellets/compress', 4000, 9000),
    span('c1', 'b1', 'pellet.compress', 9000, 1_840_000, {
      tags: [
        { key: 'nestr.pellet.name', type: 'string', value: 'site-modules' },
        { key: 'nestr.pellet.bytes_in', type: 'int64', value: 412_000_000 },
        { key: 'nestr.pellet.digest', type: 'string', value: digest },
        { key: 'nestr.pellet.source', type: 'string', value: '/srv/site/node_modules' },
      ],
      logs: [{ timestamp: t0 + 1_700_000, fields: [{ key: 'event', type: 'string', value: 'archive.sealed' }] }],
    }),
    span('d1', 'c1', 'pellet.walk', 10_000, 240_000),
    span('d2', 'c1', 'pellet.pack', 252_000, 1_390_000),
    span('d3', 'c1', 'pellet.seal', 1_645_000, 150_000, {
      tags: [
        { key: 'otel.status_code', type: 'string', value: 'ERROR' },
        { key: 'error.type', type: 'string', value: 'no-space' },
      ],
    }),
    span('d4', 'c1', 'pellet.record', 1_800_000, 42_000),
  ],
}

/** A root, and a wide and deep tree beneath it. */
export function largeTrace(n: number) {
  const id = (at: number) => at.toString(16).padStart(16, '0')
  const spans = Array.from({ length: n }, (_, at) =>
    span(id(at + 1), at === 0 ? undefined : id(Math.floor((at - 1) / 8) + 1), `step ${at % 40}`, at * 10, 1000),
  )
  return { ...trace, spans }
}

const line = (at: number, severity: number, text: string, spanId: string, body: string, attributes: object = {}) => ({
  time_unix_nano: `${t0 + at}000`,
  severity_number: severity,
  severity_text: text,
  body,
  trace_id: traceId,
  span_id: spanId,
  service: 'nestr',
  attributes,
})

export const logs = [
  line(9500, 9, 'INFO', 'c1', 'packing begins', { path: '/srv/site/node_modules', profile: 'seekable' }),
  line(250_000, 9, 'INFO', 'd1', 'tree walked', { entries: 38_412, bytes: 412_000_000 }),
  line(900_000, 13, 'WARN', 'd2', 'a file is larger than a frame', { file: 'typescript/lib/tsc.js' }),
  line(1_790_000, 17, 'ERROR', 'd3', 'no space left on the device', { needed: 1_048_576 }),
]

const tier = (severity: string, long: string, firing: boolean) => ({ tier: severity, severity, factor: 14.4, threshold: 0.072, margin: 1.5, floor: 3, long, short: '5m', hold_seconds: 0, firing })

const objective = (name: string, description: string, target: number, left: number, state: string, fires: boolean, spending: unknown[] = []) => ({
  id: `nestr-${name}`,
  service: 'nestr',
  name,
  description,
  target,
  period: '30d',
  counts: 'spans',
  state,
  budget_remaining: left,
  exhausted_in_seconds: fires ? 40_000 : null,
  known_seconds: 2_592_000,
  period_seconds: 2_592_000,
  windows: [
    { window: '5m', bad: fires ? 12 : 0, total: 140, burn_rate: fires ? 17.14 : 0 },
    { window: '1h', bad: fires ? 130 : 1, total: 1_680, burn_rate: fires ? 15.48 : 0.12 },
    { window: '30d', bad: 3_010, total: 1_204_000, burn_rate: 1 - left },
  ],
  tiers: [tier('page', '1h', fires), tier('ticket', '3d', false)],
  group_by: [],
  groups: [],
  spending,
})

export const objectives = [
  objective('compress-latency', '95 % of packings end within ten seconds', 95, 0.91, 'ok', false),
  objective('compress-availability', '99.5 % of packings succeed', 99.5, 0.084, 'frozen', true, [
    { operation: 'nestr pellet.compress', error: 'no-space', bad: 118, over: 0, first: t0 / 1e6 - 3600, last: t0 / 1e6, traces: [{ trace_id: traceId, at: t0 / 1e6, duration_ms: 1840 }] },
  ]),
]

const json = (body: unknown, status = 200) => (route: Route) =>
  route.fulfill({ status, contentType: status < 400 ? 'application/json' : 'application/problem+json', body: JSON.stringify(body) })

/** Answers everything under /api and the event stream. */
export async function mockEngine(page: Page, given: { pellets?: unknown[] } = {}) {
  await page.route('**/api/**', json({ title: 'Not found', code: 'not-found', status: 404 }, 404))
  await page.route('**/api/pellets?*', (route) =>
    json({ items: given.pellets ?? pellets, next_cursor: given.pellets ? undefined : 'more' })(route),
  )
  await page.route(`**/api/pellets/${digest}`, json(pellets[0]))
  await page.route('**/api/operations/op1', json(operation))
  await page.route('**/api/operations/op2', json(failedOperation))
  await page.route('**/api/ws-tickets', json({ ticket: 'one', expires_at: '2030-01-01T00:00:00Z' }))
  await page.route('**/api/telemetry/v1/traces', json({}))
  await page.route('**/api/perch/services', json({ data: ['nestr', 'nestr-web'], total: 2, limit: 0, offset: 0, errors: null }))
  await page.route('**/api/perch/traces?*', json({ data: [trace], total: 1, limit: 50, offset: 0, errors: null }))
  await page.route(`**/api/perch/traces/${traceId}`, json({ data: [trace], total: 1, limit: 0, offset: 0, errors: null }))
  await page.route('**/api/perch/slo', json({ data: objectives.map((one) => ({ ...one, spending: [] })) }))
  await page.route(`**/api/perch/slo/${objectives[1]?.id}`, json({ data: objectives[1] }))
  await page.route('**/api/perch/logs?*', json({ data: logs }))
  await page.routeWebSocket('**/ws*', () => undefined)
}
