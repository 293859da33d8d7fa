/** One operation as it goes: phases, bar, counts, and what came of it. */
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useLivePhase } from '../app/live'
import { cancelOperation, getOperation } from '../api/endpoints'
import { keys } from '../api/keys'
import type { ApiError } from '../api/problem'
import type { Operation } from '../api/types'
import { bytes, count, millis, percent } from '../format/format'
import { ProblemBox } from '../ui/ProblemBox'
import { useNow } from '../ui/useNow'
import { phases, stepStates } from './phases'
import { started } from './started'

/** Polling is the net under the event stream: slow while it lives, quick while it does not. */
const pollMs = (live: boolean) => (live ? 3000 : 500)

function Steps({ operation }: { operation: Operation }) {
  const states = stepStates(operation)
  return (
    <ol className="steps" aria-label="Phases">
      {phases.map((phase, index) => (
        <li key={phase.id} className={`step step-${states[index]}`} aria-current={states[index] === 'now' ? 'step' : undefined}>
          {phase.label}
          <span className="hidden"> {states[index] === 'now' ? 'running' : states[index]}</span>
        </li>
      ))}
    </ol>
  )
}

const of = (part: string, total: string, some: boolean) => (some ? `${part} of ${total}` : part)

/** Whole percent; undefined while a running operation still counts what there is. */
function done({ state, phase, progress }: Operation): number | undefined {
  if (state === 'succeeded') return 100
  const reached = percent(progress.bytes_done, progress.bytes_total)
  if (state === 'failed') return reached ?? 0
  return phase === 'walk' ? undefined : reached
}

function Bar({ operation }: { operation: Operation }) {
  const { progress } = operation
  const known = done(operation)
  return (
    <>
      <progress aria-label="Bytes packed" max={100} {...(known === undefined ? {} : { value: known })} />
      <p className="facts dim" data-testid="counts">
        <span>{known === undefined ? 'counting' : `${known} %`}</span>
        <span>{of(bytes(progress.bytes_done), bytes(progress.bytes_total), progress.bytes_total > 0)}</span>
        <span>{of(count(progress.entries_done), count(progress.entries_total), progress.entries_total > 0)} entries</span>
      </p>
    </>
  )
}

const words = { running: 'Packing', succeeded: 'Packed', failed: 'Failed' } as const

function word({ state, cancelling, error }: Operation): string {
  if (error?.code === 'cancelled') return 'Cancelled'
  return cancelling ? 'Cancelling' : words[state]
}

/** Asks for the end; what refuses it has ended, which the next look at the operation shows. */
function Cancel({ id, asked }: { id: string; asked: boolean }) {
  const client = useQueryClient()
  const ask = useMutation<Operation, ApiError>({
    mutationFn: () => cancelOperation(id),
    onSuccess: (operation) => client.setQueryData(keys.operation(id), operation),
    onError: () => void client.invalidateQueries({ queryKey: keys.operation(id) }),
  })
  return (
    <button type="button" className="button quiet" disabled={asked || ask.isPending} onClick={() => ask.mutate()}>
      Cancel
    </button>
  )
}

function Body({ operation }: { operation: Operation }) {
  const now = useNow(200, operation.state === 'running')
  const end = operation.finished_at ? new Date(operation.finished_at) : now
  const elapsed = Math.max(0, end.getTime() - new Date(operation.started_at).getTime())
  const digest = operation.result?.digest
  return (
    <>
      <header className="facts">
        <strong role="status">{word(operation)}</strong>
        <span className="dim">{millis(elapsed)}</span>
        {operation.state === 'succeeded' && digest !== undefined && (
          <Link to="/pellets/$digest" params={{ digest }}>
            Open Pellet
          </Link>
        )}
        {operation.state === 'running' && <Cancel id={operation.id} asked={operation.cancelling === true} />}
        {!operation.error && (
          <Link to="/traces/$traceId" params={{ traceId: operation.trace_id }}>
            Open trace
          </Link>
        )}
      </header>
      <Steps operation={operation} />
      <Bar operation={operation} />
      {operation.error && <ProblemBox problem={operation.error} traced />}
    </>
  )
}

/** Asks for the operation; an end seen first by polling makes the list of Pellets stale, as its event would. */
async function look(client: QueryClient, id: string, signal: AbortSignal): Promise<Operation> {
  const before = client.getQueryData<Operation>(keys.operation(id))
  const now = await getOperation(id, signal)
  if (before?.state === 'running' && now.state !== 'running') void client.invalidateQueries({ queryKey: keys.pellets })
  return now
}

export function OperationCard({ id }: { id: string }) {
  const client = useQueryClient()
  const live = useLivePhase() === 'open'
  const query = useQuery<Operation, ApiError>({
    queryKey: keys.operation(id),
    queryFn: ({ signal }) => look(client, id, signal),
    refetchInterval: ({ state }) => (state.data?.state === 'running' || (!state.data && !state.error) ? pollMs(live) : false),
  })
  return (
    <article className={`card operation operation-${query.data?.state ?? 'unknown'}`} aria-label={`Operation ${id}`}>
      {query.data ? <Body operation={query.data} /> : query.error ? <ProblemBox problem={query.error.problem} /> : <p className="dim">Looking…</p>}
      {query.data?.state !== 'running' && (
        <button type="button" className="button quiet dismiss" aria-label="Dismiss" onClick={() => started.remove(id)}>
          ×
        </button>
      )}
    </article>
  )
}
