/** What a product has had of the fleet: the jobs it has in flight, and the memory of those that it was given lately. */
import type { Served } from '../contract/fleet.js';

/**
 * Without a memory the product with the oldest backlog would win each time that a small fleet has nothing in flight.
 * A long memory would hold against a product what it took while nobody else wanted it. In seconds.
 */
export const SHARE_HALF_LIFE_SECONDS = 600;

type Count = Pick<Served, 'count' | 'at'>;

/** The count as of now. */
export function servedBy(served: Count | undefined, now: string): number {
  if (served === undefined) return 0;
  const seconds = Math.max(0, Date.parse(now) - Date.parse(served.at)) / 1000;
  return served.count * 0.5 ** (seconds / SHARE_HALF_LIFE_SECONDS);
}

/** The count after so many more jobs. */
export const serve = (served: Count | undefined, jobs: number, now: string): Count => ({
  count: servedBy(served, now) + jobs,
  at: now,
});
