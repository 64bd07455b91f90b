import type { Served } from '../../shared/contract/fleet.js';
import { serve, servedBy } from '../../shared/rules/share.js';
import { CONTROL, LEASES } from '../../shared/topology.js';
import type { Deps } from './deps.js';

const SERVED = 'served';

/** What products that compete have had of the fleet. */
export interface Shares {
  /** Is there more than one of them? */
  readonly compete: boolean;
  /** Jobs in flight and jobs given lately, by product. */
  readonly shareByProduct: ReadonlyMap<string, number>;
  /** Jobs given lately, as stored. */
  readonly served: ReadonlyMap<string, Served>;
}

/** Of one product alone nothing is asked: shares matter only where products compete. */
export async function readShares(deps: Deps, productIds: readonly string[]): Promise<Shares> {
  if (productIds.length < 2) return { compete: false, shareByProduct: new Map(), served: new Map() };
  const now = deps.clock.now();
  const [running, stored] = await Promise.all([
    deps.documents.select<string>(LEASES, { text: `SELECT VALUE c.productId FROM c WHERE c.type = 'lease'` }),
    Promise.all(productIds.map((productId) => deps.documents.read<Served>(CONTROL, [productId], SERVED))),
  ]);
  const served = new Map(
    stored.flatMap((one): [string, Served][] => (one ? [[one.document.productId, one.document]] : [])),
  );
  const shareByProduct = new Map(
    [...served].map(([productId, one]): [string, number] => [productId, servedBy(one, now)]),
  );
  for (const productId of running) shareByProduct.set(productId, (shareByProduct.get(productId) ?? 0) + 1);
  return { compete: true, shareByProduct, served };
}

/**
 * Remembers who was given jobs while products competed. Two claims at the same moment may count as one: it is a memory
 * for fairness, not an account, and the jobs in flight are counted exactly.
 */
export async function noteServed(
  deps: Deps,
  { served, compete }: Shares,
  given: readonly string[],
): Promise<void> {
  if (!compete) return;
  const jobs = new Map<string, number>();
  for (const productId of given) jobs.set(productId, (jobs.get(productId) ?? 0) + 1);
  try {
    await Promise.all(
      [...jobs].map(([productId, count]) => {
        const { count: total, at } = serve(served.get(productId), count, deps.clock.now());
        const document: Served = { id: SERVED, type: 'served', productId, count: total, at };
        return deps.documents.upsert(CONTROL, document);
      }),
    );
  } catch (error) {
    deps.log('warn', 'shares were not noted', { error: String(error) });
  }
}
