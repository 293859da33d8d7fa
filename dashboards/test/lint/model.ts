/** What the rules read of a rendered dashboard: Grafana's classic model, as JSON gives it. */
import { readFileSync, readdirSync } from 'node:fs'

export interface Ref {
  type?: string
  uid?: string
}

export interface Target {
  refId: string
  expr?: string
  legendFormat?: string
  datasource?: Ref
  hide?: boolean
  exemplar?: boolean
  instant?: boolean
  format?: string
}

export interface Link {
  title: string
  url?: string
}

export interface Property {
  id: string
  value?: unknown
}

export interface Panel {
  id: number
  type: string
  title?: string
  description?: string
  datasource?: Ref
  gridPos?: { x: number; y: number; w: number; h: number }
  targets?: Target[]
  links?: Link[]
  panels?: Panel[]
  fieldConfig?: {
    defaults?: { unit?: string; links?: Link[]; thresholds?: { steps: { value: number | null; color: string }[] } }
    overrides?: { matcher: { id: string; options?: unknown }; properties: Property[] }[]
  }
}

export interface Variable {
  name: string
  type: string
  label?: string
  query?: string | { query?: string }
  refresh?: number
  multi?: boolean
  includeAll?: boolean
  allValue?: string
  datasource?: Ref
}

export interface Dashboard {
  id?: number
  uid?: string
  version?: number
  title?: string
  editable?: boolean
  panels: Panel[]
  templating: { list: Variable[] }
  annotations?: { list?: { name: string; expr?: string; datasource?: Ref }[] }
}

/** Panels that show something, also those inside closed rows. */
export const panelsOf = (board: Dashboard): Panel[] =>
  board.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]).filter((panel) => panel.type !== 'row')

/** Every link of a panel: its own, those of its data, those of single fields. */
export const linksOf = (panel: Panel): Link[] => [
  ...(panel.links ?? []),
  ...(panel.fieldConfig?.defaults?.links ?? []),
  ...(panel.fieldConfig?.overrides ?? []).flatMap(({ properties }) => properties.filter(({ id }) => id === 'links').flatMap(({ value }) => value as Link[])),
]

export const rendered = (): [string, Dashboard][] =>
  readdirSync('rendered')
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, JSON.parse(readFileSync(`rendered/${name}`, 'utf8')) as Dashboard])
