import { useSyncExternalStore } from 'react'
import { CompressForm } from '../pellets/CompressForm'
import { OperationCard } from '../pellets/OperationCard'
import { PelletTable } from '../pellets/PelletTable'
import { started } from '../pellets/started'
import { useTitle } from '../ui/useTitle'

/** Compress, what runs, what is there. */
export function PelletsPage() {
  useTitle('Pellets')
  const running = useSyncExternalStore(started.subscribe, started.list)
  return (
    <section className="page">
      <h1>Pellets</h1>
      <CompressForm />
      {running.map((id) => (
        <OperationCard key={id} id={id} />
      ))}
      <PelletTable />
    </section>
  )
}
