/** One objective: its windows, and the traces that spent its budget. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { keys } from '../api/keys'
import { getObjective } from '../api/perch'
import type { ApiError } from '../api/problem'
import { ago, count, short } from '../format/format'
import { BurnMark } from '../objectives/BurnMark'
import { refreshMs, type Cause, type Objective, type Span } from '../objectives/model'
import { period, share, times } from '../objectives/words'
import { isTraceId } from '../telemetry/context'
import { Loading } from '../ui/Loading'
import { ProblemBox } from '../ui/ProblemBox'
import { useNow } from '../ui/useNow'
import { useTitle } from '../ui/useTitle'
import '../ui/trace.css'

function Windows({ windows }: { windows: readonly Span[] }) {
  return (
    <div className="card flush">
      <table>
        <thead>
          <tr>
            <th scope="col">Window</th>
            <th scope="col" className="number">Bad</th>
            <th scope="col" className="number">All</th>
            <th scope="col" className="number">Burn rate</th>
          </tr>
        </thead>
        <tbody>
          {windows.map((of) => (
            <tr key={of.window}>
              <th scope="row">{period(of.window)}</th>
              <td className="number">{count(of.bad)}</td>
              <td className="number">{count(of.total)}</td>
              <td className="number">{times(of.burnRate)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Spent({ cause, now }: { cause: Cause; now: Date }) {
  return (
    <tr>
      <th scope="row">
        {cause.operation}
        <div className="dim">{cause.error}</div>
      </th>
      <td className="number">{count(cause.bad)}</td>
      <td>{ago(new Date(cause.last), now)}</td>
      <td>
        {cause.traces
          .filter(({ traceId }) => isTraceId(traceId))
          .map(({ traceId }) => (
            <span key={traceId} className="attr mono">
              <Link to="/traces/$traceId" params={{ traceId }}>
                {short(traceId)}
              </Link>
            </span>
          ))}
      </td>
    </tr>
  )
}

function Spending({ spending }: { spending: readonly Cause[] }) {
  const now = useNow(15_000)
  if (spending.length === 0) return <p className="dim">Nothing has spent this budget.</p>
  return (
    <div className="card flush">
      <table>
        <thead>
          <tr>
            <th scope="col">What spent it</th>
            <th scope="col" className="number">Bad</th>
            <th scope="col">Last</th>
            <th scope="col">Traces</th>
          </tr>
        </thead>
        <tbody>
          {spending.map((cause) => (
            <Spent key={`${cause.operation}\n${cause.error}`} cause={cause} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Whole({ objective }: { objective: Objective }) {
  return (
    <>
      <h1>
        {objective.service} {objective.name}
      </h1>
      <p>{objective.description}</p>
      <dl className="card facts-list">
        <div>
          <dt>Target</dt>
          <dd>
            {objective.target} % in {period(objective.period)}
          </dd>
        </div>
        <div>
          <dt>Budget left</dt>
          <dd>
            {share(objective.left)} ({objective.state})
          </dd>
        </div>
        <div>
          <dt>Burn</dt>
          <dd>
            <BurnMark objective={objective} />
          </dd>
        </div>
      </dl>
      <Windows windows={objective.windows} />
      <h2>Budget spent</h2>
      <Spending spending={objective.spending} />
    </>
  )
}

export function ObjectivePage() {
  const { id } = useParams({ from: '/objectives/$id' })
  const query = useQuery<Objective, ApiError>({
    queryKey: keys.objective(id),
    queryFn: ({ signal }) => getObjective(id, signal),
    refetchInterval: refreshMs,
  })
  useTitle(query.data ? `${query.data.service} ${query.data.name}` : 'Objective')
  return (
    <section className="page">
      <nav aria-label="Breadcrumb" className="crumbs">
        <Link to="/objectives">Objectives</Link> <span aria-hidden="true">/</span> {id}
      </nav>
      {query.isPending && <Loading what="objective" />}
      {query.error && <ProblemBox problem={query.error.problem} />}
      {query.data && <Whole objective={query.data} />}
    </section>
  )
}
