import { timerFunction } from '../lib/timer.js';
import { tellBreaches } from '../operations/tellBreaches.js';

/** Every minute, away from the other timers: the shortest time that a priority allows is five. */
export const handler = timerFunction('tellBreaches', '45 * * * * *', async (deps) => {
  await tellBreaches(deps);
});
