/** The operations started in this tab, newest first; they survive a reload. */
const storageKey = 'nestr.started'
const most = 8

let cached: readonly string[] | undefined
const listeners = new Set<() => void>()

function load(): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? '[]')
    return Array.isArray(parsed) ? parsed.filter((id): id is string => typeof id === 'string').slice(0, most) : []
  } catch {
    return []
  }
}

function save(ids: readonly string[]) {
  cached = ids
  sessionStorage.setItem(storageKey, JSON.stringify(ids))
  for (const listener of listeners) listener()
}

export const started = {
  list: (): readonly string[] => (cached ??= load()),
  add: (id: string) => save([id, ...started.list().filter((known) => known !== id)].slice(0, most)),
  remove: (id: string) => save(started.list().filter((known) => known !== id)),
  subscribe(listener: () => void) {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  },
}
