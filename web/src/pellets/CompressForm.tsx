/** Starts a compress: path, name, profile. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { compress } from '../api/endpoints'
import { keys } from '../api/keys'
import type { ApiError } from '../api/problem'
import type { CompressRequest, Operation, Profile } from '../api/types'
import { ProblemBox } from '../ui/ProblemBox'
import { started } from './started'

/** What the Engine offers; the empty choice leaves it to the Engine. */
const profiles: readonly Profile[] = ['seekable', 'dense']

interface Form {
  path: string
  name: string
  profile: Profile | ''
}

function request(form: Form): CompressRequest {
  return {
    path: form.path.trim(),
    ...(form.name.trim() === '' ? {} : { name: form.name.trim() }),
    ...(form.profile === '' ? {} : { profile: form.profile }),
  }
}

export function CompressForm() {
  const ids = { path: useId(), name: useId(), profile: useId(), hint: useId() }
  const [form, setForm] = useState<Form>({ path: '', name: '', profile: '' })
  const client = useQueryClient()
  const start = useMutation<Operation, ApiError, CompressRequest>({
    mutationFn: compress,
    onSuccess: (operation) => {
      client.setQueryData(keys.operation(operation.id), operation)
      started.add(operation.id)
    },
  })

  function submit(event: FormEvent) {
    event.preventDefault()
    start.mutate(request(form))
  }

  const set = (key: 'path' | 'name') => (event: { target: { value: string } }) => setForm({ ...form, [key]: event.target.value })
  return (
    <form className="card compress" onSubmit={submit} aria-label="Compress a tree">
      <div className="field grow">
        <label htmlFor={ids.path}>Folder to pack</label>
        <input
          id={ids.path}
          className="mono"
          value={form.path}
          onChange={set('path')}
          placeholder="/home/me/project/node_modules"
          aria-describedby={ids.hint}
          autoComplete="off"
          spellCheck={false}
          required
        />
      </div>
      <div className="field">
        <label htmlFor={ids.name}>Name</label>
        <input id={ids.name} value={form.name} onChange={set('name')} placeholder="from the folder" autoComplete="off" spellCheck={false} />
      </div>
      <div className="field">
        <label htmlFor={ids.profile}>Profile</label>
        <select id={ids.profile} value={form.profile} onChange={({ target }) => setForm({ ...form, profile: profiles.find((known) => known === target.value) ?? '' })}>
          <option value="">default</option>
          {profiles.map((profile) => (
            <option key={profile}>{profile}</option>
          ))}
        </select>
      </div>
      <button type="submit" className="button primary" disabled={start.isPending || form.path.trim() === ''}>
        {start.isPending ? 'Starting…' : 'Compress'}
      </button>
      <p id={ids.hint} className="dim whole">
        A full path beneath one of the Engine’s roots (<code>nestr serve --root DIR</code>).
      </p>
      {start.error && (
        <div className="whole">
          <ProblemBox problem={start.error.problem} traced={start.error.traced} />
        </div>
      )}
    </form>
  )
}
