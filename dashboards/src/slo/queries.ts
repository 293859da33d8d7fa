/**
 * Queries over objectives in Sloth's names; both profiles of our generator record these. An objective that is kept apart
 * by further labels shows its worst group.
 */

/** What tells objectives apart. */
const by = 'sloth_service, sloth_slo'
const chosen = 'sloth_service=~"$service", sloth_slo=~"$slo"'
/** Series of a process, not of a rule. */
const process = 'job=~"$job", instance=~"$instance"'
/** The tracker names an objective by service and name in one. */
const tracked = `slo=~"$service-$slo", ${process}`

export const legend = '{{sloth_service}} {{sloth_slo}}'

const remaining = `min by (${by}) (slo:period_error_budget_remaining:ratio{${chosen}})`
const budget = `max by (${by}) (slo:error_budget:ratio{${chosen}})`
const days = `slo:time_period:days{${chosen}}`

/** The share of good events over the shortest window. */
export const sliNow = `1 - max by (${by}) (slo:current_burn_rate:ratio{${chosen}}) * ${budget}`

export const objective = `max by (${by}) (slo:objective:ratio{${chosen}})`

export const budgetLeft = remaining

/** Seconds until nothing is left at the last hour's pace; nothing where that pace is sustainable. */
export const exhaustion =
  `clamp_min(${remaining}, 0) * max by (${by}) (${days}) * 86400` +
  ` / (max by (${by}) (avg_over_time(slo:current_burn_rate:ratio{${chosen}}[1h])) > 1)`

/** Shares of the budget left at which a state begins. */
export const states = { caution: 0.25, frozen: 0.1, exhausted: 0 }

/** 0 ok, 1 caution, 2 frozen, 3 exhausted; nothing where the budget is not known (NaN is no number above -Inf). */
export const state =
  `(${remaining} <= bool ${states.caution}) + (${remaining} <= bool ${states.frozen})` +
  ` + (${remaining} <= bool ${states.exhausted}) and ${remaining} > -Inf`

/** Every window that is recorded, whatever its length. */
export const burnByWindow =
  `max by (${by}, sloth_window) ({__name__=~"slo:sli_error:ratio_rate.+", ${chosen}})` + ` / on (${by}) group_left () ${budget}`

/** A tier of the table for a month, from fast to slow: its windows, and the burn rate at which it fires. */
export interface Tier {
  name: string
  windows: string
  factor: number
  color: string
}

export const tiers: Tier[] = [
  { name: 'page-quick', windows: '1h and 5m', factor: 14.4, color: 'dark-red' },
  { name: 'page-slow', windows: '6h and 30m', factor: 6, color: 'red' },
  { name: 'ticket-quick', windows: '1d and 2h', factor: 3, color: 'orange' },
  { name: 'ticket-slow', windows: '3d and 6h', factor: 1, color: 'yellow' },
]

/** A tier's burn rate. Four whole weeks keep the month's windows, so their factors are 28/30 of it. */
export const threshold = ({ factor }: Tier): string => `max((${days} == 28) / 30 * ${factor} or ${days} * 0 + ${factor})`

export const evenPace = `clamp_min(1 - (time() - \${__from:date:seconds}) / (max(${days}) * 86400), 0)`

export const budgetLeftByTracker = `min by (slo) (perch_slo_budget_remaining_ratio{${tracked}})`

export const allEvents = `sum by (${by}) (slo:sli:events_total:increase5m{${chosen}})`
export const badEvents = `sum by (${by}) (slo:sli:events_bad:increase5m{${chosen}})`
export const allEventsByTracker = `sum by (slo) (increase(perch_slo_events_total{${tracked}}[5m]))`
export const badEventsByTracker = `sum by (slo) (increase(perch_slo_events_total{${tracked}, verdict="bad"}[5m]))`

export const alerts = `max by (alertname, alertstate, sloth_severity, slo_tier, ${by}) (ALERTS{${chosen}})`

export const firing = `max by (alertname, ${by}) (ALERTS{${chosen}, alertstate="firing"})`

/** Adds the service's name, which is the job without its namespace. */
const withService = (query: string): string => `label_replace(${query}, "service", "$1", "job", "(?:.*/)?(.+)")`

const failing = `sum by (job, method, route, status) (rate(nestr_http_requests_total{${process}, status=~"5.."}[$__rate_interval]))`
export const failedRequests = withService(`topk(10, ${failing} > 0)`)

const slowest = `sum by (le, route) (rate(nestr_http_request_duration_seconds_bucket{${process}}[$__rate_interval]))`
export const slowRequests = `topk(10, histogram_quantile(0.99, ${slowest}) > 0)`

/** The Engine's own work that ended badly, by kind. */
export const failedWork = (kind: string): string =>
  `sum(rate(nestr_pellet_${kind}_total{${process}, outcome=~"failed|interrupted"}[$__rate_interval]))`
export const kindsOfWork = ['compress', 'restore', 'verify', 'gc']
