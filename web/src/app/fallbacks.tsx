/** Pages for an address that leads nowhere and for a fault of the page itself. */
import { Link } from '@tanstack/react-router'

export function MissingPage() {
  return (
    <section className="page">
      <h1>Nothing here</h1>
      <p>
        This address leads to no page. <Link to="/pellets">Go to the Pellets</Link>.
      </p>
    </section>
  )
}

export function BrokenPage({ error }: { error: unknown }) {
  return (
    <section className="page" role="alert">
      <h1>This page broke</h1>
      <p>The fault lies in the page, not in the Engine; nothing that runs there was touched. Loading it again helps mostly.</p>
      <p className="mono">{error instanceof Error ? error.message : String(error)}</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        Load again
      </button>
    </section>
  )
}
