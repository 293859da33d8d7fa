/** Rules about links: where each leads exists, and the time range goes along. */
import { type Dashboard, linksOf, panelsOf } from './model.js'

/** Grafana's own words in links. */
const builtIn = /^__(from|to|url_time_range|all_variables|field\.labels\.\w+|data\.fields\.\w+|value\.raw)$/

export function links(board: Dashboard, all: Dashboard[]): string[] {
  const variables = new Set(board.templating.list.map(({ name }) => name))
  const check = (url: string): string[] => {
    const names = [...url.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1] ?? '')
    const unknown = names.filter((name) => !builtIn.test(name) && !variables.has(name)).map((name) => `there is no ${name}`)
    return [...unknown, ...target(url, all)]
  }
  return panelsOf(board).flatMap((panel) => linksOf(panel).flatMap(({ title, url = '' }) => check(url).map((fault) => `${panel.title}: ${title}: ${fault}`)))
}

function target(url: string, all: Dashboard[]): string[] {
  if (url.startsWith('/d/')) {
    const [, uid, query = ''] = /^\/d\/([\w-]+)\?(.*)$/.exec(url) ?? []
    const board = all.find((candidate) => candidate.uid === uid)
    const panel = /viewPanel=(\d+)/.exec(query)?.[1]
    return [
      ...(board === undefined ? [`no dashboard has the uid ${uid}`] : []),
      ...(board !== undefined && panel !== undefined && !panelsOf(board).some(({ id }) => String(id) === panel) ? [`no panel has the id ${panel}`] : []),
      ...(query.includes('${__url_time_range}') ? [] : ['the time range stays behind']),
    ]
  }
  if (url.startsWith('/explore?')) {
    return explored(url)
  }
  return url.startsWith('${runbooks}/') ? [] : [`${url} leads out of what is known`]
}

function explored(url: string): string[] {
  const panes = new URLSearchParams(url.slice(url.indexOf('?'))).get('panes') ?? ''
  let panel: { datasource?: string; range?: { from?: string; to?: string }; queries?: { datasource?: { uid?: string } }[] }
  try {
    panel = (JSON.parse(panes) as { a: typeof panel }).a
  } catch {
    return ['Explore cannot read its panes']
  }
  return [
    ...(/^\$\{\w+_datasource\}$/.test(panel.datasource ?? '') ? [] : ['the data source is fixed']),
    ...(panel.queries?.every(({ datasource }) => datasource?.uid === panel.datasource) ? [] : ['the query asks another data source']),
    ...(panel.range?.from === '${__from}' && panel.range.to === '${__to}' ? [] : ['the time range stays behind']),
  ]
}
