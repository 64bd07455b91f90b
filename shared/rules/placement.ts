/** One waiting job against the whole fleet: what keeps it from each factory, and what would place it. */
import type { Block, Explanation } from '../contract/explanation.js';
import type { Factory, ReadyEntry } from '../contract/fleet.js';
import type { PoolSpec } from '../topology.js';
import { filtersOf, holdsOf } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import { missing } from './capabilities.js';
import { smallestChange } from './remedy.js';
import type { Remedy } from './remedy.js';
import { costClassOf } from './routing.js';
import { DEFAULT_WEIGHTS, scoreOf, suitabilityFor } from './score.js';

/** What the scheduler sees of a factory's document. */
export const factoryView = (factory: Factory, pools: readonly PoolSpec[]): FactoryView => ({
  id: factory.id,
  advertises: factory.advertises,
  stations: factory.stations,
  running: factory.running,
  warm: factory.warm,
  products: factory.products,
  pools: factory.pools,
  costClass: costClassOf(factory.pools, pools),
});

export interface Placement {
  /** What keeps the job from every factory. */
  holds: Block[];
  /** Every factory: holds and blocks of its own, or a score where there are none. */
  factories: Explanation['factories'];
  /** The smallest change that would place the job; empty when it can be placed now. */
  change: Remedy[];
}

/** @param now ISO time */
export function placementOf(
  entry: ReadyEntry,
  fleet: readonly Factory[],
  pools: readonly PoolSpec[],
  context: SchedulingContext,
  now: string,
): Placement {
  const declared = pools.find((one) => one.name === entry.pool)?.capabilities ?? [];
  const holds = holdsOf(entry, context, Date.parse(now));
  const own = fleet.map((factory) => ({
    factoryId: factory.id,
    blocks: ownBlocks(entry, factory, declared),
  }));
  const factories = fleet.map((factory, at) => {
    const blocks = [...(own[at]?.blocks ?? []), ...holds];
    const free = factory.status === 'online' ? Math.max(0, factory.stations - factory.running) : 0;
    return {
      factoryId: factory.id,
      pools: factory.pools,
      freeStations: free,
      blocks,
      ...(blocks.length === 0 && { score: scoreFor(entry, factoryView(factory, pools)) }),
    };
  });
  return { holds, factories, change: smallestChange(entry, holds, own, declared) };
}

/** What keeps the job from this factory, whatever holds it elsewhere. */
function ownBlocks(entry: ReadyEntry, factory: Factory, declared: readonly string[]): Block[] {
  const blocks = filtersOf(entry, factory, (requirements) => {
    if (factory.pools.includes(entry.pool)) return missing(requirements, factory.advertises);
    // It hears no tickets of this pool, whatever the job itself asks for.
    const lacking = missing([...new Set([...requirements, ...declared])], factory.advertises);
    return lacking.length > 0 ? lacking : [`pool:${entry.pool}`];
  });
  const { status, running, stations } = factory;
  if (status !== 'online') blocks.push({ kind: 'status', status });
  if (running >= stations) blocks.push({ kind: 'stations', running, stations });
  return blocks;
}

/** Fairness compares jobs that compete for one factory; here one job looks at many, so it plays no part. */
const scoreFor = (entry: ReadyEntry, factory: FactoryView) =>
  scoreOf(suitabilityFor(factory, DEFAULT_WEIGHTS)(entry), factory, factory.running, 0, DEFAULT_WEIGHTS);
