import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { source } from './sources.js'

/** A choice of one label's values, several or all; looked up anew whenever the time range changes. */
export function labelVariable(name: string, label: string, series: string, of: string): dashboard.QueryVariableBuilder {
  const query = `label_values(${series}, ${of})`
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(source('prometheus'))
    .query({ query, refId: `${name}-variable` })
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}
