import * as common from '@grafana/grafana-foundation-sdk/common'
import type { PanelBuilder as Series } from '@grafana/grafana-foundation-sdk/timeseries'
import { errorsOf, tracesOf } from '../house/links.js'
import { ranged, seriesPanel } from '../house/panels.js'
import * as q from './queries.js'

const service = '${__field.labels.sloth_service}'
const dashed = { fill: 'dash', dash: [8, 8] }

/** How fast each window burns, with the tiers' thresholds as lines. */
export function burnPanel(board: string): Series {
  const told = q.tiers.map(({ name, windows, factor }) => `${name} ${factor} (${windows})`).join(', ')
  const panel = seriesPanel({
    board,
    id: 21,
    width: 24,
    height: 11,
    title: 'Burn rate by window',
    unit: 'none',
    shows: `How many times faster than allowed the budget burns, for every window that is recorded; 1 spends it in exactly one period. The dashed lines are where the tiers fire: ${told} for a month, 28/30 of it for four weeks. A tier with windows of its own fires where its rule says.`,
    red: 'both windows of a tier above its line: its alert is due. The short window alone is a spike, the long one alone an incident that is over.',
    then: 'follow the runbook of the alert; click a line for the traces and the errors of its service in that range.',
  })
    .axisSoftMin(0)
    .withTarget(ranged('A', q.burnByWindow, `${q.legend} {{sloth_window}}`))
    .dataLinks([tracesOf(service), errorsOf(service)])
  q.tiers.forEach((tier, n) => {
    const refId = String.fromCharCode('B'.charCodeAt(0) + n)
    panel.withTarget(ranged(refId, q.threshold(tier), `${tier.name} fires`)).overrideByQuery(refId, [
      { id: 'color', value: { mode: 'fixed', fixedColor: tier.color } },
      { id: 'custom.lineStyle', value: dashed },
      { id: 'links', value: [] },
    ])
  })
  return panel
}

/** The budget over a month, beside the pace that spends it evenly. */
export function budgetPanel(board: string): Series {
  return seriesPanel({
    board,
    id: 31,
    width: 12,
    height: 10,
    title: 'Budget left over the period',
    unit: 'percentunit',
    shows:
      'The share of the budget that the period before each moment had left, by the rules and by the tracker. The dashed line is the pace that spends one whole budget evenly over one period, beginning at the left edge; it ends at 0.',
    red: 'a line below 0: the objective is missed. A line that falls faster than the dashed one will be.',
    then: 'find the steps in the line and look at those times in the panels beside it; a long slope is a standing fault, a step an incident.',
  })
    .timeFrom('30d')
    .decimals(1)
    .max(1)
    .axisSoftMin(0)
    .withTarget(ranged('A', q.budgetLeft, q.legend))
    .withTarget(ranged('B', q.evenPace, 'even pace'))
    .withTarget(ranged('C', q.budgetLeftByTracker, '{{slo}} by tracker'))
    .overrideByQuery('B', [
      { id: 'color', value: { mode: 'fixed', fixedColor: 'text' } },
      { id: 'custom.lineStyle', value: dashed },
    ])
}

/** How much happens, and how much of it is bad. */
export function eventsPanel(board: string): Series {
  return seriesPanel({
    board,
    id: 32,
    width: 12,
    height: 10,
    title: 'Bad and all events in 5 minutes',
    unit: 'short',
    shows:
      'How many events count, and how many of them are bad, as recorded by rules of the profile `exact` and as counted by the tracker before any sampling. Rules of the profile `sloth` keep ratios only. Bad events are red bars.',
    red: 'events that spent budget in those five minutes.',
    then: 'few bad of few events are noise, the same share of many is a fault; a fall of all events to nothing hides faults, so look whether requests arrive at all.',
  })
    .axisSoftMin(0)
    .withTarget(ranged('A', q.allEvents, `${q.legend} all`))
    .withTarget(ranged('B', q.badEvents, `${q.legend} bad`))
    .withTarget(ranged('C', q.allEventsByTracker, '{{slo}} all, by tracker'))
    .withTarget(ranged('D', q.badEventsByTracker, '{{slo}} bad, by tracker'))
    .overrides(
      ['B', 'D'].map((options) => ({
        matcher: { id: 'byFrameRefID', options },
        properties: [
          { id: 'color', value: { mode: 'shades', fixedColor: 'red' } },
          { id: 'custom.drawStyle', value: common.GraphDrawStyle.Bars },
          { id: 'custom.fillOpacity', value: 60 },
        ],
      })),
    )
}
