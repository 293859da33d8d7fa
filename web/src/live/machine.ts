/**
 * The reconnecting event stream as a pure state machine: what happened goes in, the next state and what to do come out.
 *
 * Invariants: 1. `rev` never goes back within one log. 2. A stored event is delivered once. 3. What belongs to an earlier turn changes nothing.
 * 4. After every end of a connection there is exactly one wake-up, until `stop`.
 */
import { type LiveEvent, readFrame } from './frame'

export type Phase = 'stopped' | 'asking' | 'opening' | 'open' | 'waiting'

export interface State {
  readonly phase: Phase
  /** Counts connection attempts; results carry the turn they belong to. */
  readonly turn: number
  /** Attempts since the last connection that held. */
  readonly failures: number
  readonly openedAt: number
  /** The last stored revision seen; undefined before the first event. */
  readonly rev: number | undefined
}

export type Input =
  | { kind: 'start' }
  | { kind: 'stop' }
  | { kind: 'wake'; turn: number }
  | { kind: 'ticket'; turn: number; ticket: string }
  | { kind: 'refused'; turn: number }
  | { kind: 'opened'; turn: number }
  | { kind: 'frame'; turn: number; text: string }
  | { kind: 'closed'; turn: number; code?: number }

export type Effect =
  | { kind: 'ask'; turn: number }
  | { kind: 'open'; turn: number; ticket: string; since: number | undefined }
  | { kind: 'close' }
  | { kind: 'wake'; turn: number; afterMs: number }
  | { kind: 'deliver'; event: LiveEvent }
  /** Events may have been missed: everything shown wants a fresh look. */
  | { kind: 'refresh' }

export interface Surroundings {
  /** Milliseconds, monotonic. */
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: number
}

export const initial: State = { phase: 'stopped', turn: 0, failures: 0, openedAt: 0, rev: undefined }

/** The Engine's log ends before our cursor: it is another log, and the cursor means nothing in it. */
export const revAhead = 4409

const firstDelayMs = 500
const lastDelayMs = 30_000
/** A connection that held this long counts as a success. */
export const heldMs = 10_000

/** Back-off with jitter over the upper half, so that many pages do not come back at once. */
export function delay(failures: number, random: number): number {
  const full = Math.min(lastDelayMs, firstDelayMs * 2 ** Math.min(failures, 10))
  return Math.round(full / 2 + (full / 2) * random)
}

type Step = readonly [State, readonly Effect[]]

function ask(state: State): Step {
  const turn = state.turn + 1
  return [{ ...state, phase: 'asking', turn }, [{ kind: 'ask', turn }]]
}

function wait(state: State, around: Surroundings): Step {
  const held = state.phase === 'open' && around.now - state.openedAt >= heldMs
  const failures = held ? 0 : state.failures
  const effect: Effect = { kind: 'wake', turn: state.turn, afterMs: delay(failures, around.random) }
  return [{ ...state, phase: 'waiting', failures: failures + 1 }, [effect]]
}

function receive(state: State, text: string): Step {
  const event = readFrame(text)
  if (event === undefined) return [state, []]
  if (event.type === 'progress') return [state, [{ kind: 'deliver', event }]]
  if (state.rev !== undefined && event.rev <= state.rev) return [state, []]
  const gap = state.rev !== undefined && event.rev > state.rev + 1
  return [{ ...state, rev: event.rev }, [{ kind: 'deliver', event }, ...(gap ? [{ kind: 'refresh' } as const] : [])]]
}

export function step(state: State, input: Input, around: Surroundings): Step {
  const same: Step = [state, []]
  if (input.kind === 'start') return state.phase === 'stopped' ? ask(state) : same
  if (input.kind === 'stop') {
    return [{ ...state, phase: 'stopped', turn: state.turn + 1, failures: 0 }, [{ kind: 'close' }]]
  }
  if (input.turn !== state.turn) return same
  switch (input.kind) {
    case 'wake':
      return state.phase === 'waiting' ? ask(state) : same
    case 'ticket': {
      if (state.phase !== 'asking') return same
      const open: Effect = { kind: 'open', turn: state.turn, ticket: input.ticket, since: state.rev }
      return [{ ...state, phase: 'opening' }, [open]]
    }
    case 'refused':
      return state.phase === 'asking' ? wait(state, around) : same
    case 'opened': {
      if (state.phase !== 'opening') return same
      const opened: State = { ...state, phase: 'open', openedAt: around.now }
      return [opened, state.rev === undefined ? [{ kind: 'refresh' }] : []]
    }
    case 'frame':
      return state.phase === 'open' ? receive(state, input.text) : same
    case 'closed': {
      if (state.phase !== 'opening' && state.phase !== 'open') return same
      return wait(input.code === revAhead ? { ...state, rev: undefined } : state, around)
    }
  }
}
