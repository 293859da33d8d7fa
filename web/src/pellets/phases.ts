/** The phases of packing, in order, as a person reads them. */
import type { Operation, Step } from '../api/types'

export const phases = [
  { id: 'walk', label: 'Walk' },
  { id: 'pack', label: 'Pack' },
  { id: 'seal', label: 'Seal' },
  { id: 'record', label: 'Record' },
] as const satisfies readonly { id: Step; label: string }[]

export type StepState = 'done' | 'now' | 'ahead' | 'failed'

/** The state of each phase. */
export function stepStates(operation: Pick<Operation, 'state' | 'phase'>): StepState[] {
  if (operation.state === 'succeeded') return phases.map(() => 'done')
  const at = phases.findIndex((phase) => phase.id === operation.phase)
  return phases.map((_, index) => {
    if (index < at) return 'done'
    if (index > at) return 'ahead'
    return operation.state === 'failed' ? 'failed' : 'now'
  })
}
