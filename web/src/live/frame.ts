/** One event as /ws and /api/events carry it. */

export interface LiveEvent {
  readonly type: string
  /** The global cursor; `progress` carries the last stored one. */
  readonly rev: number
  readonly id: string
  readonly time: string
  readonly subject: string
  readonly traceparent?: string
  readonly data: Readonly<Record<string, unknown>>
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')

/** Reads a text frame; undefined where it is not an event. */
export function readFrame(frame: string): LiveEvent | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(frame)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const from = parsed as Record<string, unknown>
  const { type, rev, data } = from
  if (typeof type !== 'string' || typeof rev !== 'number' || !Number.isSafeInteger(rev) || rev < 0) return undefined
  return {
    type,
    rev,
    id: text(from['id']),
    time: text(from['time']),
    subject: text(from['subject']),
    ...(typeof from['traceparent'] === 'string' ? { traceparent: from['traceparent'] } : {}),
    data: typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {},
  }
}
