/** The page's one recorder, wired to the Engine. */
import { path } from '../api/path'
import { token } from '../auth/token'
import { type FinishedSpan, encodeTraces } from './otlp'
import { type PostOutcome, Recorder } from './recorder'

const resource = {
  'service.name': 'nestr-web',
  'service.namespace': 'nestr',
  'service.instance.id': instanceId(),
}
const scope = { name: 'nestr-web', version: '0.1.0' }

function instanceId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Posts through fetch with keepalive, so that a span ended by leaving the page still goes out. */
async function post(spans: readonly FinishedSpan[]): Promise<PostOutcome> {
  const bearer = token.get()
  if (bearer === undefined) return 'refused'
  try {
    const reply = await fetch(path('/api/telemetry/v1/traces'), {
      method: 'POST',
      keepalive: true,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify(encodeTraces(resource, scope, spans)),
    })
    if (reply.ok) return 'accepted'
    return reply.status === 429 || reply.status >= 500 ? 'retry' : 'refused'
  } catch {
    return 'retry'
  }
}

export const recorder = new Recorder({
  post,
  now: () => performance.timeOrigin + performance.now(),
  later: (run, milliseconds) => setTimeout(run, milliseconds),
})
