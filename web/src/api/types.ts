/** Shapes of the Engine's API, by the names this page uses; all from its OpenAPI file. */
import type { components } from './schema.gen'

type Schemas = components['schemas']

export type CompressRequest = Schemas['CompressRequest']
export type Operation = Schemas['Operation']
export type Pellet = Schemas['Pellet']
export type PelletPage = Schemas['PelletPage']
export type Profile = Schemas['PackProfile']
export type Progress = Schemas['Progress']
export type Step = Schemas['Step']
export type Ticket = Schemas['WsTicket']

/** A problem as this page shows it: the Engine's, or one the page itself has with reaching it. */
export type Problem = Omit<Schemas['Problem'], 'code' | 'detail'> & { code: string; detail?: string }
