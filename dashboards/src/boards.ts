import type { Board } from './house/board.js'
import { sloBoard } from './slo/board.js'

/** Every dashboard there is. */
export const boards = (): Board[] => [sloBoard()]
