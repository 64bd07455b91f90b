// What goes on by itself after a process died: the change feed brings every event again, and the timers take turns.
import { workOnBatch } from '../../../functions/lib/feedBatch.js';
import { FEEDS } from '../../../functions/operations/feeds.js';
import { auditJob } from '../../../functions/operations/auditChain.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { readHistory, type JobRef } from '../../../functions/operations/jobStore.js';
import { reapLeases, reapOrphans } from '../../../functions/operations/reapLeases.js';
import { sweepTickets } from '../../../functions/operations/sweepTickets.js';
import { sweepComposites } from '../../../functions/operations/tendChildren.js';
import { isReady } from '../../../shared/rules/stages.js';
import { JOBS, READY } from '../../../shared/topology.js';
import type { TestCloud } from '../../support/cloud.js';
import { LEASE_SECONDS } from '../fixture.js';

const jobsOf = (deps: Deps, productId: string): Promise<JobRef[]> =>
  deps.documents.select<JobRef>(JOBS, {
    text: `SELECT c.productId, c.jobId FROM c WHERE c.type = 'job' AND c.productId = @productId`,
    parameters: { productId },
  });

/** The feed begins at the beginning and goes on as long as its own work brings new events. */
export async function feed(deps: Deps, productId: string): Promise<void> {
  let before = -1;
  for (;;) {
    const documents: object[] = [];
    for (const ref of await jobsOf(deps, productId)) documents.push(...(await readHistory(deps, ref)).events);
    if (documents.length === before) return;
    before = documents.length;
    for (const [name, operate] of Object.entries(FEEDS))
      await workOnBatch(deps, { name, operate }, documents, 0);
  }
}

/** A lease time later: every timer has had its turn. */
export async function timers(deps: Deps, cloud: TestCloud): Promise<void> {
  cloud.clock.advance(LEASE_SECONDS + 1);
  await reapLeases(deps);
  await reapOrphans(deps);
  await sweepTickets(deps);
  await sweepComposites(deps);
}

export async function repair(deps: Deps, cloud: TestCloud, productId: string): Promise<void> {
  await feed(deps, productId);
  await timers(deps, cloud);
  await feed(deps, productId);
}

/** What contradicts itself in a product that is at rest: chains of events, and the ready set against the jobs. */
export async function contradictions(deps: Deps, productId: string): Promise<string[]> {
  const found: string[] = [];
  const ready = new Set<string>();
  for (const ref of await jobsOf(deps, productId)) {
    const history = await readHistory(deps, ref);
    const { job } = history;
    found.push(...auditJob(history).map(({ message }) => message));
    if (isReady(job)) ready.add(job.jobId);
  }
  const entries = await deps.documents.select<string>(READY, {
    text: 'SELECT VALUE c.id FROM c WHERE c.productId = @productId',
    parameters: { productId },
  });
  for (const jobId of ready) if (!entries.includes(jobId)) found.push(`${jobId} is ready and not offered`);
  for (const jobId of entries) if (!ready.has(jobId)) found.push(`${jobId} is offered and not ready`);
  return found;
}
