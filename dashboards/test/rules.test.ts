/** Every rule finds the fault it is there for: one edit of a sound dashboard, one finding. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Dashboard, type Panel, type Target, panelsOf, rendered } from './lint/model.js'
import { faults, ruleNames } from './lint/rules.js'

const sound = (): Dashboard => rendered()[0]![1]
const panel = (board: Dashboard, type: string): Panel => panelsOf(board).find((candidate) => candidate.type === type)!
const target = (board: Dashboard): Target => panel(board, 'timeseries').targets![0]!
const variable = (board: Dashboard, name: string) => board.templating.list.find((candidate) => candidate.name === name)!

const edits: [string, (board: Dashboard) => void][] = [
  ['template-datasource', (b) => (variable(b, 'loki_datasource').label = 'Logs')],
  ['template-job-instance', (b) => (variable(b, 'job').allValue = '.*')],
  ['template-on-time-change-reload', (b) => (variable(b, 'slo').refresh = 1)],
  ['template-source', (b) => (variable(b, 'slo').datasource = { type: 'prometheus', uid: 'mine' })],
  ['template-unused', (b) => b.templating.list.push({ name: 'spare', type: 'textbox' })],
  ['template-unknown', (b) => (target(b).legendFormat = '$nothing')],
  ['uneditable', (b) => (b.editable = true)],
  ['identity', (b) => (b.id = 7)],
  ['identity', (b) => (b.uid = 'Not Stable')],
  ['layout', (b) => (panel(b, 'stat').id = panel(b, 'table').id)],
  ['layout', (b) => (panel(b, 'table').gridPos = { ...panel(b, 'stat').gridPos! })],
  ['links', (b) => (panel(b, 'table').links = [...panel(b, 'table').links!, { title: 'x', url: '/d/nowhere?viewPanel=1&${__url_time_range}' }])],
  ['links', (b) => (panel(b, 'table').links = [...panel(b, 'table').links!, { title: 'x', url: `/d/${b.uid}?viewPanel=999&\${__url_time_range}` }])],
  ['links', (b) => (panel(b, 'table').links = [...panel(b, 'table').links!, { title: 'x', url: `/d/${b.uid}?viewPanel=41` }])],
  ['links', (b) => (panel(b, 'table').links = [...panel(b, 'table').links!, { title: 'x', url: '/explore?panes=%7B' }])],
  ['links', (b) => (panel(b, 'table').links = [...panel(b, 'table').links!, { title: 'x', url: 'https://example.org' }])],
  ['panel-datasource', (b) => (target(b).datasource = { type: 'prometheus', uid: 'mine' })],
  ['panel-title-description', (b) => (panel(b, 'stat').description = 'a number')],
  ['panel-units', (b) => delete panel(b, 'stat').fieldConfig!.defaults!.unit],
  ['panel-no-targets', (b) => (panel(b, 'stat').targets = [])],
  ['panel-thresholds-told', (b) => (panel(b, 'stat').fieldConfig!.defaults!.thresholds = { steps: [{ value: 42, color: 'red' }] })],
  ['panel-legends', (b) => (target(b).legendFormat = '')],
  ['panel-exemplars', (b) => (target(b).exemplar = true)],
  ['panel-self-link', (b) => (panel(b, 'stat').links = [])],
  ['target-job-instance', (b) => (target(b).expr = 'up{job="x"}')],
  ['target-objectives', (b) => (target(b).expr = 'slo:objective:ratio{sloth_slo="x"}')],
  ['target-rate-interval', (b) => (target(b).expr = 'rate(a_total{job=~"$job", instance=~"$instance"}[5m])')],
  ['target-counter-agg', (b) => (target(b).expr = 'sum(a_total{job=~"$job", instance=~"$instance"})')],
  ['target-histogram', (b) => (target(b).expr = 'histogram_quantile(0.9, sum by (job) (up{job=~"$job", instance=~"$instance"}))')],
  ['target-hidden', (b) => (target(b).hide = true)],
]

for (const [rule, edit] of edits) {
  test(`${rule} finds what it is there for: ${edit.toString().slice(0, 70)}`, () => {
    const board = sound()
    edit(board)
    const found = faults(board, [board])
    assert.ok(found.some((fault) => fault.startsWith(`${rule}: `)), `found only ${JSON.stringify(found)}`)
  })
}

test('no rule is without such an edit', () => {
  const tried = new Set(edits.map(([rule]) => rule))
  assert.deepEqual(ruleNames().filter((name) => !tried.has(name)), [])
})
