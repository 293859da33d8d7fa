/** Rules about one panel. */
import type { Dashboard, Panel } from './model.js'

/** Units that our dashboards use, of Grafana's list. */
const units = new Set(['none', 'short', 'percentunit', 's', 'bytes', 'Bps', 'ops', 'reqps', 'cps', 'dateTimeFromNow'])

export const panelSource = (panel: Panel): string[] =>
  [panel.datasource, ...(panel.targets ?? []).map(({ datasource }) => datasource)].every((ref) => /^\$\{\w+_datasource\}$/.test(ref?.uid ?? ''))
    ? []
    : ['a data source is fixed']

export function titleAndDescription(panel: Panel): string[] {
  const { title = '', description = '' } = panel
  return [
    ...(title === '' ? ['no title'] : []),
    ...(/\*\*Red:\*\* .{20}/s.test(description) ? [] : ['the description does not say what red means']),
    ...(/\*\*Then:\*\* .{20}/s.test(description) ? [] : ['the description does not say what to do then']),
  ]
}

export const unit = (panel: Panel): string[] => (units.has(panel.fieldConfig?.defaults?.unit ?? '') ? [] : [`the unit ${panel.fieldConfig?.defaults?.unit ?? ''} is none we use`])

export const noTargets = (panel: Panel): string[] => ((panel.targets ?? []).length > 0 ? [] : ['it asks nothing'])

/** A threshold that is only a colour tells nobody where it lies. */
export function thresholdsTold(panel: Panel): string[] {
  const steps = panel.fieldConfig?.defaults?.thresholds?.steps ?? []
  const description = panel.description ?? ''
  const told = (value: number): boolean =>
    [value, value * 100].some((shown) => new RegExp(`(^|[^\\d.])${String(shown).replace('.', '\\.')}([^\\d]|$)`).test(description))
  return steps.filter(({ value }) => value !== null && !told(value)).map(({ value }) => `the threshold ${value} stands nowhere in the description`)
}

/** Lines of a chart are told apart by a legend. */
export const legends = (panel: Panel): string[] =>
  panel.type === 'table' ? [] : (panel.targets ?? []).filter(({ legendFormat }) => (legendFormat ?? '') === '').map(({ refId }) => `query ${refId} has no legend`)

export const exemplars = (panel: Panel): string[] =>
  (panel.targets ?? []).some(({ exemplar }) => exemplar === true) &&
  !(panel.fieldConfig?.overrides ?? []).some(({ matcher, properties }) => matcher.options === 'trace_id' && properties.some(({ id }) => id === 'links'))
    ? ['its exemplars lead to no trace']
    : []

/** Each panel can be handed on, with time range and variables. */
export const selfLinked = (panel: Panel, board: Dashboard): string[] =>
  (panel.links ?? []).some(({ url }) => url === `/d/${board.uid}?viewPanel=${panel.id}&\${__url_time_range}&\${__all_variables}`) ? [] : ['no link to the panel itself']
