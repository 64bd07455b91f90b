/** Pools: which ones a factory joins, and which one a job goes to. */
import type { PoolSpec } from '../topology.js';
import { capabilityCheck, guarantees } from './capabilities.js';

/** What each pool lacks for a job. */
export interface PoolConsidered {
  pool: string;
  missing: string[];
}

export type Routing =
  | { kind: 'routed'; pool: string; considered: PoolConsidered[] }
  | { kind: 'unroutable'; considered: PoolConsidered[] };

/**
 * The pool that a job goes to: of those that guarantee every requirement the least capable one, so that rare
 * factories stay free for rare work; then the cheapest, then by name.
 */
export function routeJob(job: { requirements: readonly string[] }, pools: readonly PoolSpec[]): Routing {
  const considered = pools.map((pool) => ({
    pool: pool.name,
    missing: job.requirements.filter((requirement) => !guarantees(pool.capabilities, requirement)),
  }));
  const [best] = pools
    .filter((_, at) => considered[at]?.missing.length === 0)
    .sort(
      (one, other) =>
        one.capabilities.length - other.capabilities.length ||
        one.costClass - other.costClass ||
        (one.name < other.name ? -1 : 1),
    );
  return best === undefined
    ? { kind: 'unroutable', considered }
    : { kind: 'routed', pool: best.name, considered };
}

/** The pools that a factory with these capabilities joins: every one whose declaration it satisfies. */
export function poolsFor(advertises: readonly string[], pools: readonly PoolSpec[]): string[] {
  const lacks = capabilityCheck(advertises);
  return pools.filter((pool) => lacks(pool.capabilities).length === 0).map((pool) => pool.name);
}

/** A factory costs what its dearest pool costs: a mac that does common work is still a mac. 1 for one without pools. */
export const costClassOf = (joined: readonly string[], pools: readonly PoolSpec[]): number =>
  Math.max(1, ...pools.filter((pool) => joined.includes(pool.name)).map((pool) => pool.costClass));

/**
 * Of the pools that a factory joined those that are rarer than this one: they guarantee all that it does and more, and
 * cost more to run. Their work can go nowhere else, so it comes before common work.
 */
export function rarerPools(pool: string, joined: readonly string[], pools: readonly PoolSpec[]): string[] {
  const common = pools.find((one) => one.name === pool);
  if (common === undefined) return [];
  const covers = (one: PoolSpec, other: PoolSpec): boolean =>
    other.capabilities.every((capability) => guarantees(one.capabilities, capability));
  return pools
    .filter((one) => joined.includes(one.name) && one.costClass > common.costClass && covers(one, common))
    .map((one) => one.name);
}
