import { describe, expect, it } from 'vitest'
import { isTraceId, newContext, parseTraceparent, traceparent, wholeTraceId } from './context'
import { type FinishedSpan, encodeTraces, nanos } from './otlp'
import { type PostOutcome, Recorder } from './recorder'

const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true }

describe('trace context', () => {
  it('writes what it reads', () => {
    const header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    expect(traceparent(context)).toBe(header)
    expect(parseTraceparent(header)).toEqual(context)
  })

  it.each([
    '',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
  ])('refuses %j', (header) => expect(parseTraceparent(header)).toBeUndefined())

  it('reads a later version that says more', () => {
    expect(parseTraceparent('01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more')).toEqual({ ...context, sampled: false })
  })

  it('draws again where the dice give zero', () => {
    let draws = 0
    const random = (n: number) => new Uint8Array(n).fill(draws++ === 0 ? 0 : 1)
    expect(newContext(true, random).traceId).toBe('01'.repeat(16))
  })

  it('gives back the zeros that Jaeger leaves out', () => {
    expect(['ABCDEF0123456789', 'ab'.repeat(16), 'nonsense'].map(wholeTraceId)).toEqual(['0'.repeat(16) + 'abcdef0123456789', 'ab'.repeat(16), 'nonsense'])
  })

  it('knows a trace id', () => {
    expect(['ab'.repeat(16), '0'.repeat(32), 'ab', '../../x'].map(isTraceId)).toEqual([true, false, false, false])
  })
})

describe('OTLP/JSON', () => {
  it('keeps microseconds of today exact', () => expect(nanos(1_767_225_600_123.456)).toBe('1767225600123456000'))

  it('writes a span whole', () => {
    const finished: FinishedSpan = {
      context,
      name: 'ui.compress',
      start: 1000.5,
      end: 1002,
      attributes: { text: 'a', whole: 202, part: 0.5, yes: true },
      events: [{ name: 'accepted', time: 1001, attributes: {} }],
      error: 'no space',
    }
    expect(encodeTraces({ 'service.name': 'nestr-web' }, { name: 'nestr-web', version: '1' }, [finished])).toEqual({
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'nestr-web' } }] },
          scopeSpans: [
            {
              scope: { name: 'nestr-web', version: '1' },
              spans: [
                {
                  traceId: context.traceId,
                  spanId: context.spanId,
                  flags: 257,
                  name: 'ui.compress',
                  kind: 3,
                  startTimeUnixNano: '1000500000',
                  endTimeUnixNano: '1002000000',
                  attributes: [
                    { key: 'text', value: { stringValue: 'a' } },
                    { key: 'whole', value: { intValue: '202' } },
                    { key: 'part', value: { doubleValue: 0.5 } },
                    { key: 'yes', value: { boolValue: true } },
                  ],
                  events: [{ timeUnixNano: '1001000000', name: 'accepted', attributes: [] }],
                  status: { code: 2, message: 'no space' },
                },
              ],
            },
          ],
        },
      ],
    })
  })

  it('never ends a span before its start', () => {
    const finished: FinishedSpan = { context, name: 'x', start: 10, end: 9, attributes: {}, events: [] }
    const span = encodeTraces({}, { name: '', version: '' }, [finished]).resourceSpans[0]?.scopeSpans[0]?.spans[0]
    expect(span?.endTimeUnixNano).toBe(span?.startTimeUnixNano)
  })
})

function rig(outcomes: PostOutcome[]) {
  const posted: string[][] = []
  const timers: { run: () => void; ms: number }[] = []
  const recorder = new Recorder({
    post: async (spans) => {
      posted.push(spans.map((span) => span.name))
      return outcomes.shift() ?? 'accepted'
    },
    now: () => 5,
    later: (run, ms) => timers.push({ run, ms }),
  })
  return { recorder, posted, timers }
}

const settle = () => new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(() => queueMicrotask(resolve))))

describe('the recorder', () => {
  it('posts a span when it ends, once', async () => {
    const { recorder, posted } = rig([])
    const open = recorder.start('a')
    expect(posted).toEqual([])
    open.end()
    open.end('late')
    await settle()
    expect(posted).toEqual([['a']])
  })

  it('tries again with back-off and loses nothing', async () => {
    const { recorder, posted, timers } = rig(['retry', 'retry', 'accepted'])
    recorder.start('a').end()
    await settle()
    timers[0]?.run()
    await settle()
    timers[1]?.run()
    await settle()
    expect(posted).toEqual([['a'], ['a'], ['a']])
    expect(timers.map(({ ms }) => ms)).toEqual([500, 1000])
    expect(recorder.nDropped).toBe(0)
  })

  it('drops and counts what is refused', async () => {
    const { recorder, timers } = rig(['refused'])
    recorder.start('a').end()
    await settle()
    expect([recorder.nDropped, timers.length]).toEqual([1, 0])
  })

  it('bounds what waits and counts what it lets go', () => {
    const recorder = new Recorder({ post: () => new Promise(() => undefined), now: () => 0, later: () => undefined })
    for (let n = 0; n < 1 + 512 + 3; n += 1) recorder.start('a').end()
    expect(recorder.nDropped).toBe(3)
  })
})
