/** Which factory a job could be kept for because it has the repository checked out already. */
import type { Factory, ReadyEntry } from '../contract/fleet.js';
import { after } from './leases.js';

/**
 * How long a job is kept for a factory with a warm checkout, in seconds: the time to hand a ticket over a few times.
 * A clone with its dependencies takes minutes, so that is well spent; but so does a run, so nobody waits for a factory
 * whose stations are all taken (compare delay scheduling: Zaharia et al., EuroSys 2010, where tasks take seconds).
 */
export const WARM_WAIT_SECONDS = 5;
/** An idle factory shows itself with its claims; one that has been silent for so long may be gone. In seconds. */
export const WARM_SILENCE_SECONDS = 300;

export type WarmFactory = Pick<
  Factory,
  'id' | 'status' | 'pools' | 'products' | 'warm' | 'stations' | 'running' | 'lastSeenAt'
>;

/**
 * Repository → a factory of the pool, other than the one that asks, that has it checked out and a station free.
 * @param now ISO time
 */
export function warmElsewhere(
  fleet: Iterable<WarmFactory>,
  asker: { id: string; pool: string },
  now: string,
): Map<string, string> {
  const since = after(now, -WARM_SILENCE_SECONDS);
  const found = new Map<string, string>();
  for (const one of fleet) {
    if (one.id === asker.id || one.status !== 'online' || one.lastSeenAt < since) continue;
    if (!one.pools.includes(asker.pool) || one.running >= one.stations) continue;
    for (const repo of one.warm) if (!found.has(repo)) found.set(repo, one.id);
  }
  return found;
}

/**
 * When a job stops being kept for a warm factory; undefined when it never is: critical work, and work that only one
 * factory may do. In milliseconds since 1970.
 */
export function keptUntil(
  entry: Pick<ReadyEntry, 'repo' | 'priorityRank' | 'targetFactoryId' | 'readySince'>,
): number | undefined {
  if (entry.repo === undefined || entry.priorityRank === 0 || entry.targetFactoryId !== undefined)
    return undefined;
  return Date.parse(entry.readySince) + WARM_WAIT_SECONDS * 1000;
}
