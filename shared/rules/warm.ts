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

/** A factory that a job may be kept for, and the products whose jobs it may run. */
export type WarmPlace = Pick<Factory, 'id' | 'products'>;

/**
 * Repository → factories of the pool, other than the one that asks, that have it checked out and a station free.
 * @param now ISO time
 */
export function warmElsewhere(
  fleet: Iterable<WarmFactory>,
  asker: { id: string; pool: string },
  now: string,
): Map<string, WarmPlace[]> {
  const since = after(now, -WARM_SILENCE_SECONDS);
  const found = new Map<string, WarmPlace[]>();
  for (const one of fleet) {
    if (one.id === asker.id || one.status !== 'online' || one.lastSeenAt < since) continue;
    if (!one.pools.includes(asker.pool) || one.running >= one.stations) continue;
    for (const repo of one.warm) {
      const place = { id: one.id, products: one.products };
      const known = found.get(repo);
      if (known) known.push(place);
      else found.set(repo, [place]);
    }
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
