/** All rules, by name. Those of Grafana's dashboard linter that fit, and our own. */
import * as links from './links.js'
import { type Dashboard, type Panel, type Target, panelsOf } from './model.js'
import * as panels from './panels.js'
import * as targets from './targets.js'
import * as whole from './variables.js'

const ofBoards: Record<string, (board: Dashboard, all: Dashboard[]) => string[]> = {
  'template-datasource': whole.templateDatasource,
  'template-job-instance': whole.templateJobInstance,
  'template-on-time-change-reload': whole.templateReload,
  'template-source': whole.templateSource,
  'template-unused': whole.templateUnused,
  'template-unknown': whole.templateUnknown,
  uneditable: whole.uneditable,
  identity: whole.identity,
  layout: whole.layout,
  links: links.links,
}

const ofPanels: Record<string, (panel: Panel, board: Dashboard) => string[]> = {
  'panel-datasource': panels.panelSource,
  'panel-title-description': panels.titleAndDescription,
  'panel-units': panels.unit,
  'panel-no-targets': panels.noTargets,
  'panel-thresholds-told': panels.thresholdsTold,
  'panel-legends': panels.legends,
  'panel-exemplars': panels.exemplars,
  'panel-self-link': panels.selfLinked,
}

const ofTargets: Record<string, (target: Target) => string[]> = {
  'target-job-instance': targets.jobAndInstance,
  'target-objectives': targets.objectives,
  'target-rate-interval': targets.rateInterval,
  'target-counter-agg': targets.counterAggregated,
  'target-histogram': targets.histogramSummed,
  'target-hidden': targets.visible,
}

export const ruleNames = (): string[] => [...Object.keys(ofBoards), ...Object.keys(ofPanels), ...Object.keys(ofTargets)]

/** Every fault of a dashboard as `rule: panel: what`. */
export function faults(board: Dashboard, all: Dashboard[]): string[] {
  const found: string[] = []
  for (const [name, rule] of Object.entries(ofBoards)) {
    found.push(...rule(board, all).map((fault) => `${name}: ${fault}`))
  }
  for (const panel of panelsOf(board)) {
    for (const [name, rule] of Object.entries(ofPanels)) {
      found.push(...rule(panel, board).map((fault) => `${name}: ${panel.title}: ${fault}`))
    }
    for (const [name, rule] of Object.entries(ofTargets)) {
      found.push(...(panel.targets ?? []).flatMap((target) => rule(target).map((fault) => `${name}: ${panel.title}: ${fault}`)))
    }
  }
  return found
}
