import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'

/** A dashboard and the file it is rendered to, without `.json`. */
export interface Board {
  name: string
  dashboard: Dashboard
}
