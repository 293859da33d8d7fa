/**
 * The bearer token of this tab: in sessionStorage, never in an address.
 *
 * Not here: checking the signature. The Engine alone decides; what is read from the token here only words a message.
 */
const storageKey = 'nestr.token'

type Listener = () => void
const listeners = new Set<Listener>()

/** Why the last token was given up, in words for the sign-in page. */
let farewell: string | undefined

function tell() {
  for (const listener of listeners) listener()
}

export const token = {
  get(): string | undefined {
    return sessionStorage.getItem(storageKey) ?? undefined
  },
  set(value: string) {
    farewell = undefined
    sessionStorage.setItem(storageKey, value)
    tell()
  },
  drop(reason?: string) {
    farewell = reason
    sessionStorage.removeItem(storageKey)
    tell()
  },
  farewell: () => farewell,
  subscribe(listener: Listener) {
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  },
}

export type TokenLook = { kind: 'plausible' } | { kind: 'malformed'; why: string } | { kind: 'expired'; at: Date }

function payload(part: string): unknown {
  try {
    const text = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.codePointAt(0) ?? 0)))
  } catch {
    return undefined
  }
}

/** Looks at a pasted token before it is sent, so that a truncated or stale paste gets a plain answer. */
export function lookAt(pasted: string, now: Date): TokenLook {
  const parts = pasted.split('.')
  if (parts.length !== 3 || parts.some((part) => !/^[\w-]+$/.test(part))) {
    return { kind: 'malformed', why: 'A token has three parts joined by dots; this text does not.' }
  }
  const claims = payload(parts[1] ?? '')
  if (typeof claims !== 'object' || claims === null) {
    return { kind: 'malformed', why: 'The middle part of this token cannot be read; it may have been cut while copying.' }
  }
  const { exp } = claims as { exp?: unknown }
  if (typeof exp === 'number' && exp * 1000 <= now.getTime()) return { kind: 'expired', at: new Date(exp * 1000) }
  return { kind: 'plausible' }
}
