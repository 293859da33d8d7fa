/** What is promised: each objective with what is left of its budget and whether it burns. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { keys } from '../api/keys'
import { listObjectives } from '../api/perch'
import type { ApiError } from '../api/problem'
import { BurnMark } from '../objectives/BurnMark'
import { refreshMs, type Objective } from '../objectives/model'
import { period, share } from '../objectives/words'
import { Loading } from '../ui/Loading'
import { ProblemBox } from '../ui/ProblemBox'
import { useTitle } from '../ui/useTitle'
import '../ui/trace.css'

function Row({ objective }: { objective: Objective }) {
  return (
    <tr>
      <th scope="row">
        <Link to="/objectives/$id" params={{ id: objective.id }}>
          {objective.service} {objective.name}
        </Link>
        <div className="dim">{objective.description}</div>
      </th>
      <td className="number">{objective.target} %</td>
      <td>{period(objective.period)}</td>
      <td className="number">{share(objective.left)}</td>
      <td>{objective.state}</td>
      <td>
        <BurnMark objective={objective} />
      </td>
    </tr>
  )
}

export function ObjectivesPage() {
  useTitle('Objectives')
  const query = useQuery<Objective[], ApiError>({
    queryKey: keys.objectiveList,
    queryFn: ({ signal }) => listObjectives(signal),
    refetchInterval: refreshMs,
  })
  const objectives = query.data ?? []
  return (
    <section className="page">
      <h1>Objectives</h1>
      {query.isPending && <Loading what="objectives" />}
      {query.error && <ProblemBox problem={query.error.problem} />}
      {query.isSuccess && objectives.length === 0 && (
        <div className="card empty">
          <h2>No objective is tracked</h2>
          <p>
            Name files of objectives under <code>processors.slo_tracker</code> of Perch; <code>perch up</code> does so by itself.
          </p>
        </div>
      )}
      {objectives.length > 0 && (
        <div className="card flush">
          <table>
            <thead>
              <tr>
                <th scope="col">Objective</th>
                <th scope="col" className="number">Target</th>
                <th scope="col">Window</th>
                <th scope="col" className="number">Budget left</th>
                <th scope="col">Budget</th>
                <th scope="col">Burn</th>
              </tr>
            </thead>
            <tbody>
              {objectives.map((objective) => (
                <Row key={objective.id} objective={objective} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
