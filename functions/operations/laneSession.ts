import { shardOf, shardsFor } from '../../shared/rules/lanes.js';
import type { Deps } from './deps.js';
import { instanceMemory } from './instanceMemory.js';

/** What came lately tells what comes next (ms). */
const WINDOW_MS = 5000;
/** About 200 bytes each. */
const MAX_LANES = 1000;

interface Window {
  /** Since 1970, in ms. */
  begin: number;
  count: number;
  /** Of the window before, a second. */
  rate: number;
}

const windows = instanceMemory(() => new Map<string, Window>());

/**
 * The session for the next ticket of a lane. A session is held by one claimer at a time, so the tickets of a hot lane
 * take turns on several. How hot it is, each instance judges by what it sends itself: a wrong guess costs nothing,
 * since any ticket of the pool leads to any of its jobs.
 */
export function laneSession(deps: Deps, pool: string, lane: string): string {
  const known = windows(deps);
  const now = Date.parse(deps.clock.now());
  const key = `${pool} ${lane}`;
  let window = known.get(key);
  if (!window || now - window.begin >= WINDOW_MS) {
    if (known.size >= MAX_LANES) known.clear();
    const isNext = window !== undefined && now - window.begin < 2 * WINDOW_MS;
    const rate = isNext && window ? window.count / (WINDOW_MS / 1000) : 0;
    window = { begin: now, count: 0, rate };
    known.set(key, window);
  }
  const rate = Math.max(window.rate, window.count / (WINDOW_MS / 1000));
  const shard = window.count % shardsFor(rate, deps.settings.sessionTicketsPerSecond);
  window.count += 1;
  return shardOf(lane, shard);
}
