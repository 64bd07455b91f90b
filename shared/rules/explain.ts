/** The answer to "why is my job not running?", as data with one sentence on top. */
import { assertExhaustive } from '../errors.js';
import type { Assignment, Block, Explanation } from '../contract/explanation.js';
import type { Factory, ReadyEntry } from '../contract/fleet.js';
import type { Job } from '../contract/job.js';
import type { PoolSpec } from '../topology.js';
import { filtersOf, holdsOf } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import { missing } from './capabilities.js';
import { readyEntryOf } from './ready.js';
import { describeRemedy, smallestChange } from './remedy.js';
import { costClassOf, routeJob } from './routing.js';
import { DEFAULT_WEIGHTS, scoreOf, staticScorer } from './score.js';
import { isEnded, isInFlight, isReady } from './stages.js';

export interface ExplainInput {
  job: Job;
  /** Its entry in a ready set, where there is one. */
  entry?: ReadyEntry | undefined;
  /** 1 for the next in its pool. */
  position?: number | undefined;
  factories: readonly Factory[];
  pools: readonly PoolSpec[];
  context: SchedulingContext;
  lastAssignment?: Assignment | undefined;
  /** ISO time. */
  now: string;
}

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

const isHold = (block: Block): boolean =>
  block.kind === 'switch' || block.kind === 'lock' || block.kind === 'backoff';

/** Who could run the job, what keeps it from each, and what would place it. */
export function explainJob(input: ExplainInput): Explanation {
  const { job, position, pools, lastAssignment } = input;
  const routing = routeJob(job, pools);
  const common = {
    jobId: job.jobId,
    stage: job.stage,
    lane: job.lane,
    pools: routing.considered,
    ...(lastAssignment !== undefined && { assignment: lastAssignment }),
  };
  if (!isReady(job))
    return {
      ...common,
      state: isEnded(job.stage) ? 'ended' : 'placed',
      summary: settled(job),
      factories: [],
    };
  const pool = input.entry?.pool ?? (routing.kind === 'routed' ? routing.pool : undefined);
  if (pool === undefined) return { ...common, ...unroutable(job, routing.considered), factories: [] };

  const entry = input.entry ?? readyEntryOf(job, pool);
  const declared = pools.find((one) => one.name === pool)?.capabilities ?? [];
  const holds = holdsOf(entry, input.context, Date.parse(input.now));
  const factories = input.factories.map((factory) => judge(entry, factory, holds, declared, pools));
  const own = factories.map(({ factoryId, blocks }) => ({
    factoryId,
    blocks: blocks.filter((block) => !isHold(block)),
  }));
  const change = smallestChange(entry, holds, own, declared);
  return {
    ...common,
    state: 'waiting',
    summary: waiting(entry, holds, factories, position),
    ...(change.length > 0 && { wouldPlace: change.map(describeRemedy).join(', and ') }),
    pool,
    ...(position !== undefined && { position }),
    factories,
  };
}

/** One factory's blocks for the job, or its score where there are none. */
function judge(
  entry: ReadyEntry,
  factory: Factory,
  holds: readonly Block[],
  declared: readonly string[],
  pools: readonly PoolSpec[],
): Explanation['factories'][number] {
  const view = factoryView(factory, pools);
  const blocks = filtersOf(entry, view, (requirements) => {
    if (factory.pools.includes(entry.pool)) return missing(requirements, factory.advertises);
    // It receives no tickets of this pool, whatever the job itself asks for.
    const lacking = missing([...new Set([...requirements, ...declared])], factory.advertises);
    return lacking.length > 0 ? lacking : [`pool:${entry.pool}`];
  });
  if (factory.status !== 'online') blocks.push({ kind: 'status', status: factory.status });
  const free = Math.max(0, factory.stations - factory.running);
  if (free === 0) blocks.push({ kind: 'stations', running: factory.running, stations: factory.stations });
  const all = [...blocks, ...holds];
  const score = scoreOf(staticScorer(view, DEFAULT_WEIGHTS)(entry), view, view.running, 0, DEFAULT_WEIGHTS);
  return {
    factoryId: factory.id,
    pools: factory.pools,
    freeStations: factory.status === 'online' ? free : 0,
    blocks: all,
    ...(all.length === 0 && { score }),
  };
}

/** One sentence for a job that nobody needs to be found for. */
function settled(job: Job): string {
  const because = job.failure === undefined ? '' : ` (${job.failure.reason}): ${job.failure.message}`;
  if (isInFlight(job)) return `${job.holder} works on it: run ${job.epoch}, ${job.stage}.`;
  switch (job.stage) {
    case 'shipped':
      return `Shipped as ${job.mergeCommit ?? 'a merge'}.`;
    case 'failed':
      return `Failed${because}`;
    case 'dead_letter':
      return `In the dead letters after ${job.attempts} attempts${because}`;
    case 'review':
      return job.failure === undefined
        ? 'Waits for a person to look at its change.'
        : `Waits for a person: it could not be merged${because}`;
    case 'testing':
      return 'Passed its checks; waits for a person to ship it.';
    case 'queued':
    case 'assigned':
    case 'building':
      return `In ${job.stage} with nobody holding it.`;
    default:
      return assertExhaustive(job.stage);
  }
}

function unroutable(
  job: Job,
  considered: Explanation['pools'],
): Pick<Explanation, 'state' | 'summary' | 'wouldPlace'> {
  const [nearest] = considered.toSorted((one, other) => one.missing.length - other.missing.length);
  const lacking =
    nearest === undefined ? '' : ` The nearest, ${nearest.pool}, lacks ${nearest.missing.join(', ')}.`;
  return {
    state: 'unroutable',
    summary: `No pool guarantees ${job.requirements.join(', ')}.${lacking}`,
    wouldPlace: `a pool that declares ${job.requirements.join(', ')}`,
  };
}

/** One sentence for a job in a ready set: the first thing in its way. */
function waiting(
  entry: ReadyEntry,
  holds: readonly Block[],
  factories: Explanation['factories'],
  position: number | undefined,
): string {
  const place = position === undefined ? '' : `, place ${position}`;
  const [hold] = holds;
  if (hold?.kind === 'switch') return `Waits: ${hold.scope} is stopped (${hold.reason}).`;
  if (hold?.kind === 'lock') return `Waits for the lock ${hold.key}, which ${hold.heldBy} holds.`;
  if (hold?.kind === 'backoff') return `Waits for its retry at ${hold.until}.`;
  const free = factories.filter((one) => one.blocks.length === 0);
  if (free.length > 0)
    return `Ready in pool ${entry.pool}${place}: ${free.map((one) => one.factoryId).join(', ')} can take it now.`;
  const able = factories.filter((one) =>
    one.blocks.every((block) => block.kind === 'stations' || block.kind === 'status'),
  );
  const busy = able.filter((one) => one.blocks.every((block) => block.kind === 'stations'));
  if (busy.length > 0)
    return `Waits for a free station in pool ${entry.pool}${place}: all of ${busy.map((one) => one.factoryId).join(', ')} are taken.`;
  if (able.length > 0)
    return `Waits for a factory of pool ${entry.pool}: ${able.map((one) => one.factoryId).join(', ')} ${able.length === 1 ? 'is' : 'are'} not online.`;
  if (
    entry.targetFactoryId !== undefined &&
    !factories.some((one) => one.factoryId === entry.targetFactoryId)
  )
    return `Waits for the factory ${entry.targetFactoryId}, which is not enrolled.`;
  return factories.length === 0
    ? `Waits for a factory in pool ${entry.pool}: none is enrolled.`
    : `Waits for a factory in pool ${entry.pool}: none of the ${factories.length} enrolled can run it.`;
}
