import { timerFunction } from '../lib/timer.js';
import { reapLeases } from '../operations/reapLeases.js';

export const handler = timerFunction('reapLeases', '*/5 * * * * *', async (deps) => {
  await reapLeases(deps);
});
