/** What keeps a ready job from a factory. Filters first (it never suits), then what passes with time or a person. */
import type { Block } from '../contract/explanation.js';
import type { ReadyEntry } from '../contract/fleet.js';
import { capabilityCheck } from './capabilities.js';

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
  readonly pausedProducts: ReadonlySet<string>;
  /** Jobs in flight, by product. */
  readonly runningByProduct: ReadonlyMap<string, number>;
  /** Kill switches that are on: `fleet`, `pool:<name>` or `product:<id>` → the reason. */
  readonly switches?: ReadonlyMap<string, string>;
}

export const lockKey = (productId: string, key: string): string => `${productId}:${key}`;

/** What no waiting changes for this pair of job and factory. */
export function filtersOf(
  entry: ReadyEntry,
  factory: Pick<FactoryView, 'id' | 'products'>,
  lacks: (requirements: readonly string[]) => string[],
): Block[] {
  const blocks: Block[] = [];
  const missing = lacks(entry.requirements);
  if (missing.length > 0) blocks.push({ kind: 'capability', missing });
  if (entry.targetFactoryId !== undefined && entry.targetFactoryId !== factory.id)
    blocks.push({ kind: 'target', factoryId: entry.targetFactoryId });
  if (!factory.products.includes('*') && !factory.products.includes(entry.productId))
    blocks.push({ kind: 'product', productId: entry.productId });
  return blocks;
}

/**
 * What keeps the job from every factory for now.
 * @param now milliseconds since 1970
 */
export function holdsOf(entry: ReadyEntry, context: SchedulingContext, now: number): Block[] {
  const blocks: Block[] = [];
  const product = `product:${entry.productId}`;
  const { switches, pausedProducts } = context;
  if (switches !== undefined && switches.size > 0)
    for (const scope of ['fleet', `pool:${entry.pool}`, product]) {
      const reason = switches.get(scope);
      if (reason !== undefined) blocks.push({ kind: 'switch', scope, reason });
    }
  if (pausedProducts.has(entry.productId) && switches?.has(product) !== true)
    blocks.push({ kind: 'switch', scope: product, reason: 'the product is paused' });
  const lock = lockBlock(entry, context.locks);
  if (lock !== undefined) blocks.push(lock);
  if (entry.notBefore !== undefined && Date.parse(entry.notBefore) > now)
    blocks.push({ kind: 'backoff', until: entry.notBefore });
  return blocks;
}

/** The lock that another job holds; a job never waits for itself. */
export function lockBlock(entry: ReadyEntry, locks: ReadonlyMap<string, string>): Block | undefined {
  if (entry.lock === undefined) return undefined;
  const heldBy = locks.get(lockKey(entry.productId, entry.lock));
  return heldBy === undefined || heldBy === entry.id ? undefined : { kind: 'lock', key: entry.lock, heldBy };
}

/** `filtersOf` for one factory and many jobs: jobs of a lane have the same requirements, so each is checked once. */
export function factoryFilter(
  factory: Pick<FactoryView, 'id' | 'products' | 'advertises'>,
): (entry: ReadyEntry) => Block[] {
  const check = capabilityCheck(factory.advertises);
  const byLane = new Map<string, string[]>();
  return (entry) =>
    filtersOf(entry, factory, (requirements) => {
      const known = byLane.get(entry.lane);
      if (known !== undefined) return known;
      const lacking = check(requirements);
      byLane.set(entry.lane, lacking);
      return lacking;
    });
}
