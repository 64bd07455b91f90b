import type { Assignment, Explanation } from '../../shared/contract/explanation.js';
import type { Factory, ReadyEntry } from '../../shared/contract/fleet.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Job } from '../../shared/contract/job.js';
import { readyEntryOf } from '../../shared/rules/ready.js';
import { rarerPools, routeJob } from '../../shared/rules/routing.js';
import { explainJob as explain } from '../../shared/rules/scheduler.js';
import { isParked, isReady } from '../../shared/rules/stages.js';
import { JOBS, POOLS, READY } from '../../shared/topology.js';
import type { Caller } from './caller.js';
import type { Deps } from './deps.js';
import { readStages } from './jobStages.js';
import { jobFor, partitionOf, readRun } from './jobStore.js';
import { readFactories } from './listFactories.js';
import { readWaiting } from './rivals.js';
import { readChildren } from './tendChildren.js';
import { schedulingContext } from './schedulingContext.js';

/**
 * Why a job runs where it runs, or why it waits and what would place it.
 * @throws AppError not-found
 */
export async function explainJob(
  deps: Deps,
  caller: Caller,
  { params }: { params: { jobId: string } },
): Promise<Explanation> {
  const job = await jobFor(deps, caller, params.jobId, 'viewer');
  const entry = await readyEntry(deps, job);
  const [factories, context, waitingByPool, position, lastAssignment, depStages, family, lastRun] =
    await Promise.all([
      readFactories(deps),
      schedulingContext(deps, entry ? [entry] : []),
      entry ? rarerWaiting(deps, entry.pool) : new Map<string, number[]>(),
      entry && positionOf(deps, entry),
      lastAssignmentOf(deps, job),
      readStages(
        deps,
        job.productId,
        (job.waitsFor === undefined ? [] : (job.deps ?? [])).map((dep) => dep.jobId),
      ),
      job.children === undefined ? [] : readChildren(deps, job),
      isParked(job) ? readRun(deps, job, job.epoch) : undefined,
    ]);
  return explain({
    job,
    entry,
    position,
    factories: inQuestion(factories, job),
    pools: POOLS,
    context: { ...context, waitingByPool },
    lastAssignment,
    depStages,
    children: family,
    lastRun,
    now: deps.clock.now(),
  });
}

/** Those that are there; of the others only the one that is asked for, or all of them where nobody is there. */
function inQuestion(factories: readonly Factory[], { manifest }: Job): readonly Factory[] {
  const there = factories.filter(({ id, status }) => status !== 'offline' || id === manifest.targetFactoryId);
  return there.length === 0 ? factories : there;
}

async function readyEntry(deps: Deps, job: Job): Promise<ReadyEntry | undefined> {
  if (!isReady(job)) return undefined;
  const routing = routeJob(job, POOLS);
  if (routing.kind === 'unroutable') return undefined;
  const stored = await deps.documents.read<ReadyEntry>(READY, [routing.pool], job.jobId);
  // Between the job's write and its dispatch there is no entry yet; it will be this one.
  return stored?.document ?? readyEntryOf(job, routing.pool);
}

/** Order keys of what waits in pools that are rarer than this one. */
async function rarerWaiting(deps: Deps, pool: string): Promise<Map<string, number[]>> {
  const every = POOLS.map(({ name }) => name);
  const waiting = await readWaiting(deps, rarerPools(pool, every, POOLS), { products: ['*'] });
  return new Map(
    every.map((name) => [name, waiting.filter((one) => one.pool === name).map((one) => one.orderKey)]),
  );
}

/** 1 for the job that is next in its pool in the order of ageing. */
async function positionOf(deps: Deps, entry: ReadyEntry): Promise<number> {
  const [ahead] = await deps.documents.select<number>(READY, {
    text: 'SELECT VALUE COUNT(1) FROM c WHERE c.orderKey < @orderKey',
    parameters: { orderKey: entry.orderKey },
    partition: [entry.pool],
  });
  return (ahead ?? 0) + 1;
}

async function lastAssignmentOf(deps: Deps, job: Job): Promise<Assignment | undefined> {
  if (job.epoch === 0) return undefined;
  const [event] = await deps.documents.query<JobEvent>(JOBS, {
    text: `SELECT TOP 1 * FROM c WHERE c.type = 'event' AND c.body.kind = 'job.assigned' ORDER BY c.seq DESC`,
    partition: partitionOf(job),
  });
  return event?.document.body.kind === 'job.assigned' ? event.document.body.decision : undefined;
}
