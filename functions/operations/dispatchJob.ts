import type { ReadyEntry } from '../../shared/contract/fleet.js';
import type { Job } from '../../shared/contract/job.js';
import type { Ticket } from '../../shared/contract/messages.js';
import { readyEntryOf } from '../../shared/rules/ready.js';
import { routeJob } from '../../shared/rules/routing.js';
import { isReady } from '../../shared/rules/stages.js';
import { POOLS, READY, TICKET_TTL_SECONDS, poolQueueName } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { laneSession } from './laneSession.js';

/**
 * Puts a ready job into its pool's ready set and rings the pool's bell. Does nothing for a job that is not ready.
 * Safe to repeat: the entry is written over, and the queue drops a second ticket of the same id. The entry comes
 * first, since a factory that follows the ticket must find it.
 */
export async function dispatchJob(deps: Deps, job: Job): Promise<void> {
  if (!isReady(job)) return;
  const routing = routeJob(job, POOLS);
  if (routing.kind === 'unroutable') {
    deps.log('warn', 'no pool could ever run this job', { jobId: job.jobId, considered: routing.considered });
    return;
  }
  await deps.documents.upsert(READY, readyEntryOf(job, routing.pool));
  // The number of events tells one time of being ready from the next: a requeue may come with the same epoch.
  await sendTicket(deps, { ...job, pool: routing.pool }, String(job.events), job.notBefore);
}

/** As dispatchJob, for a caller whose work is done already: the feed does it again in a moment. */
export async function dispatchSoon(deps: Deps, job: Job): Promise<void> {
  try {
    await dispatchJob(deps, job);
  } catch (error) {
    deps.log('warn', 'dispatch is left to the change feed', { jobId: job.jobId, error: String(error) });
  }
}

/** Tells the pool that the lane has one more ready job. `mark` makes the message's id unique to its occasion. */
export async function sendTicket(
  deps: Deps,
  about: Pick<ReadyEntry, 'pool' | 'lane' | 'epoch'> & { jobId: string },
  mark: string,
  notBefore?: string,
): Promise<void> {
  const { pool, lane, jobId, epoch } = about;
  const body: Ticket = { ticket: { pool, lane, jobId, epoch } };
  await deps.bus.send(poolQueueName(pool), {
    body,
    sessionId: laneSession(deps, pool, lane),
    messageId: `${jobId}.${epoch}.${mark}`,
    ttlSeconds: TICKET_TTL_SECONDS,
    ...(notBefore === undefined ? {} : { notBefore }),
  });
}

/** Takes a job that is not ready any more out of its pool's ready set. */
export async function withdrawJob(deps: Deps, job: Job): Promise<void> {
  const routing = routeJob(job, POOLS);
  if (routing.kind === 'routed') await deps.documents.remove(READY, [routing.pool], job.jobId);
}

/** After a lock became free: one of the jobs that wait for it may go. Its ticket was spent while it was blocked. */
export async function ringLockWaiters(deps: Deps, productId: string, lock: string): Promise<void> {
  const [next] = await deps.documents.query<ReadyEntry>(READY, {
    text: 'SELECT * FROM c WHERE c.productId = @productId AND c.lock = @lock',
    parameters: { productId, lock },
  });
  if (!next) return;
  const entry = next.document;
  await sendTicket(deps, { ...entry, jobId: entry.id }, `lock-${Date.parse(deps.clock.now())}`);
}
