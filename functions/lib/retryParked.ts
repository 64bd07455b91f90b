import type { Deps } from '../operations/deps.js';
import { isOutage, parkedEvents, settleParked } from '../operations/park.js';
import { readEvent } from './feedBatch.js';
import { FEEDS } from './feeds.js';

/**
 * Tries events again that a feed function put aside, each with a longer pause than before and without end: what one
 * cannot be worked on may be repaired by the next release, and no event is ever skipped.
 * @returns how many went through
 */
export async function retryParked(deps: Deps): Promise<number> {
  let done = 0;
  for (const parked of await parkedEvents(deps)) {
    const operate = Object.entries(FEEDS).find(([name]) => name === parked.document.by)?.[1];
    if (!operate) continue;
    try {
      await operate(deps, readEvent(parked.document.what));
    } catch (error) {
      if (isOutage(error)) throw error;
      await settleParked(deps, parked, error);
      continue;
    }
    await settleParked(deps, parked);
    done += 1;
  }
  return done;
}
