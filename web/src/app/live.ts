/** The page's one event stream: started with the first token, stopped with the last. */
import { useSyncExternalStore } from 'react'
import { newTicket } from '../api/endpoints'
import { keys } from '../api/keys'
import type { Operation } from '../api/types'
import { token } from '../auth/token'
import { advance, operationStep, staleKeys } from '../live/effects'
import type { LiveEvent } from '../live/frame'
import { LiveStream, connectWebSocket } from '../live/stream'
import { queryClient } from './queries'

function deliver(event: LiveEvent) {
  const step = operationStep(event)
  if (step !== undefined) {
    queryClient.setQueryData<Operation>(keys.operation(step.id), (known) => known && advance(known, step))
  }
  for (const queryKey of staleKeys(event)) void queryClient.invalidateQueries({ queryKey })
}

const stream = new LiveStream({
  ticket: async () => (await newTicket()).ticket,
  connect: connectWebSocket,
  now: () => performance.now(),
  random: Math.random,
  later: (run, milliseconds) => setTimeout(run, milliseconds),
  deliver,
  refresh: () => {
    void queryClient.invalidateQueries({ queryKey: keys.pellets })
    void queryClient.invalidateQueries({ queryKey: keys.operations })
  },
})

let following = false

function follow() {
  if (token.get() !== undefined) {
    stream.start()
    return
  }
  stream.stop()
  queryClient.clear()
}

/** Follows the token from now on. */
export function followToken() {
  if (following) return
  following = true
  token.subscribe(follow)
  follow()
}

export const useLivePhase = () => useSyncExternalStore(stream.subscribe, stream.phase)
