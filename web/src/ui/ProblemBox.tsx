/** A problem as the Engine tells it: what happened, why, what to do, and where to look. */
import { Link } from '@tanstack/react-router'
import type { Problem } from '../api/types'
import { isTraceId } from '../telemetry/context'
import { Words } from './Words'

interface Props {
  problem: Problem
  /** True where the trace named by the problem was recorded. */
  traced?: boolean
}

export function ProblemBox({ problem, traced = false }: Props) {
  const { trace_id: traceId } = problem
  return (
    <div className="note bad" role="alert">
      <strong>{problem.title}</strong>
      {problem.detail && (
        <p className="break">
          <Words text={problem.detail} />
        </p>
      )}
      {problem.hint && (
        <p>
          <Words text={problem.hint} />
        </p>
      )}
      <p className="dim facts">
        <code>{problem.code}</code>
        {traceId && isTraceId(traceId) && traced && (
          <Link to="/traces/$traceId" params={{ traceId }}>
            Open trace
          </Link>
        )}
        {traceId && !traced && <span>trace {traceId}</span>}
      </p>
    </div>
  )
}
