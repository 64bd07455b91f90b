/** What keeps a ready job from a factory. Filters first (it never suits), then what passes with time or a person. */
import type { FactoryBlock, Hold } from '../contract/explanation.js';
import type { ReadyEntry } from '../contract/fleet.js';
import type { Budget } from '../contract/budget.js';
import { budgetBlocks, reservationFor } from './budget.js';
import { AGEING_SECONDS } from './priority.js';
import { keptUntil, type WarmPlace } from './warm.js';

/** What the scheduler knows of a factory. */
export interface FactoryView {
  readonly id: string;
  readonly advertises: readonly string[];
  readonly stations: number;
  readonly running: number;
  /** Repositories with a warm checkout. */
  readonly warm: readonly string[];
  /** Products whose jobs it may run; `*` for all. */
  readonly products: readonly string[];
  readonly pools: readonly string[];
  /** 1 is the cheapest; see costClassOf. */
  readonly costClass: number;
  /** 0 (fails everything) to 1; taken as 1 where nothing is known. */
  readonly health?: number;
}

/** The state of the fleet around a decision. */
export interface SchedulingContext {
  /** `lockKey(productId, key)` → the job that holds the lock. */
  readonly locks: ReadonlyMap<string, string>;
  /** Products whose claims are paused → the reason. */
  readonly pausedProducts: ReadonlyMap<string, string>;
  /** What each product has had of the fleet: jobs in flight and jobs given lately (share.ts). */
  readonly shareByProduct: ReadonlyMap<string, number>;
  /** Kill switches that are on: `fleet`, `pool:<name>` or `product:<id>` → the reason. */
  readonly switches?: ReadonlyMap<string, string>;
  /** Repository → other factories that have it checked out and a station free (warm.ts). */
  readonly warmElsewhere?: ReadonlyMap<string, readonly WarmPlace[]>;
  /** Work that waits for a rarer pool of the asking factory, by order key (see orderKey), the first one first. */
  readonly rarer?: { readonly pool: string; readonly waiting: readonly number[] } | undefined;
  /** By product, where there are ceilings; as of now. */
  readonly budgets?: ReadonlyMap<string, Budget>;
  /** For an explanation, which looks at many factories: order keys of what waits in each rarer pool. */
  readonly waitingByPool?: ReadonlyMap<string, readonly number[]>;
}

export const lockKey = (productId: string, key: string): string => `${productId}:${key}`;

/** What no waiting changes for this pair of job and factory. */
export function filtersOf(
  entry: ReadyEntry,
  factory: Pick<FactoryView, 'id' | 'products'>,
  lacks: (requirements: readonly string[]) => string[],
): FactoryBlock[] {
  const blocks: FactoryBlock[] = [];
  const missing = lacks(entry.requirements);
  if (missing.length > 0) blocks.push({ kind: 'capability', missing });
  if (entry.targetFactoryId !== undefined && entry.targetFactoryId !== factory.id)
    blocks.push({ kind: 'target', factoryId: entry.targetFactoryId });
  if (!serves(factory, entry.productId)) blocks.push({ kind: 'product', productId: entry.productId });
  return blocks;
}

/**
 * What keeps the job from every factory for now.
 * @param now milliseconds since 1970
 */
export function holdsOf(entry: ReadyEntry, context: SchedulingContext, now: number): Hold[] {
  const blocks = switchBlocks(entry, context);
  const lock = lockBlock(entry, context.locks);
  if (lock !== undefined) blocks.push(lock);
  blocks.push(...shortBlocks(entry, context));
  if (entry.notBefore !== undefined && Date.parse(entry.notBefore) > now)
    blocks.push({ kind: 'backoff', until: entry.notBefore });
  return blocks;
}

/** What stops every job of this product and pool. */
export function switchBlocks(
  entry: Pick<ReadyEntry, 'pool' | 'productId'>,
  context: Pick<SchedulingContext, 'switches' | 'pausedProducts'>,
): Hold[] {
  const blocks: Hold[] = [];
  const { switches, pausedProducts } = context;
  if (switches !== undefined && switches.size > 0)
    for (const scope of ['fleet', `pool:${entry.pool}`, `product:${entry.productId}`]) {
      const reason = switches.get(scope);
      if (reason !== undefined) blocks.push({ kind: 'switch', scope, reason });
    }
  const paused = pausedProducts.get(entry.productId);
  if (paused !== undefined) blocks.push({ kind: 'paused', productId: entry.productId, reason: paused });
  return blocks;
}

/** The switches that stop any of these jobs, each once. */
export function stopsOf(
  entries: readonly Pick<ReadyEntry, 'pool' | 'productId'>[],
  context: Pick<SchedulingContext, 'switches' | 'pausedProducts'>,
): { scope: string; reason: string }[] {
  const stops = new Map<string, string>();
  for (const entry of entries)
    for (const block of switchBlocks(entry, context))
      if (block.kind === 'switch') stops.set(block.scope, block.reason);
  return [...stops].map(([scope, reason]) => ({ scope, reason }));
}

/**
 * The wait for a warm factory: short, and never for critical work.
 * @param now milliseconds since 1970
 */
export function warmBlock(
  entry: ReadyEntry,
  warmHere: ReadonlySet<string>,
  context: Pick<SchedulingContext, 'warmElsewhere'>,
  now: number,
): FactoryBlock | undefined {
  const { repo } = entry;
  const places = repo === undefined ? undefined : context.warmElsewhere?.get(repo);
  const factoryId = places?.find((place) => serves(place, entry.productId))?.id;
  if (repo === undefined || factoryId === undefined || warmHere.has(repo)) return undefined;
  const until = keptUntil(entry);
  if (until === undefined || until <= now) return undefined;
  return { kind: 'warm', factoryId, until: new Date(until).toISOString() };
}

/**
 * Common work leaves the last stations of a rare factory to rare work that waits. Rare work counts as one step of
 * priority more, so common work that has waited for longer comes first all the same.
 * @param free stations of the factory
 */
export function reservedBlock(
  entry: Pick<ReadyEntry, 'orderKey'>,
  free: number,
  { rarer }: Pick<SchedulingContext, 'rarer'>,
): FactoryBlock | undefined {
  if (rarer === undefined) return undefined;
  const latest = entry.orderKey + AGEING_SECONDS * 1000;
  const waiting = rarer.waiting.filter((key) => key <= latest).length;
  return waiting < free ? undefined : { kind: 'reserved', pool: rarer.pool, waiting };
}

/** The windows of the product's budget that have not enough left for the job. */
export function shortBlocks(
  entry: Pick<ReadyEntry, 'productId' | 'costUsd'>,
  { budgets }: Pick<SchedulingContext, 'budgets'>,
): Hold[] {
  const budget = budgets?.get(entry.productId);
  const usd = budget === undefined ? 0 : reservationFor(entry, budget);
  // What costs nothing goes on, whatever was spent.
  return budget === undefined || usd === 0 ? [] : budgetBlocks(budget, usd);
}

/** The lock that another job holds; a job never waits for itself. */
export function lockBlock(entry: ReadyEntry, locks: ReadonlyMap<string, string>): Hold | undefined {
  if (entry.lock === undefined) return undefined;
  const heldBy = locks.get(lockKey(entry.productId, entry.lock));
  return heldBy === undefined || heldBy === entry.id ? undefined : { kind: 'lock', key: entry.lock, heldBy };
}

export const serves = (factory: Pick<FactoryView, 'products'>, productId: string): boolean =>
  factory.products.includes('*') || factory.products.includes(productId);
