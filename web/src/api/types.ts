/** Shapes of the Engine's API. */

export interface Problem {
  type: string
  title: string
  status: number
  code: string
  detail?: string
  instance?: string
  trace_id?: string
  hint?: string
}

export interface Progress {
  bytes_done: number
  bytes_total: number
  entries_done: number
  entries_total: number
}

export interface Operation {
  id: string
  kind: string
  state: 'running' | 'succeeded' | 'failed'
  phase: string
  progress: Progress
  trace_id: string
  started_at: string
  finished_at?: string
  result?: { digest: string }
  error?: Problem
}

export interface Pellet {
  digest: string
  name: string
  tree: string
  profile: string
  origin: { path: string }
  entries: number
  bytes_in: number
  bytes_out: number
  ratio: number
  created_at: string
  duration_ms: number
  trace_id: string
}

export interface PelletPage {
  items: Pellet[]
  next_cursor?: string
}

export interface CompressRequest {
  path: string
  name?: string
  profile?: string
}

export interface Ticket {
  ticket: string
  expires_at: string
}
