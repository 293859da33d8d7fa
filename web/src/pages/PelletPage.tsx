/** One Pellet: its facts and the way to its trace. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { getPellet } from '../api/endpoints'
import { keys } from '../api/keys'
import type { ApiError } from '../api/problem'
import type { Pellet } from '../api/types'
import { bytes, count, day, millis, ratio, short } from '../format/format'
import { Loading } from '../ui/Loading'
import { ProblemBox } from '../ui/ProblemBox'
import { useTitle } from '../ui/useTitle'

function facts(pellet: Pellet): [string, ReactNode][] {
  return [
    ['Packed from', <span key="path" className="mono break">{pellet.origin.path}</span>],
    ['Entries', count(pellet.entries)],
    ['Size in', bytes(pellet.bytes_in)],
    ['Size out', bytes(pellet.bytes_out)],
    ['Ratio', ratio(pellet.ratio)],
    ['Profile', pellet.profile],
    ['First packed', day(new Date(pellet.created_at))],
    ['Latest packing took', millis(pellet.duration_ms)],
    ['Digest (archive)', <span key="digest" className="mono break">{pellet.digest}</span>],
    ['Tree (content)', <span key="tree" className="mono break">{pellet.tree}</span>],
  ]
}

function Facts({ pellet }: { pellet: Pellet }) {
  return (
    <>
      <div className="head">
        <h1>{pellet.name}</h1>
        <Link className="button primary" to="/traces/$traceId" params={{ traceId: pellet.trace_id }}>
          Open trace
        </Link>
      </div>
      <dl className="card facts-list">
        {facts(pellet).map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

export function PelletPage() {
  const { digest } = useParams({ from: '/pellets/$digest' })
  const query = useQuery<Pellet, ApiError>({ queryKey: keys.pellet(digest), queryFn: ({ signal }) => getPellet(digest, signal) })
  useTitle(query.data?.name ?? 'Pellet')
  return (
    <section className="page">
      <nav aria-label="Breadcrumb" className="crumbs">
        <Link to="/pellets">Pellets</Link> <span aria-hidden="true">/</span> {query.data?.name ?? short(digest)}
      </nav>
      {query.isPending && <Loading what="Pellet" />}
      {query.error && <ProblemBox problem={query.error.problem} />}
      {query.data && <Facts pellet={query.data} />}
    </section>
  )
}
