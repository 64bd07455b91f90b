import { CloudError } from '../../shared/cloud/errors.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Actor, Job } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';
import { familyOf } from '../../shared/rules/composite.js';
import type { Command } from '../../shared/rules/lifecycle.js';
import { isEnded } from '../../shared/rules/stages.js';
import { JOBS } from '../../shared/topology.js';
import { changeJob } from './changeJob.js';
import { createChildren } from './createChildren.js';
import type { Deps } from './deps.js';
import { inParallel } from './inParallel.js';
import { readJob, type JobRef } from './jobStore.js';

const FAMILY: Actor = { kind: 'system', id: 'composite' };

type Child = Pick<Job, 'jobId' | 'stage' | 'key'>;

/**
 * Keeps composites and their children in step with an event: children of an accepted plan come into being, the end
 * of the last one ends the parent, a cancelled parent takes its children along, and one that runs again takes up
 * those that did not ship. Looks at what is, so it may come twice and in any order.
 * @throws CloudError unavailable when the read is older than the event; the feed comes again
 */
export async function tendChildren(deps: Deps, event: JobEvent): Promise<void> {
  const { body, stage, from, productId } = event;
  if (body.kind === 'children.requested') return createChildren(deps, event, [body.plan]);
  const ended = from !== undefined && isEnded(stage);
  if (body.kind !== 'job.submitted' && body.kind !== 'job.requeued' && !ended) return;
  const { document: job } = await readJob(deps, event);
  if (job.events < event.seq)
    throw new CloudError('unavailable', `${job.jobId} was read as of event ${job.events}, not ${event.seq}`);
  if (body.kind === 'job.requeued' && job.children !== undefined) await takeUp(deps, job);
  if (body.kind === 'job.cancelled' && job.children !== undefined)
    await cancelChildren(deps, job, body.reason);
  if (job.parent === undefined) return;
  const parent = { productId, jobId: job.parent };
  if (body.kind === 'job.submitted') await cancelOrphan(deps, job, parent);
  else if (ended) await settleParent(deps, parent, job);
}

/** Jobs that one request cancels at most; the feed does the rest. */
const MAX_AT_ONCE = 100;

/**
 * What the end of a job means to its family, at once: a cancelled composite takes all below it along, a first failure
 * may end the siblings, the last child ends the parent. The feed does the same again, so nothing is lost if this is.
 */
export async function tendSoon(deps: Deps, job: Job): Promise<void> {
  if (!isEnded(job.stage)) return;
  try {
    if (job.children !== undefined && job.failure?.reason === 'cancelled') await cancelBelow(deps, job);
    if (job.parent !== undefined)
      await settleParent(deps, { productId: job.productId, jobId: job.parent }, job, MAX_AT_ONCE);
  } catch (error) {
    deps.log('warn', 'its family is left to the change feed', { jobId: job.jobId, error: String(error) });
  }
}

/** Children, their children, and so on: the deepest ones too stop with this request. */
async function cancelBelow(deps: Deps, top: Job): Promise<void> {
  const open = await deps.documents.select<JobRef>(JOBS, {
    text: `SELECT TOP ${MAX_AT_ONCE} c.productId, c.jobId FROM c
           WHERE c.productId = @productId AND c.type = 'job' AND ARRAY_CONTAINS(c.ancestors, @jobId)
           AND c.stage NOT IN ('shipped', 'failed', 'dead_letter')`,
    parameters: { productId: top.productId, jobId: top.jobId },
  });
  const reason = `${top.jobId} was cancelled: ${top.failure?.message ?? ''}`;
  await inParallel(open, (ref) => tryChange(deps, ref, cancel(reason)));
}

/** Composites of one sweep; the next one goes on. */
const MAX_SWEPT = 200;

/** Ends composites whose last children ended at the same moment, each unseen by the look that the other one took. */
export async function sweepComposites(deps: Deps): Promise<void> {
  const waiting = await deps.documents.select<JobRef>(JOBS, {
    text: `SELECT TOP ${MAX_SWEPT} c.productId, c.jobId FROM c
           WHERE c.type = 'job' AND c.stage = 'queued' AND c.children.count > 0`,
  });
  await inParallel(waiting, (ref) => settleParent(deps, ref));
}

/** The parent was cancelled while the child was being created. */
async function cancelOrphan(deps: Deps, child: Job, parent: JobRef): Promise<void> {
  const { document } = await readJob(deps, parent);
  if (document.failure?.reason !== 'cancelled' || !isEnded(document.stage)) return;
  await tryChange(deps, child, cancel(`${parent.jobId} was cancelled`));
}

/**
 * Ends the parent when this was its last child; a first failure may end the siblings.
 * @param atMost how many of them now
 */
async function settleParent(deps: Deps, ref: JobRef, child?: Job, atMost = Infinity): Promise<void> {
  const { document: parent } = await readJob(deps, ref);
  const { children } = parent;
  if (children === undefined || children.count === 0 || parent.stage !== 'queued') return;
  const failFast = children.onFailure === 'fail-fast' && child !== undefined && child.stage !== 'shipped';
  if (!failFast && (await openChildren(deps, ref)) > 0) return;
  let family = await readChildren(deps, ref);
  if (family.length < children.count) {
    await createChildren(deps, ref, children.plans);
    family = await readChildren(deps, ref);
  }
  if (failFast) {
    const idle = family.filter(({ stage }) => ['queued', 'assigned', 'building'].includes(stage));
    await inParallel(idle.slice(0, atMost), (one) =>
      tryChange(
        deps,
        { ...ref, jobId: one.jobId },
        cancel(`${child.jobId} failed, and ${ref.jobId} fails fast`),
      ),
    );
  }
  const { ended, shipped, failed } = familyOf(family, children.count);
  if (ended) await tryChange(deps, ref, { kind: 'settle', actor: FAMILY, shipped, failed });
}

async function cancelChildren(deps: Deps, parent: Job, reason: string): Promise<void> {
  const open = (await readChildren(deps, parent)).filter(({ stage }) => !isEnded(stage));
  await inParallel(open, ({ jobId }) =>
    tryChange(deps, { ...parent, jobId }, cancel(`${parent.jobId} was cancelled: ${reason}`)),
  );
}

/** Runs the children once more that did not ship; those that did stay as they are. */
async function takeUp(deps: Deps, parent: Job): Promise<void> {
  if (parent.stage !== 'queued') return;
  const family = await readChildren(deps, parent);
  const again = family.filter(({ stage }) => isEnded(stage) && stage !== 'shipped');
  const command: Command = { kind: 'requeue', actor: FAMILY, reason: `${parent.jobId} runs again` };
  await inParallel(again, ({ jobId }) => tryChange(deps, { ...parent, jobId }, command));
}

const cancel = (reason: string): Command => ({
  kind: 'cancel',
  actor: FAMILY,
  reason: reason.slice(0, 1000),
});

/** Somebody else did it, or the job has gone on: both are fine. */
async function tryChange(deps: Deps, ref: JobRef, command: Command): Promise<void> {
  try {
    await changeJob(deps, ref, command);
  } catch (error) {
    if (error instanceof AppError && error.code === 'illegal-transition') return;
    throw error;
  }
}

const OF_PARENT = `c.productId = @productId AND c.type = 'job' AND c.parent = @jobId`;

async function openChildren(deps: Deps, { productId, jobId }: JobRef): Promise<number> {
  const [open] = await deps.documents.select<number>(JOBS, {
    text: `SELECT VALUE COUNT(1) FROM c WHERE ${OF_PARENT} AND c.stage NOT IN ('shipped', 'failed', 'dead_letter')`,
    parameters: { productId, jobId },
  });
  return open ?? 0;
}

/** The children of a composite without their manifests' bodies. */
export const readChildren = (deps: Deps, { productId, jobId }: JobRef): Promise<Child[]> =>
  deps.documents.select<Child>(JOBS, {
    text: `SELECT c.jobId, c.stage, c.key FROM c WHERE ${OF_PARENT}`,
    parameters: { productId, jobId },
  });
