import type { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import { PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { errorsOf, runbook, tracesOf } from '../house/links.js'
import { instant, tablePanel } from '../house/panels.js'
import * as q from './queries.js'

const columns = ['alertname', 'alertstate', 'sloth_severity', 'slo_tier', 'sloth_service', 'sloth_slo']
const heads: Record<string, string> = {
  alertname: 'Alert',
  alertstate: 'State',
  sloth_severity: 'Severity',
  slo_tier: 'Tier',
  sloth_service: 'Service',
  sloth_slo: 'Objective',
}

/** The alerts of the chosen objectives that are pending or firing. */
export function alertsPanel(board: string): Table {
  const service = '${__data.fields.Service}'
  return tablePanel({
    board,
    id: 41,
    width: 24,
    height: 7,
    title: 'Alerts',
    unit: 'none',
    shows: 'The alerts of the chosen objectives at the end of the range. An empty tier is an alert of the profile `sloth`, which has two tiers in one.',
    red: 'firing: it has been sent to the Alertmanager.',
    then: "open the alert's runbook by its name; the variable above says where runbooks are served.",
  })
    .noValue('none pending, none firing')
    .withTarget(instant('A', q.alerts, '').format(PromQueryFormat.Table))
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true, Value: true },
        indexByName: Object.fromEntries(columns.map((column, n) => [column, n])),
        renameByName: heads,
      },
    })
    .overrideByName('State', [
      {
        id: 'mappings',
        value: [
          {
            type: 'value',
            options: { firing: { color: 'red', index: 0, text: 'firing' }, pending: { color: 'yellow', index: 1, text: 'pending' } },
          },
        ],
      },
      { id: 'custom.cellOptions', value: { type: 'color-text' } },
    ])
    .overrideByName('Alert', [{ id: 'links', value: [runbook('${__data.fields.Alert}').build()] }])
    .overrideByName('Service', [{ id: 'links', value: [tracesOf(service).build(), errorsOf(service).build()] }])
}
