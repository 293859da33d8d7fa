/** The trace as rows on a time axis: a tree grid that draws only what is on screen. */
import { type KeyboardEvent, memo, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { micros } from '../format/format'
import { type Cursor, fold, isParent, positionOf, press, visibleRows } from './fold'
import type { Dot } from './logs'
import type { TraceModel } from './model'
import { barOf, scrollTo, ticks, windowOf } from './window'

const rowHeight = 26
const maxDots = 100
const nColours = 8

interface RowProps {
  id: string
  model: TraceModel
  row: number
  position: number
  folded: boolean
  current: boolean
  dots: readonly Dot[] | undefined
  onPick: (row: number) => void
  onFold: (row: number) => void
}

const percentOf = (at: number, model: TraceModel) => `${Math.min(100, Math.max(0, (at / model.total) * 100))}%`

function Name({ model, row, folded, onFold }: Pick<RowProps, 'model' | 'row' | 'folded' | 'onFold'>) {
  const span = model.spans[row]
  return (
    <div className="wf-name" role="gridcell" style={{ paddingInlineStart: 6 + Math.min(model.depth[row] ?? 0, 24) * 14 }}>
      {isParent(model, row) ? (
        <span
          className={folded ? 'wf-twist wf-folded' : 'wf-twist'}
          aria-hidden="true"
          onClick={(event) => {
            event.stopPropagation()
            onFold(row)
          }}
        />
      ) : (
        <span className="wf-leaf" aria-hidden="true" />
      )}
      <span className={`swatch svc-${(model.service[row] ?? 0) % nColours}`} aria-hidden="true" />
      <span className="wf-op">{span?.operationName}</span>
      <span className="wf-svc dim">{span?.service}</span>
      {model.failed[row] === 1 && <span className="wf-failed">failed</span>}
    </div>
  )
}

function Track({ model, row, dots }: Pick<RowProps, 'model' | 'row' | 'dots'>) {
  const start = model.start[row] ?? 0
  const duration = model.duration[row] ?? 0
  const bar = barOf(start, duration, model.total)
  const events = model.spans[row]?.logs ?? []
  return (
    <div className="wf-track" role="gridcell">
      <div
        className={`wf-bar svc-${(model.service[row] ?? 0) % nColours}${model.failed[row] === 1 ? ' wf-bar-failed' : ''}`}
        style={{ left: `${bar.left}%`, width: `${bar.width}%` }}
      />
      <span className="wf-time" style={{ left: `${bar.left + bar.width}%` }}>
        {micros(duration)}
      </span>
      {events.slice(0, maxDots).map((event, index) => (
        // Events have no identity of their own and never change places.
        // oxlint-disable-next-line react/no-array-index-key
        <i key={index} className="wf-event" style={{ left: percentOf(event.timestamp + (model.shift[row] ?? 0) - model.origin, model) }} />
      ))}
      {dots?.slice(0, maxDots).map((dot, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <i key={index} className={`wf-dot sev-${dot.severity}`} style={{ left: percentOf(dot.at, model) }} />
      ))}
    </div>
  )
}

const Row = memo(function Row(props: RowProps) {
  const { id, model, row, position, folded, current, dots, onPick } = props
  const parent = isParent(model, row)
  return (
    // Keys are handled by the grid, which holds the focus for all rows.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
    <div
      id={id}
      role="row"
      aria-level={(model.depth[row] ?? 0) + 1}
      aria-rowindex={position + 2}
      aria-selected={current}
      {...(parent ? { 'aria-expanded': !folded } : {})}
      className={current ? 'wf-row wf-current' : 'wf-row'}
      onClick={() => onPick(row)}
    >
      <Name model={model} row={row} folded={folded} onFold={props.onFold} />
      <Track model={model} row={row} dots={dots} />
    </div>
  )
})

function Axis({ total }: { total: number }) {
  return (
    <div className="wf-row wf-axis" role="row" aria-rowindex={1}>
      <div className="wf-name" role="columnheader">
        Span
      </div>
      <div className="wf-track" role="columnheader" aria-label={`Time, 0 to ${micros(total)}`}>
        {ticks(total, 6).map((at) => (
          <span key={at} className="wf-tick" style={{ left: `${(at / total) * 100}%` }}>
            {at === 0 ? '0' : micros(at)}
          </span>
        ))}
      </div>
    </div>
  )
}

interface Props {
  model: TraceModel
  dots: ReadonlyMap<number, readonly Dot[]>
  cursor: Cursor
  onCursor: (cursor: Cursor) => void
}

export function Waterfall({ model, dots, cursor, onCursor }: Props) {
  const id = useId()
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 520 })
  const rows = useMemo(() => visibleRows(model, cursor.folded), [model, cursor.folded])
  const position = positionOf(rows, cursor.row)

  useEffect(() => {
    const element = box.current
    if (!element || typeof ResizeObserver === 'undefined') return undefined
    const observer = new ResizeObserver(() => setView((old) => ({ ...old, height: element.clientHeight })))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useLayoutEffect(() => {
    const element = box.current
    if (element) element.scrollTop = scrollTo(position, element.scrollTop, element.clientHeight - rowHeight, rowHeight)
  }, [position])

  // Rows are memoised: their callbacks stay the same and read the newest state from here.
  const latest = useRef({ cursor, onCursor })
  useLayoutEffect(() => {
    latest.current = { cursor, onCursor }
  })
  const { pick, twist } = useMemo(
    () => ({
      pick: (row: number) => latest.current.onCursor({ ...latest.current.cursor, row }),
      twist: (row: number) => {
        const { folded } = latest.current.cursor
        latest.current.onCursor({ row, folded: fold(folded, row, folded[row] !== 1) })
      },
    }),
    [],
  )

  function onKeyDown(event: KeyboardEvent) {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const next = press(model, rows, cursor, event.key, Math.max(1, Math.floor(view.height / rowHeight) - 2))
    if (next === undefined) return
    event.preventDefault()
    if (next !== cursor) onCursor(next)
  }

  const { first, last } = windowOf(view.top, view.height, rowHeight, rows.length)
  return (
    <div
      ref={box}
      className="wf"
      role="treegrid"
      tabIndex={0}
      aria-label="Spans of this trace"
      aria-rowcount={rows.length + 1}
      aria-activedescendant={`${id}-${cursor.row}`}
      onKeyDown={onKeyDown}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
    >
      <Axis total={model.total} />
      <div className="wf-rows" role="rowgroup" style={{ height: rows.length * rowHeight, paddingTop: first * rowHeight }}>
        {Array.from(rows.subarray(first, last), (row, index) => (
          <Row
            key={row}
            id={`${id}-${row}`}
            model={model}
            row={row}
            position={first + index}
            folded={cursor.folded[row] === 1}
            current={row === cursor.row}
            dots={dots.get(row)}
            onPick={pick}
            onFold={twist}
          />
        ))}
      </div>
    </div>
  )
}
