/** The dashboard of objectives: of any objective in Sloth's names. */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import type { Board } from '../house/board.js'
import { source, sourceVariable } from '../house/sources.js'
import { labelVariable } from '../house/variables.js'
import { alertsPanel } from './alerts.js'
import { budgetPanel, burnPanel, eventsPanel } from './burn.js'
import * as q from './queries.js'
import { spendingPanels } from './spending.js'
import { stateRow } from './state.js'

/** Part of links from alerts: never to change. */
const uid = 'perch-slo'
const processes = '{__name__=~"nestr_http_requests_total|perch_slo_events_total"}'

export function sloBoard(): Board {
  const board = new dashboard.DashboardBuilder('Objectives')
    .uid(uid)
    .description('Objectives, their error budgets, what burns them and the alerts about it. For every objective whose rules bear the names of Sloth.')
    .tags(['perch', 'slo'])
    .readonly()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: 'now-24h', to: 'now' })
    .timezone('browser')
    .refresh('1m')
    .variables([
      sourceVariable('prometheus'),
      sourceVariable('jaeger'),
      sourceVariable('loki'),
      labelVariable('service', 'Service', 'sloth_slo_info', 'sloth_service'),
      labelVariable('slo', 'Objective', 'sloth_slo_info{sloth_service=~"$service"}', 'sloth_slo'),
      labelVariable('job', 'Job', processes, 'job'),
      labelVariable('instance', 'Instance', `${processes.slice(0, -1)}, job=~"$job"}`, 'instance'),
      new dashboard.TextBoxVariableBuilder('runbooks')
        .label('Runbooks at')
        .description('Where the pages of alerts are served; a runbook is this address, a slash, the name of the alert and `.md`.'),
    ])
    .annotation(
      new dashboard.AnnotationQueryBuilder()
        .name('Firing alerts')
        .datasource(source('prometheus'))
        .expr(q.firing)
        .titleFormat('{{alertname}}')
        .tagKeys('sloth_service,sloth_slo')
        .step('60s')
        .iconColor('red')
        .enable(true),
    )
    .link(
      new dashboard.DashboardLinkBuilder('Other dashboards')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['perch'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
  const rows = [
    { id: 10, title: 'How it stands', panels: stateRow(uid) },
    { id: 20, title: 'How fast it burns', panels: [burnPanel(uid)] },
    { id: 30, title: 'What is left, and of how much', panels: [budgetPanel(uid), eventsPanel(uid)] },
    { id: 40, title: 'Who was told', panels: [alertsPanel(uid)] },
    { id: 50, title: 'What spends it: the Engine', panels: spendingPanels(uid) },
  ]
  for (const { id, title, panels } of rows) {
    board.withRow(new dashboard.RowBuilder(title).id(id))
    for (const panel of panels) {
      board.withPanel(panel)
    }
  }
  return { name: 'slo', dashboard: board.build() }
}
