/** Objectives as Perch tells them, read with care: what is missing or strange shows as unknown, never as good. */

/** How often the pages ask again, in milliseconds: the tracker's shortest resolution. */
export const refreshMs = 10_000

export interface Tier {
  readonly tier: string
  readonly severity: string
  /** The window that makes it sure; its burn rate is the tier's. */
  readonly long: string
  readonly firing: boolean
}

export interface Span {
  readonly window: string
  readonly bad: number
  readonly total: number
  /** How many times faster than allowed; NaN where nobody said. */
  readonly burnRate: number
}

export interface Cause {
  readonly operation: string
  readonly error: string
  readonly bad: number
  /** Milliseconds since the epoch. */
  readonly last: number
  readonly traces: readonly { readonly traceId: string; readonly at: number }[]
}

export interface Objective {
  readonly id: string
  readonly service: string
  readonly name: string
  readonly description: string
  /** Per cent of events that are to be good. */
  readonly target: number
  readonly period: string
  readonly state: string
  /** A share; below 0 where it is overspent, NaN where nobody said. */
  readonly left: number
  readonly windows: readonly Span[]
  readonly tiers: readonly Tier[]
  readonly spending: readonly Cause[]
}

export type Burn = 'page' | 'ticket' | 'info' | 'calm' | 'unknown'

type Fields = Readonly<Record<string, unknown>>

const maxText = 300

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, maxText) : '')
const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN)
const list = <T>(value: unknown, read: (from: Fields) => T): T[] => (Array.isArray(value) ? value.map((one) => read(fields(one))) : [])

const readCause = (from: Fields): Cause => ({
  operation: text(from['operation']),
  error: text(from['error']),
  bad: number(from['bad']),
  last: number(from['last']) * 1000,
  traces: list(from['traces'], (trace) => ({ traceId: text(trace['trace_id']), at: number(trace['at']) * 1000 })),
})

export const readObjective = (value: unknown): Objective => {
  const from = fields(value)
  return {
    id: text(from['id']),
    service: text(from['service']),
    name: text(from['name']),
    description: text(from['description']),
    target: number(from['target']),
    period: text(from['period']),
    state: text(from['state']),
    left: number(from['budget_remaining']),
    windows: list(from['windows'], (of) => ({
      window: text(of['window']),
      bad: number(of['bad']),
      total: number(of['total']),
      burnRate: number(of['burn_rate']),
    })),
    tiers: list(from['tiers'], (of) => ({
      tier: text(of['tier']),
      severity: text(of['severity']),
      long: text(of['long']),
      firing: of['firing'] === true,
    })),
    spending: list(from['spending'], readCause),
  }
}

/** Reads `{data: [objective…]}`, what burns first and then what has least left. */
export function readObjectives(body: unknown): Objective[] {
  const all = list(fields(body)['data'], readObjective)
  return all.toSorted((a, b) => weight(a) - weight(b) || known(a.left) - known(b.left) || (a.id < b.id ? -1 : 1))
}

/** What the tiers ask for: the most urgent that fires. */
export function burn({ tiers }: Pick<Objective, 'tiers'>): Burn {
  if (tiers.length === 0) return 'unknown'
  const firing = new Set(tiers.filter((tier) => tier.firing).map(({ severity }) => severity))
  if (firing.size === 0) return 'calm'
  return firing.has('page') ? 'page' : firing.has('ticket') ? 'ticket' : 'info'
}

/** The burn rate of the fastest tier's long window; NaN where nobody said. */
export function burnRate({ tiers, windows }: Pick<Objective, 'tiers' | 'windows'>): number {
  const long = tiers[0]?.long
  return windows.find(({ window }) => window === long)?.burnRate ?? Number.NaN
}

const order: readonly Burn[] = ['page', 'ticket', 'info', 'unknown', 'calm']
const weight = (objective: Objective) => order.indexOf(burn(objective))
const known = (share: number) => (Number.isNaN(share) ? Number.NEGATIVE_INFINITY : share)
