/** A field that leads from match to match: Enter forward, Shift+Enter back. */
import { type KeyboardEvent, useState } from 'react'
import { findNext } from './find'
import type { TraceModel } from './model'

export function FindSpan({ model, row, onRow }: { model: TraceModel; row: number; onRow: (row: number) => void }) {
  const [text, setText] = useState('')
  const [missed, setMissed] = useState(false)

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Enter' || text.trim() === '') return
    event.preventDefault()
    const found = findNext(model, row, text.trim(), event.shiftKey ? -1 : 1)
    setMissed(found === undefined)
    if (found !== undefined) onRow(found)
  }

  return (
    <span className="find">
      <input
        type="search"
        value={text}
        aria-label="Find a span"
        placeholder="Find a span: name, service, attribute"
        title="Enter: next, Shift+Enter: previous"
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value)
          setMissed(false)
        }}
        onKeyDown={onKeyDown}
      />
      <span role="status" className="dim">
        {missed ? 'nothing found' : ''}
      </span>
    </span>
  )
}
