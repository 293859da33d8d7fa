import { describe, expect, it } from 'vitest'
import { keys } from '../api/keys'
import type { Operation } from '../api/types'
import { eventTypes } from '../telemetry/names.gen'
import { advance, operationStep, staleKeys } from './effects'
import { type LiveEvent, readFrame } from './frame'
import { LiveStream } from './stream'

const event = (type: string, more: Partial<LiveEvent> = {}): LiveEvent => ({ type, rev: 1, id: '', time: '', subject: '', data: {}, ...more })
const traceId = 'ab'.repeat(16)

describe('what an event makes stale', () => {
  it('a pellet event: lists, operations, and its own trace', () => {
    expect(staleKeys(event('pellet:compressed', { traceparent: `00-${traceId}-${'cd'.repeat(8)}-01` }))).toEqual([
      keys.pellets,
      keys.operations,
      keys.trace(traceId),
      keys.traceLogs(traceId),
    ])
  })

  it('every pellet event of the catalogue, and no progress', () => {
    const touching = eventTypes.filter((type) => staleKeys(event(type)).includes(keys.pellets))
    expect(touching).toEqual(eventTypes.filter((type) => type.startsWith('pellet:')))
    expect(staleKeys(event('progress'))).toEqual([])
  })

  it('nothing for types it does not know', () => expect([staleKeys(event('pellet')), staleKeys(event('novel:thing'))]).toEqual([[], []]))

  it('does not stumble over a broken traceparent', () => {
    expect(staleKeys(event('pellet:failed', { traceparent: 'junk' }))).toEqual([keys.pellets, keys.operations])
  })
})

const operation: Operation = {
  id: 'op1',
  kind: 'pellet.compress',
  state: 'running',
  phase: 'walk',
  progress: { bytes_done: 10, bytes_total: 100, entries_done: 1, entries_total: 10 },
  trace_id: traceId,
  started_at: '2026-01-01T00:00:00Z',
}
const progress = (bytesDone: number) =>
  event('progress', { subject: 'operations/op1', data: { phase: 'pack', bytes_done: bytesDone, bytes_total: 100, entries_done: 4, entries_total: 10 } })

describe('progress', () => {
  it('moves its operation', () => {
    const step = operationStep(progress(40))
    expect(step && advance(operation, step)).toMatchObject({ phase: 'pack', progress: { bytes_done: 40, entries_done: 4 } })
  })

  it('never moves back, nor one that ended, nor another', () => {
    const step = operationStep(progress(5))
    const ended: Operation = { ...operation, state: 'succeeded' }
    const forward = operationStep(progress(50))
    expect(step && advance(operation, step)).toBe(operation)
    expect(forward && advance(ended, forward)).toBe(ended)
    expect(forward && advance({ ...operation, id: 'op2' }, forward)).toMatchObject({ phase: 'walk' })
  })

  it.each([{}, { bytes_done: 'x', entries_done: 1 }, { bytes_done: -1, entries_done: 1 }])('ignores %j', (data) => {
    expect(operationStep(event('progress', { subject: 'op1', data }))).toBeUndefined()
  })
})

describe('frames', () => {
  it('reads an event as it is sent', () => {
    expect(readFrame('{"type":"progress","rev":3,"id":"i","time":"t","subject":"s","actor":"a","data":{"x":1}}')).toEqual({
      type: 'progress', rev: 3, id: 'i', time: 't', subject: 's', data: { x: 1 },
    })
  })
})

/** A stream whose ticket call, socket and clock are driven by the test. */
function rig(ticket: () => Promise<string>) {
  const sockets: { since: number | undefined; ticket: string; closed: boolean; on: { opened: () => void; frame: (text: string) => void; closed: (code?: number) => void } }[] = []
  const timers: (() => void)[] = []
  const delivered: string[] = []
  const stream = new LiveStream({
    ticket,
    connect: (given, since, on) => {
      const socket = { since, ticket: given, closed: false, on }
      sockets.push(socket)
      return { close: () => { socket.closed = true } }
    },
    now: () => 0,
    random: () => 0,
    later: (run) => timers.push(run),
    deliver: ({ type }) => delivered.push(type),
    refresh: () => delivered.push('refresh'),
  })
  return { stream, sockets, timers, delivered }
}

const settle = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

describe('the stream', () => {
  it('connects, delivers, breaks, comes back where it left', async () => {
    const { stream, sockets, timers, delivered } = rig(async () => 't')
    const phases: string[] = []
    stream.subscribe(() => phases.push(stream.phase()))
    stream.start()
    await settle()
    sockets[0]?.on.opened()
    sockets[0]?.on.frame('{"type":"pellet:compressed","rev":12}')
    sockets[0]?.on.closed()
    timers[0]?.()
    await settle()
    expect(sockets.map(({ since }) => since)).toEqual([undefined, 12])
    expect(delivered).toEqual(['refresh', 'pellet:compressed'])
    expect(phases).toEqual(['asking', 'opening', 'open', 'waiting', 'asking', 'opening'])
  })

  it('waits after a refused ticket and closes on stop', async () => {
    let answers = 0
    const { stream, sockets, timers } = rig(async () => {
      answers += 1
      if (answers === 1) throw new Error('no')
      return 't'
    })
    stream.start()
    await settle()
    expect([stream.phase(), sockets.length, timers.length]).toEqual(['waiting', 0, 1])
    timers[0]?.()
    await settle()
    stream.stop()
    expect([stream.phase(), sockets[0]?.closed]).toEqual(['stopped', true])
  })
})
