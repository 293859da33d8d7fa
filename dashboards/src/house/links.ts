/** Links out of a panel; each carries the time range. */
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { type SourceKind, source } from './sources.js'

/** The SDK types a panel's links as those of a dashboard, of which Grafana reads three fields in a panel. */
export interface Link {
  build(): dashboard.DashboardLink
}

const link = (title: string, url: string, targetBlank = true): Link => ({
  build: () => ({ title, url, targetBlank }) as dashboard.DashboardLink,
})

/** The panel alone, with time range and variables as they are. */
export const selfLink = (uid: string, panel: number): Link =>
  link('This panel alone, as a link', `/d/${uid}?viewPanel=${panel}&\${__url_time_range}&\${__all_variables}`, false)

/** Grafana's Explore with one query. */
function explore(title: string, kind: SourceKind, query: Record<string, unknown>): Link {
  const { type, uid } = source(kind)
  const pane = {
    datasource: uid,
    queries: [{ refId: 'A', datasource: { type, uid }, ...query }],
    range: { from: '${__from}', to: '${__to}' },
  }
  // Grafana puts values in the place of ${…} after this, so these stay readable.
  const panes = encodeURIComponent(JSON.stringify({ a: pane })).replace(/%24%7B(.*?)%7D/g, (_, name) => `\${${decodeURIComponent(name)}}`)
  return link(title, `/explore?schemaVersion=1&panes=${panes}`)
}

/** The traces of a service in the range; `service` may be one of Grafana's variables. */
export const tracesOf = (service: string): Link => explore(`Traces of ${service} in Jaeger`, 'jaeger', { queryType: 'search', service })

/** The trace of an exemplar. */
export const traceOfExemplar = (): Link => explore('Trace ${__value.raw} in Jaeger', 'jaeger', { query: '${__value.raw}' })

/** The errors that a service logged in the range. */
export const errorsOf = (service: string): Link =>
  explore(`Errors of ${service} in Loki`, 'loki', { queryType: 'range', expr: `{service_name="${service}"} | severity_text=~"ERROR|FATAL"` })

/** The page that says what to do about an alert. */
export const runbook = (alert: string): Link => link(`Runbook of ${alert}`, `\${runbooks}/${alert}.md`)
