/** What an event changes on the page: which queries it makes stale, which operation it moves. */
import { keys } from '../api/keys'
import type { Operation, Progress, Step } from '../api/types'
import { parseTraceparent } from '../telemetry/context'
import type { LiveEvent } from './frame'

export type Key = readonly unknown[]

/** Event → query keys that are stale now. `progress` and unknown types make nothing stale. */
export function staleKeys(event: LiveEvent): Key[] {
  const area = event.type.split(':', 1)[0]
  if (area !== 'pellet' || !event.type.includes(':')) return []
  const context = event.traceparent === undefined ? undefined : parseTraceparent(event.traceparent)
  const trace = context === undefined ? [] : [keys.trace(context.traceId), keys.traceLogs(context.traceId)]
  return [keys.pellets, keys.operations, ...trace]
}

export interface OperationStep {
  readonly id: string
  /** Undefined where this page does not know the step: the one before stays. */
  readonly phase: Step | undefined
  readonly progress: Progress
}

const steps: readonly Step[] = ['queued', 'walk', 'pack', 'seal', 'record']

const size = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined)

/** Reads a `progress` event; undefined where it names no operation or carries no numbers. */
export function operationStep(event: LiveEvent): OperationStep | undefined {
  if (event.type !== 'progress') return undefined
  const { data } = event
  const id = typeof data['operation_id'] === 'string' ? data['operation_id'] : event.subject.split('/').at(-1)
  const from = (typeof data['progress'] === 'object' && data['progress'] !== null ? data['progress'] : data) as Record<string, unknown>
  const bytesDone = size(from['bytes_done'])
  const entriesDone = size(from['entries_done'])
  if (!id || bytesDone === undefined || entriesDone === undefined) return undefined
  return {
    id,
    phase: steps.find((step) => step === data['phase']),
    progress: {
      bytes_done: bytesDone,
      bytes_total: size(from['bytes_total']) ?? 0,
      entries_done: entriesDone,
      entries_total: size(from['entries_total']) ?? 0,
    },
  }
}

/** Moves an operation forward; a late step never moves it back nor wakes one that ended. */
export function advance(operation: Operation, next: OperationStep): Operation {
  if (operation.id !== next.id || operation.state !== 'running') return operation
  if (next.progress.bytes_done < operation.progress.bytes_done) return operation
  return { ...operation, phase: next.phase ?? operation.phase, progress: next.progress }
}
