/** Finds spans by text. */
import type { TraceModel } from './model'

/** Whether a row's name, service, id or one of its attributes holds `text`, letter case apart. */
export function matches(model: TraceModel, row: number, text: string): boolean {
  const span = model.spans[row]
  if (span === undefined || text === '') return false
  const wanted = text.toLowerCase()
  const holds = (value: string) => value.toLowerCase().includes(wanted)
  return (
    holds(span.operationName) || holds(span.service) || span.spanID === wanted || span.tags.some(({ key, value }) => holds(key) || holds(value))
  )
}

/** The next matching row after `from`, or before it with `step` -1; goes round; undefined where nothing matches. */
export function findNext(model: TraceModel, from: number, text: string, step: 1 | -1): number | undefined {
  for (let far = 1; far <= model.n; far += 1) {
    const row = (from + step * far + model.n * far) % model.n
    if (matches(model, row, text)) return row
  }
  return undefined
}
