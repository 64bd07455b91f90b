/** What an explanation says of a job's future. Types alone are imported: the console's bundle carries no schemas. */
import type { Block, Explanation } from './explanation.js';

/** What stands before `wouldPlace`: no factory takes what is blocked, whatever is done to the fleet. */
export const changeLabel = ({ state }: Pick<Explanation, 'state'>): string =>
  state === 'blocked' ? 'What would let it go on' : 'What would place it';

/** What waiting does not change: somebody has to. */
const LASTING: readonly Block['kind'][] = ['capability', 'target', 'product', 'status', 'switch', 'paused'];

/** Whether the waiting job stays where it is until somebody acts; also true of a fleet without any factory. */
export const isStranded = ({ state, factories }: Pick<Explanation, 'state' | 'factories'>): boolean =>
  state === 'unroutable' ||
  (state === 'waiting' && factories.every(({ blocks }) => blocks.some(({ kind }) => LASTING.includes(kind))));
