import { type Objective, burn, burnRate } from './model'
import { burnText, times } from './words'

/** Whether the budget burns, in a word and a rate. */
export function BurnMark({ objective }: { objective: Objective }) {
  const state = burn(objective)
  return (
    <>
      <span className={`burn burn-${state}`}>{burnText[state]}</span> <span className="dim">{times(burnRate(objective))}</span>
    </>
  )
}
