/** Addresses of the Engine's endpoints; a template that its OpenAPI file does not have does not compile. */
import type { paths } from './schema.gen'

export function path(template: keyof paths, values: Readonly<Record<string, string>> = {}): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}

/** A path of Perch's API, given in segments, through the Engine. */
export const perchPath = (...segments: readonly string[]) =>
  ('/api/perch/{path}' satisfies keyof paths).replace('{path}', () => segments.map(encodeURIComponent).join('/'))
