/** Renders the real routes at an address, for tests. */
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider, createMemoryHistory, createRouter } from '@tanstack/react-router'
import { configure, render } from '@testing-library/react'
import { queryClient } from '../app/queries'
import { routeTree } from '../app/router'

// A deadline, not a wish: on a busy machine the first page of a file of tests takes seconds to load.
configure({ asyncUtilTimeout: 20_000 })

export function show(address: string) {
  const router = createRouter({ routeTree, history: createMemoryHistory({ initialEntries: [address] }) })
  render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  )
  return router
}
