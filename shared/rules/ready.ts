/** The ready set's entry of a job: what the scheduler needs, nothing else. */
import type { ReadyEntry } from '../contract/fleet.js';
import type { Job } from '../contract/job.js';
import { costOf } from './budget.js';
import { orderKey, priorityRank } from './priority.js';
import { needsOf } from './profile.js';
import { nextRunKind } from './stages.js';

/** The entry of a job that is ready (see isReady) in the pool that it was routed to. */
export function readyEntryOf(job: Job, pool: string): ReadyEntry {
  const { manifest } = job;
  const run = nextRunKind(job);
  const cost = costOf(job);
  const rank = priorityRank(manifest.priority);
  return {
    id: job.jobId,
    type: 'ready',
    pool,
    productId: job.productId,
    lane: job.lane,
    run,
    requirements: job.requirements,
    prefers: needsOf(job).prefers,
    ...(manifest.repo !== undefined && { repo: manifest.repo }),
    ...(manifest.lock !== undefined && { lock: manifest.lock }),
    ...(manifest.targetFactoryId !== undefined && { targetFactoryId: manifest.targetFactoryId }),
    priority: manifest.priority,
    priorityRank: rank,
    orderKey: orderKey(rank, Date.parse(job.submittedAt)),
    submittedAt: job.submittedAt,
    readySince: job.landing?.requestedAt ?? job.stageSince,
    ...(job.notBefore !== undefined && { notBefore: job.notBefore }),
    epoch: job.epoch,
    jobEvents: job.events,
    ...(cost !== undefined && { costUsd: cost }),
  };
}
