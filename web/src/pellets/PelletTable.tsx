/** The Pellets, newest first, page by page. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { listPellets } from '../api/endpoints'
import { keys } from '../api/keys'
import type { ApiError } from '../api/problem'
import type { Pellet, PelletPage } from '../api/types'
import { ago, bytes, count, day, millis, ratio, short } from '../format/format'
import { Loading } from '../ui/Loading'
import { ProblemBox } from '../ui/ProblemBox'
import { useNow } from '../ui/useNow'

const retryMs = 4000

function Row({ pellet, now }: { pellet: Pellet; now: Date }) {
  const made = new Date(pellet.created_at)
  return (
    <tr>
      <th scope="row">
        <Link to="/pellets/$digest" params={{ digest: pellet.digest }}>
          {pellet.name}
        </Link>
        <div className="dim mono path" title={pellet.origin.path}>
          {pellet.origin.path}
        </div>
      </th>
      <td className="mono dim">{short(pellet.digest)}</td>
      <td className="number">{count(pellet.entries)}</td>
      <td className="number">{bytes(pellet.bytes_in)}</td>
      <td className="number">{bytes(pellet.bytes_out)}</td>
      <td className="number">{ratio(pellet.ratio)}</td>
      <td className="number">{millis(pellet.duration_ms)}</td>
      <td title={day(made)}>{ago(made, now)}</td>
      <td>
        <Link to="/traces/$traceId" params={{ traceId: pellet.trace_id }} aria-label={`Open trace of ${pellet.name}`}>
          Trace
        </Link>
      </td>
    </tr>
  )
}

function Empty() {
  return (
    <div className="card empty">
      <h2>No Pellet yet</h2>
      <p>
        A Pellet is a packed dependency tree: one file any <code>tar</code> can open. Name a folder above – a <code>node_modules</code>, a{' '}
        <code>target</code>, a <code>.venv</code> – and press <strong>Compress</strong>.
      </p>
      <p className="dim">
        From a terminal: <code>nestr pellet compress PATH</code>
      </p>
    </div>
  )
}

const columns = ['Name', 'Digest', 'Entries', 'In', 'Out', 'Ratio', 'Took', 'Made', 'Trace']
const numeric = new Set(['Entries', 'In', 'Out', 'Ratio', 'Took'])

export function PelletTable() {
  const now = useNow(15_000)
  const query = useInfiniteQuery<PelletPage, ApiError, { pages: PelletPage[] }, readonly string[], string | undefined>({
    queryKey: keys.pelletList(),
    queryFn: ({ pageParam, signal }) => listPellets(pageParam, signal),
    initialPageParam: undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: ({ state }) => (state.status === 'error' ? retryMs : false),
  })
  const pellets = query.data?.pages.flatMap((page) => page.items) ?? []
  if (query.isPending) return <Loading what="Pellets" />
  return (
    <>
      {query.error && <ProblemBox problem={query.error.problem} />}
      {query.isSuccess && pellets.length === 0 && <Empty />}
      {pellets.length > 0 && (
        <div className="card flush">
          <table>
            <thead>
              <tr>
                {columns.map((name) => (
                  <th key={name} scope="col" className={numeric.has(name) ? 'number' : undefined}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {pellets.map((pellet) => (
                <Row key={pellet.digest} pellet={pellet} now={now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage && (
        <button type="button" className="button" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {query.isFetchingNextPage ? 'Loading…' : 'Load more'}
        </button>
      )}
    </>
  )
}
