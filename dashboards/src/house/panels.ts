/**
 * Panels with what all of ours share. A panel says three things of itself: what it shows, what red means, what to do then.
 */
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { selfLink } from './links.js'
import { source } from './sources.js'

export interface About {
  /** The dashboard's uid. */
  board: string
  /** Stable within the dashboard: links to the panel carry it. */
  id: number
  title: string
  /** What is shown, and how it is computed where that is not obvious. */
  shows: string
  /** What a red value means. */
  red: string
  /** What to do about it. */
  then: string
  unit: string
  width: number
  height: number
}

const description = ({ shows, red, then }: About): string => `${shows}\n\n**Red:** ${red}\n\n**Then:** ${then}`

export const seriesPanel = (about: About): timeseries.PanelBuilder =>
  new timeseries.PanelBuilder()
    .id(about.id)
    .title(about.title)
    .description(description(about))
    .datasource(source('prometheus'))
    .unit(about.unit)
    .span(about.width)
    .height(about.height)
    .links([selfLink(about.board, about.id)])
    .lineWidth(1)
    .fillOpacity(0)
    .showPoints(common.VisibilityMode.Never)
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassic))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending))
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )

export const statPanel = (about: About): stat.PanelBuilder =>
  new stat.PanelBuilder()
    .id(about.id)
    .title(about.title)
    .description(description(about))
    .datasource(source('prometheus'))
    .unit(about.unit)
    .span(about.width)
    .height(about.height)
    .links([selfLink(about.board, about.id)])
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(common.BigValueTextMode.ValueAndName)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))

export const tablePanel = (about: About): table.PanelBuilder =>
  new table.PanelBuilder()
    .id(about.id)
    .title(about.title)
    .description(description(about))
    .datasource(source('prometheus'))
    .unit(about.unit)
    .span(about.width)
    .height(about.height)
    .links([selfLink(about.board, about.id)])

/** Steps from low to high; the first one has no lower bound. */
export const steps = (...all: [number | null, string][]): dashboard.ThresholdsConfigBuilder =>
  new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(all.map(([value, color]) => ({ value, color })))

/** A query over the panel's range. */
export const ranged = (refId: string, expr: string, legend: string): prometheus.DataqueryBuilder =>
  new prometheus.DataqueryBuilder().refId(refId).datasource(source('prometheus')).expr(expr).legendFormat(legend).range()

/** A query at the end of the range. */
export const instant = (refId: string, expr: string, legend: string): prometheus.DataqueryBuilder =>
  new prometheus.DataqueryBuilder().refId(refId).datasource(source('prometheus')).expr(expr).legendFormat(legend).instant()
