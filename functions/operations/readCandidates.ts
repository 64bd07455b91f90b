import type { Stored } from '../../shared/cloud/documents.js';
import type { ReadyEntry } from '../../shared/contract/fleet.js';
import { READY } from '../../shared/topology.js';
import type { FactoryCaller } from './caller.js';
import type { Deps } from './deps.js';

/** Entries that one look reads: the scheduler takes less than a millisecond for them, the query one page. */
const WINDOW = 200;
/** A look that comes back full may hide products behind a flood. So many more looks past it are worth their time. */
const MORE_LOOKS = 2;

/**
 * The pool's ready jobs that the factory may run, the first in the order of ageing: one partition, one index. Where
 * they fill the window, the first jobs of products that are not among them as well: fairness needs them in sight.
 */
export async function readCandidates(
  deps: Deps,
  factory: FactoryCaller,
  pool: string,
): Promise<Stored<ReadyEntry>[]> {
  const found: Stored<ReadyEntry>[] = [];
  const seen = new Set<string>();
  for (let look = 0; look <= MORE_LOOKS; look += 1) {
    const entries = await firstEntries(deps, factory, pool, [...seen]);
    found.push(...entries);
    if (entries.length < WINDOW) break;
    for (const { document } of entries) seen.add(document.productId);
    if (!factory.products.includes('*') && factory.products.every((product) => seen.has(product))) break;
  }
  return found;
}

function firstEntries(
  deps: Deps,
  factory: FactoryCaller,
  pool: string,
  seen: readonly string[],
): Promise<Stored<ReadyEntry>[]> {
  // Jobs that wait for a retry, or that this factory may not run, must not fill the window.
  const conditions = [
    '(NOT IS_DEFINED(c.notBefore) OR c.notBefore <= @now)',
    ...(factory.products.includes('*') ? [] : ['ARRAY_CONTAINS(@products, c.productId)']),
    ...(seen.length === 0 ? [] : ['NOT ARRAY_CONTAINS(@seen, c.productId)']),
  ];
  return deps.documents.query<ReadyEntry>(READY, {
    text: `SELECT TOP ${WINDOW} * FROM c WHERE ${conditions.join(' AND ')} ORDER BY c.orderKey`,
    parameters: {
      now: deps.clock.now(),
      ...(factory.products.includes('*') ? {} : { products: factory.products }),
      ...(seen.length === 0 ? {} : { seen }),
    },
    partition: [pool],
  });
}
