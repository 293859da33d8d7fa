/** Objectives in words. */
import type { Burn } from './model'

/** 0.4231 → "42.3 %"; never rounded up to a whole budget or down to an empty one. */
export function share(part: number): string {
  if (!Number.isFinite(part)) return '–'
  if (part > 0 && part < 0.0005) return '< 0.1 %'
  if (part < 1 && part >= 0.9995) return '> 99.9 %'
  return `${(part * 100).toFixed(1).replace('-', '−')} %`
}

/** How many times faster than allowed, as "14.4 ×". */
export const times = (rate: number) => (Number.isFinite(rate) ? `${rate.toFixed(rate < 9.95 ? 2 : 1)} ×` : '–')

/** "30d" → "30 days", "this_month" → "this month". */
export function period(length: string): string {
  const found = /^(\d+)([mhdw])$/.exec(length)
  const unit = { m: 'minute', h: 'hour', d: 'day', w: 'week' }[found?.[2] ?? '']
  if (!found?.[1] || !unit) return length.replaceAll('_', ' ')
  return `${found[1]} ${unit}${found[1] === '1' ? '' : 's'}`
}

export const burnText: Readonly<Record<Burn, string>> = {
  page: 'burning fast',
  ticket: 'burning',
  info: 'burning slowly',
  calm: 'calm',
  unknown: 'unknown',
}
