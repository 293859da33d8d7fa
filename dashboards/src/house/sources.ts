/**
 * The data sources of every dashboard are variables: the JSON fits any Grafana, whatever its sources are called.
 * Names and labels are those that Grafana's dashboard linter asks for where there are several.
 */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'

export type SourceKind = 'prometheus' | 'jaeger' | 'loki'

const labels: Record<SourceKind, string> = {
  prometheus: 'Prometheus data source',
  jaeger: 'Jaeger data source',
  loki: 'Loki data source',
}

export const sourceVariable = (kind: SourceKind): dashboard.DatasourceVariableBuilder =>
  new dashboard.DatasourceVariableBuilder(`${kind}_datasource`).label(labels[kind]).type(kind)

/** A reference to the variable's choice. */
export const source = (kind: SourceKind): { type: SourceKind; uid: string } => ({ type: kind, uid: `\${${kind}_datasource}` })
