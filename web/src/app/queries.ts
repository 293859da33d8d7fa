/** The query client: what is worth a second try and how long an answer stays fresh. */
import { QueryClient } from '@tanstack/react-query'
import { ApiError } from '../api/problem'

/** A refusal stays a refusal; no reply and a 5xx may pass. */
export const worthRetry = (nFailures: number, error: Error) =>
  nFailures < 2 && !(error instanceof ApiError && error.problem.status >= 400 && error.problem.status < 500)

export const queryClient = new QueryClient({
  defaultOptions: {
    // The Engine is mostly on this very machine: whether the browser believes to be online says nothing.
    queries: { retry: worthRetry, staleTime: 5000, networkMode: 'always', refetchOnWindowFocus: true },
    mutations: { retry: false, networkMode: 'always' },
  },
})
