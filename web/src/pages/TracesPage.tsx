/** Finds traces by service, operation, duration and age; the filter stands in the address. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useId, useMemo, useState } from 'react'
import { keys } from '../api/keys'
import { listServices, searchTraces } from '../api/perch'
import type { ApiError } from '../api/problem'
import { ago, count, micros } from '../format/format'
import type { RawTrace } from '../traces/jaeger'
import { type TraceModel, buildTrace } from '../traces/model'
import { type SearchFilter, defaultLookback, isDuration, lookbacks, searchLimit } from '../traces/search'
import { Loading } from '../ui/Loading'
import { ProblemBox } from '../ui/ProblemBox'
import { useNow } from '../ui/useNow'
import { useTitle } from '../ui/useTitle'
import '../ui/trace.css'

const defaultService = 'nestr'
const lookbackText = { 15: 'last 15 min', 60: 'last hour', 360: 'last 6 hours', 1440: 'last day' } as const

function Filter({ filter, services, onFilter }: { filter: SearchFilter; services: readonly string[]; onFilter: (filter: SearchFilter) => void }) {
  const id = useId()
  const [form, setForm] = useState(filter)
  const names = services.includes(form.service ?? defaultService) ? services : [form.service ?? defaultService, ...services]
  const badDuration = form.minDuration !== undefined && form.minDuration !== '' && !isDuration(form.minDuration)

  function submit(event: FormEvent) {
    event.preventDefault()
    if (!badDuration) onFilter(form)
  }

  return (
    <form className="card compress" onSubmit={submit} aria-label="Search traces">
      <div className="field">
        <label htmlFor={`${id}s`}>Service</label>
        <select id={`${id}s`} value={form.service ?? defaultService} onChange={(event) => setForm({ ...form, service: event.target.value })}>
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <div className="field grow">
        <label htmlFor={`${id}o`}>Operation</label>
        <input
          id={`${id}o`}
          value={form.operation ?? ''}
          placeholder="any"
          spellCheck={false}
          onChange={(event) => setForm({ ...form, operation: event.target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}d`}>At least</label>
        <input
          id={`${id}d`}
          value={form.minDuration ?? ''}
          placeholder="100ms"
          spellCheck={false}
          aria-invalid={badDuration}
          onChange={(event) => setForm({ ...form, minDuration: event.target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}l`}>When</label>
        <select
          id={`${id}l`}
          value={form.lookbackMinutes ?? defaultLookback}
          onChange={(event) => setForm({ ...form, lookbackMinutes: Number(event.target.value) })}
        >
          {lookbacks.map((minutes) => (
            <option key={minutes} value={minutes}>
              {lookbackText[minutes]}
            </option>
          ))}
        </select>
      </div>
      <button type="submit" className="button primary" disabled={badDuration}>
        Search
      </button>
      {badDuration && (
        <p className="whole note bad" role="alert">
          Write a duration as 500us, 100ms, 1.2s, 3m.
        </p>
      )}
    </form>
  )
}

function Found({ model, now }: { model: TraceModel; now: Date }) {
  const root = model.spans[0]
  return (
    <tr>
      <th scope="row">
        <Link to="/traces/$traceId" params={{ traceId: model.traceId }}>
          {root?.operationName}
        </Link>
        <div className="dim mono">{model.traceId}</div>
      </th>
      <td>
        {model.services.map((service, index) => (
          <span key={service} className="attr">
            <span className={`swatch svc-${index % 8}`} aria-hidden="true" /> {service}
          </span>
        ))}
      </td>
      <td className="number">{count(model.n)}</td>
      <td className="number">{model.nFailed > 0 ? <span className="wf-failed">{count(model.nFailed)}</span> : '0'}</td>
      <td className="number">{micros(model.total)}</td>
      <td>{ago(new Date(model.origin / 1000), now)}</td>
    </tr>
  )
}

export function TracesPage() {
  useTitle('Traces')
  const filter = useSearch({ from: '/traces' })
  const navigate = useNavigate()
  const now = useNow(15_000)
  const services = useQuery<string[], ApiError>({ queryKey: keys.services, queryFn: ({ signal }) => listServices(signal) })
  const asked = { ...filter, service: filter.service ?? defaultService }
  const search = useQuery<RawTrace[], ApiError>({
    queryKey: keys.traceSearch(asked),
    queryFn: ({ signal }) => searchTraces(asked, new Date(), signal),
    structuralSharing: false,
  })
  const models = useMemo(() => search.data?.map(buildTrace).toSorted((a, b) => b.origin - a.origin) ?? [], [search.data])

  function onFilter(next: SearchFilter) {
    const unchanged = JSON.stringify({ ...asked, ...next }) === JSON.stringify(asked)
    if (unchanged) void search.refetch()
    else void navigate({ to: '/traces', search: next })
  }

  return (
    <section className="page">
      <h1>Traces</h1>
      <Filter filter={filter} services={services.data ?? []} onFilter={onFilter} />
      {search.isPending && <Loading what="traces" />}
      {search.error && <ProblemBox problem={search.error.problem} />}
      {search.isSuccess && models.length === 0 && (
        <div className="card empty">
          <h2>No trace found</h2>
          <p>
            Nothing matches in this time. <Link to="/pellets">Compress a folder</Link> and its trace stands here a moment later, or look further back.
          </p>
        </div>
      )}
      {models.length > 0 && (
        <div className="card flush">
          <table>
            <thead>
              <tr>
                <th scope="col">Trace</th>
                <th scope="col">Services</th>
                <th scope="col" className="number">Spans</th>
                <th scope="col" className="number">Failed</th>
                <th scope="col" className="number">Took</th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {models.map((model) => (
                <Found key={model.traceId} model={model} now={now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {models.length >= searchLimit && <p className="dim">Only {searchLimit} traces are shown.</p>}
    </section>
  )
}
