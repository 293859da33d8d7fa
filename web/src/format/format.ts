/** Numbers, times and ids as people read them. Locale-free on purpose: the same text in a test, a screenshot and a report. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** 1536 → "1.5 KiB". */
export function bytes(n: number): string {
  if (!Number.isFinite(n) || n < 0) return '–'
  let rest = n
  let unit = 0
  // 1023.95 would round up to "1024.0".
  while (rest >= 1023.95 && unit < units.length - 1) {
    rest /= 1024
    unit += 1
  }
  return unit === 0 ? `${Math.round(rest)} B` : `${rest.toFixed(rest < 99.95 ? 1 : 0)} ${units[unit] ?? ''}`
}

/** 1234567 → "1 234 567", with thin no-break spaces. */
export function count(n: number): string {
  if (!Number.isFinite(n)) return '–'
  return Math.round(n).toString().replaceAll(/\B(?=(\d{3})+$)/g, '\u202F')
}

/** Microseconds → "1.24 ms"; three digits that matter. */
export function micros(us: number): string {
  if (!Number.isFinite(us)) return '–'
  if (us < 0) return `−${micros(-us)}`
  if (us < 999.5) return `${Math.round(us)} µs`
  if (us < 999_500) return `${three(us / 1000)} ms`
  if (us < 59_995_000) return `${three(us / 1e6)} s`
  const seconds = Math.round(us / 1e6)
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

const three = (n: number) => n.toFixed(n < 9.995 ? 2 : n < 99.95 ? 1 : 0)

export const millis = (ms: number) => micros(ms * 1000)

/** in : out, as "4.2 ×". */
export const ratio = (n: number) => (Number.isFinite(n) && n > 0 ? `${n.toFixed(n < 9.95 ? 2 : 1)} ×` : '–')

/** 0…100, whole; undefined where the total is not known yet. Never 100 before all is done. */
export function percent(done: number, total: number): number | undefined {
  if (!(total > 0) || !(done >= 0)) return undefined
  return done >= total ? 100 : Math.min(99, Math.floor((done / total) * 100))
}

/** "just now", "3 min ago", then the date. */
export function ago(when: Date, now: Date): string {
  const seconds = (now.getTime() - when.getTime()) / 1000
  if (Number.isNaN(seconds)) return '–'
  if (seconds < 10) return 'just now'
  if (seconds < 60) return `${Math.floor(seconds)} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return day(when)
}

const two = (n: number) => String(n).padStart(2, '0')

/** Local date and minute, ISO order. */
export function day(when: Date): string {
  if (Number.isNaN(when.getTime())) return '–'
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${two(when.getHours())}:${two(when.getMinutes())}`
}

/** Local time of day with milliseconds. */
export function clock(when: Date): string {
  if (Number.isNaN(when.getTime())) return '–'
  return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}.${String(when.getMilliseconds()).padStart(3, '0')}`
}

/** The first digits of an id or digest, enough to tell rows apart. */
export const short = (id: string) => (id.length > 12 ? id.slice(0, 12) : id)
