/** The addresses of the page. What a person can see has an address; what is heavy loads when it is first asked for. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { PelletPage } from '../pages/PelletPage'
import { PelletsPage } from '../pages/PelletsPage'
import { Shell } from './Shell'
import { BrokenPage, MissingPage } from './fallbacks'
import { readSearch } from '../traces/search'

const root = createRootRoute({ component: Shell, notFoundComponent: MissingPage, errorComponent: BrokenPage })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/pellets', replace: true })
  },
})

const pellets = createRoute({ getParentRoute: () => root, path: '/pellets', component: PelletsPage })

const pellet = createRoute({ getParentRoute: () => root, path: '/pellets/$digest', component: PelletPage })

const traces = createRoute({
  getParentRoute: () => root,
  path: '/traces',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('../pages/TracesPage'), 'TracesPage'),
})

const trace = createRoute({
  getParentRoute: () => root,
  path: '/traces/$traceId',
  component: lazyRouteComponent(() => import('../pages/TracePage'), 'TracePage'),
})

const objectives = createRoute({
  getParentRoute: () => root,
  path: '/objectives',
  component: lazyRouteComponent(() => import('../pages/ObjectivesPage'), 'ObjectivesPage'),
})

const objective = createRoute({
  getParentRoute: () => root,
  path: '/objectives/$id',
  component: lazyRouteComponent(() => import('../pages/ObjectivePage'), 'ObjectivePage'),
})

export const routeTree = root.addChildren([home, pellets, pellet, traces, trace, objectives, objective])

export const router = createRouter({ routeTree, defaultErrorComponent: BrokenPage, defaultPreload: 'intent' })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
