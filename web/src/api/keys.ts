/** Query keys; the first word names what an event can make stale. */
export const keys = {
  pellets: ['pellets'] as const,
  pelletList: (tree?: string) => ['pellets', 'list', tree ?? ''] as const,
  pellet: (digest: string) => ['pellets', 'one', digest] as const,
  operations: ['operations'] as const,
  operation: (id: string) => ['operations', id] as const,
  traces: ['traces'] as const,
  traceSearch: (filter: object) => ['traces', 'search', filter] as const,
  trace: (id: string) => ['traces', 'one', id] as const,
  traceLogs: (id: string) => ['traces', 'logs', id] as const,
  services: ['services'] as const,
  objectiveList: ['objectives', 'list'] as const,
  objective: (id: string) => ['objectives', 'one', id] as const,
}
