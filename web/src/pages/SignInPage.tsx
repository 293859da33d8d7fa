/** Asks for a token, tries it on the Engine, and says plainly why one does not work. */
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { tryToken } from '../api/endpoints'
import { type ApiError, toApiError } from '../api/problem'
import { type TokenLook, lookAt, token } from '../auth/token'
import { day } from '../format/format'
import { ProblemBox } from '../ui/ProblemBox'

function Complaint({ look }: { look: TokenLook }) {
  if (look.kind === 'plausible') return null
  return (
    <div className="note bad" role="alert">
      {look.kind === 'expired' ? `This token expired on ${day(look.at)}. Make a new one.` : look.why}
    </div>
  )
}

export function SignInPage() {
  const field = useId()
  const hint = useId()
  const [pasted, setPasted] = useState('')
  const [look, setLook] = useState<TokenLook>({ kind: 'plausible' })
  const trial = useMutation<unknown, ApiError, string>({
    mutationFn: async (candidate) => {
      try {
        await tryToken(candidate)
      } catch (thrown) {
        throw toApiError(thrown, false)
      }
    },
    onSuccess: (_, candidate) => token.set(candidate),
  })

  function submit(event: FormEvent) {
    event.preventDefault()
    const candidate = pasted.trim().replace(/^Bearer\s+/i, '')
    const seen = lookAt(candidate, new Date())
    setLook(seen)
    trial.reset()
    if (seen.kind === 'plausible') trial.mutate(candidate)
  }

  const farewell = token.farewell()
  return (
    <main className="sign-in">
      <form className="card" onSubmit={submit}>
        <h1>
          <img src="/favicon.svg" alt="" width="28" height="28" />
          Sign in to Nestr
        </h1>
        {farewell !== undefined && trial.isIdle && (
          <div className="note bad" role="alert">
            The Engine no longer takes the token. {farewell}
          </div>
        )}
        <label htmlFor={field}>Token</label>
        <textarea
          id={field}
          className="mono"
          rows={4}
          value={pasted}
          onChange={(event) => setPasted(event.target.value)}
          aria-describedby={hint}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          required
        />
        <p id={hint} className="dim">
          <code>nestr token create</code> prints one. It stays in this tab and goes when the tab closes.
        </p>
        <Complaint look={look} />
        {trial.error && <ProblemBox problem={trial.error.problem} />}
        <button type="submit" className="button primary" disabled={trial.isPending || pasted.trim() === ''}>
          {trial.isPending ? 'Trying…' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}
