/** Which part of a list of equal rows is on screen, and the marks of a time axis. */

export interface Window {
  readonly first: number
  /** One past the last. */
  readonly last: number
}

export function windowOf(scrollTop: number, height: number, rowHeight: number, n: number, spare = 8): Window {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare)
  const last = Math.min(n, Math.ceil((scrollTop + height) / rowHeight) + spare)
  return { first: Math.min(first, n), last: Math.max(last, Math.min(first, n)) }
}

/** Where to scroll so that row `position` is seen whole; unchanged where it is already. */
export function scrollTo(position: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = position * rowHeight
  if (top < scrollTop) return top
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height
  return scrollTop
}

/** At most `most` round marks over 0…total: 1, 2 or 5 times a power of ten. */
export function ticks(total: number, most: number): number[] {
  if (!(total > 0) || most < 2) return [0]
  const rough = total / (most - 1)
  const power = 10 ** Math.floor(Math.log10(rough))
  const stepSize = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  return Array.from({ length: Math.floor(total / stepSize + 1e-9) + 1 }, (_, index) => index * stepSize)
}

/** A bar's place in percent of the trace; at least a hair wide, never past the edge. */
export function barOf(start: number, duration: number, total: number): { left: number; width: number } {
  const left = Math.min(100, Math.max(0, (start / total) * 100))
  return { left, width: Math.max(0.05, Math.min(100 - left, (duration / total) * 100)) }
}
