/**
 * Records this page's spans and hands them to the Engine's telemetry route.
 *
 * Invariants: 1. at most `maxWaiting` finished spans are kept; the oldest goes first and is counted. 2. One post is in flight at a time.
 * Failure: a refused or lost post is tried again with back-off; what no retry can mend (4xx other than 429) is dropped and counted.
 */
import { type SpanContext, newContext } from './context'
import type { Attributes, FinishedSpan, SpanEvent } from './otlp'

export type PostOutcome = 'accepted' | 'retry' | 'refused'

export interface RecorderParts {
  /** Sends finished spans; never throws. */
  readonly post: (spans: readonly FinishedSpan[]) => Promise<PostOutcome>
  /** Milliseconds since the epoch, never running backwards. */
  readonly now: () => number
  readonly later: (run: () => void, milliseconds: number) => void
}

export interface OpenSpan {
  readonly context: SpanContext
  event(name: string, attributes?: Attributes): void
  set(attributes: Attributes): void
  /** Ends the span; `error` marks it failed. Later calls change nothing. */
  end(error?: string): void
}

const maxWaiting = 512
const maxBatch = 128
const firstRetryMs = 500
const lastRetryMs = 30_000

export class Recorder {
  nDropped = 0
  #waiting: FinishedSpan[] = []
  #posting = false
  #retryMs = firstRetryMs

  constructor(private readonly parts: RecorderParts) {}

  /** Starts a root span: the trace begins with the click. */
  start(name: string, attributes: Attributes = {}): OpenSpan {
    const context = newContext(true)
    const start = this.parts.now()
    const events: SpanEvent[] = []
    let all = attributes
    let ended = false
    return {
      context,
      event: (event, given = {}) => events.push({ name: event, time: this.parts.now(), attributes: given }),
      set: (more) => {
        all = { ...all, ...more }
      },
      end: (error) => {
        if (ended) return
        ended = true
        const end = this.parts.now()
        this.#keep({ context, name, start, end, attributes: all, events, ...(error === undefined ? {} : { error }) })
      },
    }
  }

  #keep(span: FinishedSpan) {
    this.#waiting.push(span)
    const over = this.#waiting.length - maxWaiting
    if (over > 0) {
      this.#waiting.splice(0, over)
      this.nDropped += over
    }
    void this.flush()
  }

  /** Posts what waits. */
  async flush(): Promise<void> {
    if (this.#posting || this.#waiting.length === 0) return
    this.#posting = true
    const batch = this.#waiting.splice(0, maxBatch)
    const outcome = await this.parts.post(batch)
    this.#posting = false
    if (outcome === 'retry') {
      this.#waiting.unshift(...batch)
      this.parts.later(() => void this.flush(), this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs)
      return
    }
    if (outcome === 'refused') this.nDropped += batch.length
    this.#retryMs = firstRetryMs
    await this.flush()
  }
}
