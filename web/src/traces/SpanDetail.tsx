/** Everything one span says of itself. */
import { clock, micros } from '../format/format'
import type { KeyValue } from './jaeger'
import type { TraceModel } from './model'
import { clip } from './clip'

function Values({ title, items }: { title: string; items: readonly KeyValue[] }) {
  if (items.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <dl className="pairs">
        {items.map((item, index) => (
          // Keys may repeat in data from outside.
          // oxlint-disable-next-line react/no-array-index-key
          <div key={index}>
            <dt>{clip(item.key, 200)}</dt>
            <dd>{clip(item.value)}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

export function SpanDetail({ model, row }: { model: TraceModel; row: number }) {
  const span = model.spans[row]
  if (span === undefined) return null
  const shift = model.shift[row] ?? 0
  return (
    // It scrolls when a span says much, so the keyboard must reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="card detail" aria-label="Selected span" tabIndex={0}>
      <h2 className="break">{clip(span.operationName, 200)}</h2>
      <p className="facts dim">
        <span>{clip(span.service, 200)}</span>
        <span>{micros(span.duration)}</span>
        <span>starts at {micros(model.start[row] ?? 0)}</span>
        <span className="mono">{span.spanID}</span>
      </p>
      {model.parent[row] === -1 && span.parentID !== undefined && (
        <p className="note">Its parent {span.parentID} is not in this trace, or not yet.</p>
      )}
      {shift !== 0 && <p className="note">Drawn {micros(shift)} later than reported: its clock runs behind its parent’s.</p>}
      {span.warnings.map((warning) => (
        <p key={warning} className="note">
          {clip(warning)}
        </p>
      ))}
      <Values title="Attributes" items={span.tags} />
      {span.logs.length > 0 && <h3>Events</h3>}
      {span.logs.map((event, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="event">
          <p className="mono dim">
            {clock(new Date(event.timestamp / 1000))} · {micros(event.timestamp + shift - model.origin)}
          </p>
          <Values title="" items={event.fields} />
        </div>
      ))}
      <Values title="Resource" items={span.processTags} />
    </section>
  )
}
