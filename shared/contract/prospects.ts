/** What an explanation says of a job's future. Types alone are imported: the console's bundle carries no schemas. */
import type { Block, Explanation } from './explanation.js';

/** What waiting does not change: the fleet has to. */
const LASTING: readonly Block['kind'][] = ['capability', 'target', 'product'];

/** Whether no factory that is there now could ever run the waiting job; also true of a fleet without any. */
export const isStranded = ({ state, factories }: Pick<Explanation, 'state' | 'factories'>): boolean =>
  state === 'unroutable' ||
  (state === 'waiting' && factories.every(({ blocks }) => blocks.some(({ kind }) => LASTING.includes(kind))));
