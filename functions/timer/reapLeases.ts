import { timerFunction } from '../lib/timer.js';
import { reapLeases } from '../operations/reapLeases.js';

/** Seconds between two looks: the schedule's. */
const EVERY_SECONDS = 5;

export const handler = timerFunction('reapLeases', `*/${EVERY_SECONDS} * * * * *`, async (deps) => {
  await reapLeases(deps, EVERY_SECONDS);
});
