/** The log lines of a trace, oldest first, each leading to its span. */
import { useState } from 'react'
import { logLimit } from '../api/perch'
import { clock } from '../format/format'
import { clip } from './clip'
import type { LogLine } from './logs'
import type { TraceModel } from './model'

interface Props {
  lines: readonly LogLine[]
  model: TraceModel | undefined
  row: number
  onRow: (row: number) => void
}

function Line({ line, row, current, onRow }: { line: LogLine; row: number | undefined; current: boolean; onRow: (row: number) => void }) {
  return (
    <tr className={current ? 'log-current' : undefined}>
      <td className="mono dim">{clock(new Date(line.time / 1000))}</td>
      <td>
        <span className={`sev sev-${line.severity}`}>{clip(line.severityText || line.severity, 12)}</span>
      </td>
      <td className="dim">{clip(line.service, 60)}</td>
      <td className="mono break log-body">
        {clip(line.body)}
        {line.attributes.slice(0, 30).map(([key, value]) => (
          <span key={key} className="dim attr log-attr">
            {clip(key, 100)}={clip(value, 500)}
          </span>
        ))}
      </td>
      <td>
        {row !== undefined && (
          <button type="button" className="button quiet" onClick={() => onRow(row)} aria-label="Show the span of this line">
            span
          </button>
        )}
      </td>
    </tr>
  )
}

export function LogList({ lines, model, row, onRow }: Props) {
  const [onlyCurrent, setOnlyCurrent] = useState(false)
  const currentId = model?.spans[row]?.spanID
  const shown = onlyCurrent ? lines.filter((line) => line.spanId === currentId) : lines
  return (
    <section className="card flush logs" aria-label="Log lines">
      <div className="head">
        <h2>
          Log lines <span className="dim">{shown.length}</span>
        </h2>
        <label className="check">
          <input type="checkbox" checked={onlyCurrent} onChange={(event) => setOnlyCurrent(event.target.checked)} />
          Only the selected span
        </label>
      </div>
      {lines.length >= logLimit && <p className="note">Only the first {logLimit} lines are shown.</p>}
      {shown.length === 0 ? (
        <p className="dim pad">{onlyCurrent ? 'No line belongs to the selected span.' : 'No log line carries this trace id yet.'}</p>
      ) : (
        <table>
          <thead className="hidden">
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Severity</th>
              <th scope="col">Service</th>
              <th scope="col">Text</th>
              <th scope="col">Span</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((line, index) => (
              // Lines have no identity; two may be equal to the last character.
              // oxlint-disable-next-line react/no-array-index-key
              <Line key={index} line={line} row={model?.rowOf.get(line.spanId)} current={line.spanId === currentId && line.spanId !== ''} onRow={onRow} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
