import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import type { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { errorsOf, tracesOf } from '../house/links.js'
import { instant, statPanel, steps } from '../house/panels.js'
import * as q from './queries.js'

const service = '${__field.labels.sloth_service}'
const percent = (share: number): string => `${share * 100} %`

/** How the objectives stand: one value for each. */
export function stateRow(board: string): Stat[] {
  const shape = { board, height: 6 }
  const { caution, frozen, exhausted } = q.states
  const left = steps([null, 'red'], [exhausted, 'orange'], [frozen, 'yellow'], [caution, 'green'])
  const sli = statPanel({
    ...shape,
    id: 11,
    width: 5,
    title: 'Good events now',
    unit: 'percentunit',
    shows: 'The share of good events over the shortest window.',
    red: 'no value is coloured: compare with the objective beside it. What lies below it spends budget, however briefly.',
    then: 'see below whether longer windows agree; open the traces of the service for what fails.',
  })
    .decimals(3)
    .withTarget(instant('A', q.sliNow, q.legend))
    .dataLinks([tracesOf(service), errorsOf(service)])
  const objective = statPanel({
    ...shape,
    id: 12,
    width: 4,
    title: 'Objective',
    unit: 'percentunit',
    shows: 'The share of events that is to be good over the period.',
    red: 'no value is coloured: it is a constant of the rules.',
    then: 'where it is not what was agreed, change the specification and generate the rules anew.',
  })
    .decimals(3)
    .withTarget(instant('A', q.objective, q.legend))
  const budget = statPanel({
    ...shape,
    id: 13,
    width: 5,
    title: 'Budget left',
    unit: 'percentunit',
    shows: `The share of the period's error budget that is left. Green from ${percent(caution)}, yellow from ${percent(frozen)}, orange from ${percent(exhausted)}.`,
    red: `below ${percent(exhausted)}: more events failed in the period than the objective allows.`,
    then: 'stop changes that are not urgent, and look below for what spends.',
  })
    .decimals(1)
    .thresholds(left)
    .withTarget(instant('A', q.budgetLeft, q.legend))
    .dataLinks([tracesOf(service), errorsOf(service)])
  const hour = 3600
  const exhaustion = statPanel({
    ...shape,
    id: 14,
    width: 5,
    title: 'Time to exhaustion',
    unit: 's',
    shows: `How long the budget lasts at the pace of the last hour, without what leaves a rolling period meanwhile. Yellow from ${6 * hour} s (6 h), green from ${72 * hour} s (3 d).`,
    red: `less than ${6 * hour} s: it is gone before the slow page could say so.`,
    then: 'treat it as an incident, whether or not an alert has fired.',
  })
    .thresholds(steps([null, 'red'], [6 * hour, 'yellow'], [72 * hour, 'green']))
    .noValue('not at this pace')
    .withTarget(instant('A', q.exhaustion, q.legend))
  const state = statPanel({
    ...shape,
    id: 15,
    width: 5,
    title: 'State',
    unit: 'none',
    shows: `What the budget left means by the thresholds beside it: ok (0), caution (1) at ${percent(caution)} or less, frozen (2) at ${percent(frozen)} or less, exhausted (3) at ${percent(exhausted)} or less. Read from the rules, so without hysteresis.`,
    red: 'exhausted: the objective is missed.',
    then: 'caution: plan repairs. Frozen: release repairs only. Exhausted: find what spent the budget before anything else.',
  })
    .noValue('unknown')
    .thresholds(steps([null, 'green'], [1, 'yellow'], [2, 'orange'], [3, 'red']))
    .mappings([
      {
        type: dashboard.MappingType.ValueToText,
        options: {
          '0': { text: 'ok', index: 0 },
          '1': { text: 'caution', index: 1 },
          '2': { text: 'frozen', index: 2 },
          '3': { text: 'exhausted', index: 3 },
        },
      },
    ])
    .withTarget(instant('A', q.state, q.legend))
  return [sli, objective, budget, exhaustion, state]
}
