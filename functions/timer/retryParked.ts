import { retryParked } from '../operations/retryParked.js';
import { timerFunction } from '../lib/timer.js';

/** Between the turns of the sweeper. */
export const handler = timerFunction('retryParked', '15 * * * * *', async (deps) => {
  await retryParked(deps);
});
