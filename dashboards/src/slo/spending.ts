import type { PanelBuilder as Series } from '@grafana/grafana-foundation-sdk/timeseries'
import { errorsOf, traceOfExemplar, tracesOf } from '../house/links.js'
import { ranged, seriesPanel } from '../house/panels.js'
import * as q from './queries.js'

const service = '${__field.labels.service}'

/** Which operations spend the budgets of the Engine's objectives. */
export function spendingPanels(board: string): Series[] {
  const shape = { board, width: 8, height: 9 }
  const requests = seriesPanel({
    ...shape,
    id: 51,
    title: 'Requests that fail',
    unit: 'reqps',
    shows: 'The ten routes of the Engine with most replies of 500 and above.',
    red: 'every line here spends the budget of availability.',
    then: 'open the traces of the service for the route; the problem in the reply carries the trace id too.',
  })
    .noValue('none fails')
    .axisSoftMin(0)
    .withTarget(ranged('A', q.failedRequests, '{{method}} {{route}} {{status}}'))
    .dataLinks([tracesOf(service), errorsOf(service)])
  const work = seriesPanel({
    ...shape,
    id: 52,
    title: 'Work that fails',
    unit: 'ops',
    shows: 'Packings, restores, verifications and collections of the Engine that failed or were interrupted. Work that was refused or cancelled spends nothing.',
    red: 'every line above 0 spends the budget of that work.',
    then: 'read the reason in the event `pellet:failed`, or in the trace of the operation.',
  }).axisSoftMin(0)
  q.kindsOfWork.forEach((kind, n) => {
    work.withTarget(ranged(String.fromCharCode('A'.charCodeAt(0) + n), q.failedWork(kind), kind))
  })
  const slow = seriesPanel({
    ...shape,
    id: 53,
    title: 'Slowest routes',
    unit: 's',
    shows: 'The time within which 99 of 100 requests were answered, for the ten slowest routes. A dot is one request whose trace was kept.',
    red: 'a line above the threshold of a latency objective: its requests count as bad.',
    then: 'click a dot to open its trace.',
  })
    .axisSoftMin(0)
    .withTarget(ranged('A', q.slowRequests, '{{route}}').exemplar(true))
    .overrideByName('trace_id', [{ id: 'links', value: [traceOfExemplar().build()] }])
  return [requests, work, slow]
}
