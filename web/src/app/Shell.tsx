/** The frame around every page: sign-in without a token, else the bar and the page. */
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { token } from '../auth/token'
import { SignInPage } from '../pages/SignInPage'
import { followToken, useLivePhase } from './live'

const liveText = {
  open: ['live', 'Events arrive as they happen'],
  asking: ['connecting', 'Connecting to the event stream'],
  opening: ['connecting', 'Connecting to the event stream'],
  waiting: ['reconnecting', 'The event stream broke; trying again. Progress is polled meanwhile'],
  stopped: ['offline', 'No event stream'],
} as const

function LiveMark() {
  const [word, title] = liveText[useLivePhase()]
  return (
    <span className={`live live-${word}`} title={title} role="status">
      {word}
    </span>
  )
}

/** After a change of page the keyboard continues at the new one, as it would after a full load. */
function Main() {
  const main = useRef<HTMLElement>(null)
  const path = useLocation({ select: ({ pathname }) => pathname })
  const shown = useRef(path)
  useEffect(() => {
    if (shown.current !== path) main.current?.focus()
    shown.current = path
  }, [path])
  return (
    <main id="main" tabIndex={-1} ref={main}>
      <Outlet />
    </main>
  )
}

export function Shell() {
  const bearer = useSyncExternalStore(token.subscribe, token.get)
  useEffect(followToken, [])
  if (bearer === undefined) return <SignInPage />
  return (
    <>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="bar">
        <Link to="/pellets" className="brand">
          <img src="/favicon.svg" alt="" width="20" height="20" />
          Nestr
        </Link>
        <nav aria-label="Main">
          <Link to="/pellets">Pellets</Link>
          <Link to="/traces">Traces</Link>
          <Link to="/objectives">Objectives</Link>
        </nav>
        <LiveMark />
        <button type="button" className="button quiet" onClick={() => token.drop()}>
          Sign out
        </button>
      </header>
      <Main />
    </>
  )
}
