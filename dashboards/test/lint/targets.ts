/** Rules about one query. Which metrics exist is judged by `cargo xtask queries`; whether it answers, by a real Prometheus. */
import type { Target } from './model.js'

const selectors = (expr: string): { name: string; matchers: string; after: string }[] =>
  [...expr.matchAll(/([a-zA-Z_:][\w:]*)?\{((?:"(?:[^"\\]|\\.)*"|[^{}"])*)\}(\[[^\]]*\])?/g)]
    .filter((match) => expr[(match.index ?? 0) - 1] !== '$')
    .map(([, name = '', matchers = '', after = '']) => ({ name: name || (/__name__=~?"([^"]*)"/.exec(matchers)?.[1] ?? ''), matchers, after }))

/** Series of rules and alerts carry no process; all others do. */
const ofProcess = (name: string): boolean => !name.startsWith('slo:') && !['ALERTS', 'sloth_slo_info'].includes(name)

export const jobAndInstance = ({ expr = '' }: Target): string[] =>
  selectors(expr)
    .filter(({ name }) => ofProcess(name))
    .flatMap(({ name, matchers }) => ['job', 'instance'].filter((label) => !matchers.includes(`${label}=~"$${label}"`)).map((label) => `${name} is not chosen by ${label}`))

export const objectives = ({ expr = '' }: Target): string[] =>
  selectors(expr)
    .filter(({ name, matchers }) => !ofProcess(name) && !(matchers.includes('sloth_service=~"$service"') && matchers.includes('sloth_slo=~"$slo"')))
    .map(({ name }) => `${name} is not chosen by service and objective`)

/** A fixed window under rate() breaks when the scrape interval or the zoom changes. */
export const rateInterval = ({ expr = '' }: Target): string[] =>
  [...expr.matchAll(/\b(i?rate)\(/g)].flatMap(({ index = 0 }) => {
    const window = /\[([^\]]*)\]/.exec(expr.slice(index))?.[1]
    return window === '$__rate_interval' ? [] : [`a rate over ${window} instead of $__rate_interval`]
  })

export const counterAggregated = ({ expr = '' }: Target): string[] =>
  selectors(expr)
    .filter(({ name, after }) => name.endsWith('_total') && after === '')
    .map(({ name }) => `${name} is a counter and needs rate or increase`)

export const histogramSummed = ({ expr = '' }: Target): string[] =>
  expr.includes('histogram_quantile(') && !/sum by \([^)]*\ble\b/.test(expr) ? ['a quantile needs its buckets summed by le'] : []

export const visible = ({ hide, refId }: Target): string[] => (hide === true ? [`query ${refId} is hidden`] : [])
