import { useEffect, useState } from 'react'

/** The time, renewed every `everyMs` while `running`. */
export function useNow(everyMs: number, running = true): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    if (!running) return undefined
    const timer = setInterval(() => setNow(new Date()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs, running])
  return now
}
