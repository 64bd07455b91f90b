import { CloudError } from '../../shared/cloud/errors.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Actor, Job } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';
import { isReached, openDeps } from '../../shared/rules/dag.js';
import { JOBS } from '../../shared/topology.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { readStages } from './jobStages.js';
import { readJob, type JobRef } from './jobStore.js';

const UNBLOCKER: Actor = { kind: 'system', id: 'deps' };

/**
 * Lets jobs go on that waited for what this event brought. The dependencies are read again each time, so it may come
 * twice and in any order. A new job looks at its own ones too: what it waits for may have arrived while it was being
 * submitted, before anybody could know of it.
 * @throws CloudError unavailable when the read is older than the event; the feed comes again
 */
export async function unblockDependents(deps: Deps, event: JobEvent): Promise<void> {
  const { productId, jobId, stage, from, body } = event;
  if (body.kind === 'job.submitted' || body.kind === 'job.requeued') {
    await unblock(deps, event);
    return;
  }
  if (from === undefined || !isReached(stage, 'testing')) return;
  const { document: job } = await readJob(deps, event);
  if (job.events < event.seq)
    throw new CloudError('unavailable', `${jobId} was read as of event ${job.events}, not ${event.seq}`);
  const waiting = await deps.documents.select<string>(JOBS, {
    text: `SELECT VALUE c.jobId FROM c
           WHERE c.productId = @productId AND c.type = 'job' AND ARRAY_CONTAINS(c.waitsFor, @jobId)`,
    parameters: { productId, jobId },
  });
  for (const dependent of waiting) await unblock(deps, { productId, jobId: dependent });
}

async function unblock(deps: Deps, ref: JobRef): Promise<void> {
  const { document: job } = await readJob(deps, ref);
  if (job.stage !== 'queued' || job.waitsFor === undefined || !(await isMet(deps, job))) return;
  try {
    await changeJob(deps, ref, { kind: 'unblock', actor: UNBLOCKER });
  } catch (error) {
    // Somebody else unblocked it, or it was cancelled.
    if (error instanceof AppError && error.code === 'illegal-transition') return;
    throw error;
  }
}

async function isMet(deps: Deps, { productId, deps: needed = [] }: Job): Promise<boolean> {
  const stages = await readStages(
    deps,
    productId,
    needed.map(({ jobId }) => jobId),
  );
  return openDeps(needed, stages).length === 0;
}
