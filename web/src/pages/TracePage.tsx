/** One trace: waterfall, the selected span, the log lines; patient while telemetry is on its way. */
import { Link, useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { count, day, micros } from '../format/format'
import { isTraceId, wholeTraceId } from '../telemetry/context'
import { attr } from '../telemetry/names.gen'
import { FindSpan } from '../traces/FindSpan'
import { LogList } from '../traces/LogList'
import { SpanDetail } from '../traces/SpanDetail'
import { Waterfall } from '../traces/Waterfall'
import type { Arrival } from '../traces/arrival'
import { type Cursor, carry, reveal } from '../traces/fold'
import { type LogLine, dotsByRow } from '../traces/logs'
import { type TraceModel, firstTag } from '../traces/model'
import { useTrace } from '../traces/useTrace'
import { ProblemBox } from '../ui/ProblemBox'
import { useTitle } from '../ui/useTitle'
import '../ui/trace.css'

function ArrivalNote({ arrival, nOrphans, lookAgain }: { arrival: Arrival; nOrphans: number; lookAgain: () => void }) {
  if (arrival.kind === 'complete') return null
  if (arrival.kind === 'incomplete') {
    return (
      <div className="note" role="status">
        {arrival.absent
          ? 'This trace has not arrived. Either nothing was recorded, the collector is not running, or the store no longer keeps it.'
          : 'Some spans name a parent that never arrived; they stand at the top level.'}{' '}
        <button type="button" className="button" onClick={lookAgain}>
          Look again
        </button>
      </div>
    )
  }
  return (
    <div className="note" role="status">
      {arrival.kind === 'waiting' ? 'Waiting for the trace to arrive…' : 'Spans are still arriving…'}
      {nOrphans > 0 && ` ${count(nOrphans)} wait${nOrphans === 1 ? 's' : ''} for a parent that ends later.`}
    </div>
  )
}

function Summary({ model }: { model: TraceModel }) {
  const digest = useMemo(() => firstTag(model, attr.nestrPelletDigest), [model])
  return (
    <p className="facts dim">
      <span>{day(new Date(model.origin / 1000))}</span>
      <span>{micros(model.total)}</span>
      <span data-testid="span-count">{count(model.n)} spans</span>
      {model.nFailed > 0 && <span className="wf-failed">{count(model.nFailed)} failed</span>}
      {model.services.map((service, index) => (
        <span key={service}>
          <span className={`swatch svc-${index % 8}`} aria-hidden="true" /> {service}
        </span>
      ))}
      {digest !== undefined && (
        <Link to="/pellets/$digest" params={{ digest }}>
          Open Pellet
        </Link>
      )}
    </p>
  )
}

function Drawn({ model, lines }: { model: TraceModel; lines: readonly LogLine[] }) {
  const [state, setState] = useState<{ model: TraceModel; cursor: Cursor }>(() => ({
    model,
    cursor: { row: 0, folded: new Uint8Array(model.n) },
  }))
  // More spans have come: rows moved, so the state moves with them before anything is drawn.
  const { cursor } = state.model === model ? state : { cursor: carry(state.model, state.cursor, model) }
  if (state.model !== model) setState({ model, cursor })
  const dots = useMemo(() => dotsByRow(model, lines), [model, lines])
  const onCursor = (next: Cursor) => setState({ model, cursor: next })
  const onRow = (row: number) => onCursor({ row, folded: reveal(model, cursor.folded, row) })
  return (
    <>
      <div className="head">
        <Summary model={model} />
        <FindSpan model={model} row={cursor.row} onRow={onRow} />
      </div>
      {model.warnings.map((warning) => (
        <p key={warning} className="note">
          {warning}
        </p>
      ))}
      <div className="trace-split">
        <Waterfall model={model} dots={dots} cursor={cursor} onCursor={onCursor} />
        <SpanDetail model={model} row={cursor.row} />
      </div>
      <LogList lines={lines} model={model} row={cursor.row} onRow={onRow} />
    </>
  )
}

function Followed({ traceId }: { traceId: string }) {
  const { model, lines, arrival, error, logsError, lookAgain } = useTrace(traceId)
  return (
    <>
      {error ? <ProblemBox problem={error.problem} /> : <ArrivalNote arrival={arrival} nOrphans={model?.orphans.length ?? 0} lookAgain={lookAgain} />}
      {model ? <Drawn model={model} lines={lines} /> : <LogList lines={lines} model={undefined} row={0} onRow={() => undefined} />}
      {logsError && !error && <ProblemBox problem={logsError.problem} />}
    </>
  )
}

export function TracePage() {
  const { traceId: given } = useParams({ from: '/traces/$traceId' })
  const traceId = wholeTraceId(given)
  useTitle(`Trace ${traceId.slice(0, 8)}`)
  return (
    <section className="page wide">
      <h1>
        Trace <span className="mono dim trace-id">{traceId}</span>
      </h1>
      {isTraceId(traceId) ? (
        <Followed key={traceId} traceId={traceId} />
      ) : (
        <div className="note bad" role="alert">
          A trace id has 32 hexadecimal digits and is not zero; this address holds something else.
        </div>
      )}
    </section>
  )
}
