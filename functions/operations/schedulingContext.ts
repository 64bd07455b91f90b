import type { Lock, Product, ReadyEntry } from '../../shared/contract/fleet.js';
import { lockKey, type SchedulingContext } from '../../shared/rules/scheduler.js';
import { LEASES } from '../../shared/topology.js';
import { ceilingsOf } from './budgetStore.js';
import type { Deps } from './deps.js';
import { lockHolder, lockId } from './leaseStore.js';
import { findProduct } from './products.js';
import { readShares, type Shares } from './shares.js';
import { readSwitches } from './switches.js';

/**
 * The state of the fleet around a decision on these entries. Reads only what they touch: usually one product and no
 * lock, so one point read.
 */
export async function schedulingContext(
  deps: Deps,
  entries: readonly ReadyEntry[],
): Promise<SchedulingContext & Shares> {
  const productIds = [...new Set(entries.map((entry) => entry.productId))];
  const [products, switches, budgets, locks, shares] = await Promise.all([
    Promise.all(productIds.map((productId) => findProduct(deps, productId))),
    readSwitches(deps),
    ceilingsOf(deps, productIds),
    heldLocks(deps, entries),
    readShares(deps, productIds),
  ]);
  return { locks, pausedProducts: pausesOf(products), switches, budgets, ...shares };
}

/** Products whose claims are paused → the reason. */
export const pausesOf = (products: readonly (Product | undefined)[]): Map<string, string> =>
  new Map(
    products.flatMap((product) => (product?.paused ? [[product.productId, product.paused.reason]] : [])),
  );

async function heldLocks(deps: Deps, entries: readonly ReadyEntry[]): Promise<Map<string, string>> {
  const wanted = new Map<string, { productId: string; key: string }>();
  for (const { productId, lock } of entries)
    if (lock !== undefined) wanted.set(lockKey(productId, lock), { productId, key: lock });
  const held = new Map<string, string>();
  await Promise.all(
    [...wanted].map(async ([name, { productId, key }]) => {
      const id = lockId(productId, key);
      const lock = await deps.documents.read<Lock>(LEASES, [id], id);
      const holder = lock && (await lockHolder(deps, lock.document));
      if (holder !== undefined) held.set(name, holder);
    }),
  );
  return held;
}
