import type { Factory, ReadyEntry } from '../../shared/contract/fleet.js';
import { shortBlocks, switchBlocks, type SchedulingContext } from '../../shared/rules/blocks.js';
import { after } from '../../shared/rules/leases.js';
import { rarerPools } from '../../shared/rules/routing.js';
import { WARM_SILENCE_SECONDS, keptUntil, warmElsewhere, type WarmFactory } from '../../shared/rules/warm.js';
import { FACTORIES, FLEET, POOLS, READY } from '../../shared/topology.js';
import { ceilingsOf } from './budgetStore.js';
import type { Deps } from './deps.js';
import { findProduct } from './products.js';
import { pausesOf } from './schedulingContext.js';
import { readSwitches } from './switches.js';

/** A factory has at most so many stations, and more rare work than stations changes nothing. */
const MAX_RARE = 64;

/**
 * What else there is that the asking factory should leave jobs to: factories with warm checkouts, and rarer work of its
 * own. Mostly nothing has to be read for it.
 */
export async function readRivals(
  deps: Deps,
  factory: Pick<Factory, 'id' | 'pools' | 'warm' | 'products'>,
  pool: string,
  entries: readonly ReadyEntry[],
): Promise<Pick<SchedulingContext, 'warmElsewhere' | 'rarer'>> {
  if (entries.length === 0) return {};
  const now = deps.clock.now();
  const couldWait = (entry: ReadyEntry): boolean =>
    entry.repo !== undefined &&
    !factory.warm.includes(entry.repo) &&
    (keptUntil(entry) ?? 0) > Date.parse(now);
  const [warm, waiting] = await Promise.all([
    entries.some(couldWait) ? readWarmFactories(deps, now) : [],
    readRarer(deps, factory, pool),
  ]);
  return {
    warmElsewhere: warmElsewhere(warm, { id: factory.id, pool }, now),
    ...(waiting && { rarer: waiting }),
  };
}

function readWarmFactories(deps: Deps, now: string): Promise<WarmFactory[]> {
  return deps.documents.select<WarmFactory>(FACTORIES, {
    text: `SELECT c.id, c.status, c.pools, c.products, c.warm, c.stations, c.running, c.lastSeenAt FROM c
           WHERE c.type = 'factory' AND c.status = 'online' AND c.lastSeenAt >= @since
           AND ARRAY_LENGTH(c.warm) > 0 AND c.running < c.stations`,
    parameters: { since: after(now, -WARM_SILENCE_SECONDS) },
    partition: [FLEET],
  });
}

async function readRarer(
  deps: Deps,
  factory: Pick<Factory, 'id' | 'pools' | 'products'>,
  pool: string,
): Promise<SchedulingContext['rarer']> {
  const rare = await readWaiting(deps, rarerPools(pool, factory.pools, POOLS), factory);
  const [first] = rare;
  return first && { pool: first.pool, waiting: rare.map(({ orderKey }) => orderKey) };
}

/** The first jobs that wait in these pools and that nothing holds up, the first in the order of ageing first. */
export async function readWaiting(
  deps: Deps,
  pools: readonly string[],
  factory: { id?: string; products: readonly string[] },
): Promise<Waiting[]> {
  if (pools.length === 0) return [];
  const [switches, ...found] = await Promise.all([
    readSwitches(deps),
    ...pools.map((name) => readRare(deps, factory, name)),
  ]);
  const rare = found.flat();
  const products = [...new Set(rare.map(({ productId }) => productId))];
  const [known, budgets] = await Promise.all([
    Promise.all(products.map((productId) => findProduct(deps, productId))),
    ceilingsOf(deps, products),
  ]);
  const stops = { switches, pausedProducts: pausesOf(known) };
  return rare
    .filter((one) => switchBlocks(one, stops).length === 0 && shortBlocks(one, { budgets }).length === 0)
    .sort((one, other) => one.orderKey - other.orderKey);
}

type Waiting = Pick<ReadyEntry, 'pool' | 'productId' | 'orderKey' | 'costUsd'>;

function readRare(
  deps: Deps,
  factory: { id?: string; products: readonly string[] },
  pool: string,
): Promise<Waiting[]> {
  const all = factory.products.includes('*');
  // What wants a lock may not get it: no station is kept for a job that perhaps cannot have it.
  return deps.documents.select(READY, {
    text: `SELECT TOP ${MAX_RARE} c.pool, c.productId, c.orderKey, c.costUsd FROM c
           WHERE (NOT IS_DEFINED(c.notBefore) OR c.notBefore <= @now) AND NOT IS_DEFINED(c.lock)
           AND (NOT IS_DEFINED(c.targetFactoryId) OR c.targetFactoryId = @factoryId)
           ${all ? '' : 'AND ARRAY_CONTAINS(@products, c.productId)'} ORDER BY c.orderKey`,
    parameters: {
      now: deps.clock.now(),
      factoryId: factory.id ?? '',
      ...(all ? {} : { products: factory.products }),
    },
    partition: [pool],
  });
}
