/** Rules about a dashboard as a whole and its variables; the first words are Grafana's linter's names where it has them. */
import { type Dashboard, panelsOf } from './model.js'

const text = (query: string | { query?: string } | undefined): string => (typeof query === 'string' ? query : (query?.query ?? ''))

export function templateDatasource(board: Dashboard): string[] {
  const sources = board.templating.list.filter(({ type }) => type === 'datasource')
  if (sources.length === 0) {
    return ['no data source is a variable']
  }
  return sources.flatMap((variable) => {
    const kind = text(variable.query)
    const names = sources.length === 1 ? [`${kind}_datasource`, 'datasource'] : [`${kind}_datasource`]
    const label = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} data source`
    const labels = sources.length === 1 ? [label, 'Data source'] : [label]
    return [
      ...(names.includes(variable.name) ? [] : [`the variable ${variable.name} is to be called ${names.join(' or ')}`]),
      ...(labels.includes(variable.label ?? '') ? [] : [`the variable ${variable.name} is to be labelled ${labels.join(' or ')}`]),
    ]
  })
}

/** Job and instance, where a panel asks for series of a process. */
export function templateJobInstance(board: Dashboard): string[] {
  const needed = panelsOf(board).some(({ targets }) => (targets ?? []).some(({ expr }) => /\b(job|instance)=~"\$/.test(expr ?? '')))
  return (needed ? ['job', 'instance'] : []).flatMap((name) => {
    const variable = board.templating.list.find((candidate) => candidate.name === name)
    if (variable === undefined) {
      return [`no variable ${name}`]
    }
    return variable.multi === true && variable.includeAll === true && variable.allValue === '.+'
      ? []
      : [`the variable ${name} is to take several values, and all as .+`]
  })
}

export const templateReload = (board: Dashboard): string[] =>
  board.templating.list.filter(({ type, refresh }) => type === 'query' && refresh !== 2).map(({ name }) => `the variable ${name} is not looked up when the time range changes`)

export const templateSource = (board: Dashboard): string[] =>
  board.templating.list
    .filter(({ type, datasource }) => type === 'query' && !/^\$\{\w+_datasource\}$/.test(datasource?.uid ?? ''))
    .map(({ name }) => `the variable ${name} asks a fixed data source`)

/** A variable that nothing mentions only looks as if it chose something. */
export function templateUnused(board: Dashboard): string[] {
  const all = JSON.stringify(board)
  return board.templating.list
    .filter(({ name }) => !new RegExp(`\\$(${name}\\b|\\{${name}[:}])`).test(all))
    .map(({ name }) => `nothing mentions the variable ${name}`)
}

/** A variable that does not exist stays as text in the query. */
export function templateUnknown(board: Dashboard): string[] {
  const known = new Set(board.templating.list.map(({ name }) => name))
  const used = [...JSON.stringify(board).matchAll(/\$(?:\{(\w+)[^}]*\}|(\w+))/g)].map((match) => match[1] ?? match[2] ?? '')
  // $1 is a group of a regular expression.
  return [...new Set(used)].filter((name) => !known.has(name) && !name.startsWith('__') && !/^\d$/.test(name)).map((name) => `there is no variable ${name}`)
}

export const uneditable = (board: Dashboard): string[] => (board.editable === false ? [] : ['edits in Grafana would be lost: it is to be read-only'])

export function identity(board: Dashboard): string[] {
  return [
    ...(/^[a-z0-9-]{1,40}$/.test(board.uid ?? '') ? [] : ['the uid is to be of small letters, digits and hyphens, at most 40']),
    ...(board.id === undefined ? [] : ['an id belongs to one Grafana']),
    ...(board.version === undefined ? [] : ['a version belongs to one Grafana']),
  ]
}

export function layout(board: Dashboard): string[] {
  const found: string[] = []
  const all = board.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])
  const ids = all.map(({ id }) => id)
  if (ids.some((id) => !Number.isInteger(id) || id <= 0) || new Set(ids).size !== ids.length) {
    found.push('every panel needs an id of its own: links carry it')
  }
  const taken = new Map<string, string>()
  for (const { title, gridPos } of board.panels) {
    if (gridPos === undefined || gridPos.x + gridPos.w > 24) {
      found.push(`${title}: outside the grid of 24 columns`)
      continue
    }
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        const other = taken.get(`${x},${y}`)
        if (other !== undefined && other !== title) {
          found.push(`${title}: lies over ${other}`)
        }
        taken.set(`${x},${y}`, title ?? '')
      }
    }
  }
  return [...new Set(found)]
}
