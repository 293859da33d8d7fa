/** Runs the machine against a real socket, ticket call and clock; all of them are given. */
import type { LiveEvent } from './frame'
import { type Effect, type Input, type Phase, type State, initial, step } from './machine'

export interface Socket {
  close(): void
}

export interface StreamParts {
  readonly ticket: () => Promise<string>
  readonly connect: (
    ticket: string,
    since: number | undefined,
    on: { opened: () => void; frame: (text: string) => void; closed: (code?: number) => void },
  ) => Socket
  readonly now: () => number
  readonly random: () => number
  readonly later: (run: () => void, milliseconds: number) => void
  readonly deliver: (event: LiveEvent) => void
  readonly refresh: () => void
}

export class LiveStream {
  #state: State = initial
  #socket: Socket | undefined
  readonly #listeners = new Set<() => void>()

  constructor(private readonly parts: StreamParts) {}

  readonly phase = (): Phase => this.#state.phase

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  start() {
    this.#take({ kind: 'start' })
  }

  stop() {
    this.#take({ kind: 'stop' })
  }

  #take(input: Input) {
    const before = this.#state.phase
    const [next, effects] = step(this.#state, input, { now: this.parts.now(), random: this.parts.random() })
    this.#state = next
    for (const effect of effects) this.#run(effect)
    if (before !== this.#state.phase) for (const listener of this.#listeners) listener()
  }

  #run(effect: Effect) {
    switch (effect.kind) {
      case 'ask':
        void this.#ask(effect.turn)
        break
      case 'open':
        this.#open(effect)
        break
      case 'close':
        this.#socket?.close()
        this.#socket = undefined
        break
      case 'wake':
        this.parts.later(() => this.#take({ kind: 'wake', turn: effect.turn }), effect.afterMs)
        break
      case 'deliver':
        this.parts.deliver(effect.event)
        break
      case 'refresh':
        this.parts.refresh()
        break
    }
  }

  async #ask(turn: number) {
    try {
      this.#take({ kind: 'ticket', turn, ticket: await this.parts.ticket() })
    } catch {
      this.#take({ kind: 'refused', turn })
    }
  }

  #open({ turn, ticket, since }: Extract<Effect, { kind: 'open' }>) {
    try {
      this.#socket = this.parts.connect(ticket, since, {
        opened: () => this.#take({ kind: 'opened', turn }),
        frame: (text) => this.#take({ kind: 'frame', turn, text }),
        closed: (code) => this.#take({ kind: 'closed', turn, ...(code === undefined ? {} : { code }) }),
      })
    } catch {
      this.#take({ kind: 'closed', turn })
    }
  }
}

/** Opens the Engine's socket; the ticket travels as a subprotocol, never in the address. */
export const connectWebSocket: StreamParts['connect'] = (ticket, since, on) => {
  const url = new URL('/ws', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  if (since !== undefined) url.searchParams.set('since', String(since))
  const socket = new WebSocket(url, ['nestr.v1', `ticket.${ticket}`])
  socket.addEventListener('open', on.opened)
  socket.addEventListener('close', ({ code }) => on.closed(code))
  socket.addEventListener('message', (message) => {
    if (typeof message.data === 'string') on.frame(message.data)
  })
  return socket
}
