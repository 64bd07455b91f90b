/** The answer to "why is my job not running?", as data with one sentence on top. */
import type { Assignment, Explanation } from '../contract/explanation.js';
import type { Factory, ReadyEntry } from '../contract/fleet.js';
import type { Job, Run, Stage } from '../contract/job.js';
import type { PoolSpec } from '../topology.js';
import type { SchedulingContext } from './blocks.js';
import { keptBack, type ChildState } from './keptBack.js';
import { placementOf } from './placement.js';
import { unroutable } from './unroutable.js';
import { readyEntryOf } from './ready.js';
import { describeRemedy } from './remedy.js';
import { routeJob } from './routing.js';
import { slaOf } from './sla.js';
import { isEnded, isReady } from './stages.js';
import { summaryOfSettled, summaryOfWaiting } from './summary.js';

export { factoryView } from './placement.js';

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
  /** Stages of the jobs that it depends on. */
  depStages?: ReadonlyMap<string, Stage> | undefined;
  /** A composite's children. */
  children?: readonly ChildState[] | undefined;
  /** The job's last run, where it parked a change. */
  lastRun?: Run | undefined;
  /** ISO time. */
  now: string;
}

/** Who could run the job, what keeps it from each, and what would place it. */
export function explainJob(input: ExplainInput): Explanation {
  const { job, position, pools, lastAssignment } = input;
  const routing = routeJob(job, pools);
  const sla = slaOf(job, input.now);
  const common = {
    jobId: job.jobId,
    stage: job.stage,
    ...(job.children === undefined && { lane: job.lane }),
    pools: isReady(job) ? routing.considered : [],
    factories: [],
    ...(sla !== undefined && { sla }),
    ...(lastAssignment !== undefined && { assignment: lastAssignment }),
  };
  const kept = keptBack(job, input.depStages, input.children);
  if (kept !== undefined) return { ...common, state: 'blocked', ...kept };
  if (!isReady(job)) {
    const state = isEnded(job.stage) ? 'ended' : 'placed';
    return { ...common, state, summary: summaryOfSettled(job, input.lastRun) };
  }
  const pool = input.entry?.pool ?? (routing.kind === 'routed' ? routing.pool : undefined);
  if (pool === undefined) return { ...common, ...unroutable(job, routing.considered, input.factories) };
  const entry = input.entry ?? readyEntryOf(job, pool);
  const { holds, factories, change } = placementOf(entry, input.factories, pools, input.context, input.now);
  return {
    ...common,
    state: 'waiting',
    summary: summaryOfWaiting(entry, holds, factories, position),
    ...(change.length > 0 && { wouldPlace: change.map(describeRemedy).join(', and ') }),
    pool,
    ...(position !== undefined && { position }),
    factories,
  };
}
