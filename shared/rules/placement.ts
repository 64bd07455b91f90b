/** One waiting job against the whole fleet: what keeps it from each factory, and what would place it. */
import type { Explanation, FactoryBlock, Hold } from '../contract/explanation.js';
import type { Factory, ReadyEntry } from '../contract/fleet.js';
import type { PoolSpec } from '../topology.js';
import { filtersOf, holdsOf, reservedBlock, warmBlock } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import { missing } from './capabilities.js';
import { smallestChange } from './remedy.js';
import type { Remedy } from './remedy.js';
import { costClassOf, rarerPools } from './routing.js';
import { DEFAULT_WEIGHTS, scoreOf, suitabilityFor } from './score.js';
import { warmElsewhere } from './warm.js';

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
  ...(factory.health !== undefined && { health: factory.health }),
});

export interface Placement {
  /** What keeps the job from every factory. */
  holds: Hold[];
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
  const warm = fleet.filter((one) => entry.repo !== undefined && one.warm.includes(entry.repo));
  const leftToOthers = (one: ReadyEntry, factory: Factory): FactoryBlock[] => {
    const around = {
      warmElsewhere: warmElsewhere(warm, { id: factory.id, pool: one.pool }, now),
      rarer: rarerWork(rarerPools(one.pool, factory.pools, pools), context.waitingByPool),
    };
    const kept = warmBlock(one, new Set(factory.warm), around, Date.parse(now));
    const reserved = reservedBlock(one, factory.stations - factory.running, around);
    return [kept, reserved].filter((block) => block !== undefined);
  };
  const own = fleet.map((factory) => ({
    factoryId: factory.id,
    blocks: [...ownBlocks(entry, factory, declared), ...leftToOthers(entry, factory)],
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

/** The work of these pools together; the pool whose work came first gives its name. */
function rarerWork(
  pools: readonly string[],
  waitingByPool: SchedulingContext['waitingByPool'] = new Map(),
): SchedulingContext['rarer'] {
  const [first, ...others] = pools
    .map((pool) => ({ pool, waiting: waitingByPool.get(pool) ?? [] }))
    .filter(({ waiting }) => waiting.length > 0)
    .sort((one, other) => Math.min(...one.waiting) - Math.min(...other.waiting));
  return first && { pool: first.pool, waiting: [first, ...others].flatMap(({ waiting }) => waiting) };
}

/** What keeps the job from this factory, whatever holds it elsewhere. */
function ownBlocks(entry: ReadyEntry, factory: Factory, declared: readonly string[]): FactoryBlock[] {
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
