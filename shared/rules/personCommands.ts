/** What the commands of people do to a job. That they are legal now has been checked before (lifecycle.ts). */
import type { Actor, Job, Run } from '../contract/job.js';
import { draft, enter, omit } from './decision.js';
import type { Accepted, CommandOf } from './decision.js';
import { cancelledRun, releaseRun } from './failure.js';
import { hasApproved, isShared, openApprovals } from './gates.js';
import { isLanding } from './stages.js';

const unchanged = (job: Job): Accepted => ({ kind: 'accepted', job, events: [] });

/** Ready to be merged. Also from review: without a verify command the person who ships is the gate. */
export function land(job: Job, actor: Actor, now: string): Accepted {
  if (isLanding(job)) return unchanged(job);
  const next: Job = {
    ...enter(omit(job, 'failure'), 'testing', now),
    landing: { requestedBy: actor, requestedAt: now },
  };
  return { kind: 'accepted', job: next, events: [draft({ kind: 'ship.requested' }, actor, now, job, next)] };
}

export function cancel(
  job: Job,
  run: Run | undefined,
  { actor, reason }: CommandOf<'cancel'>,
  now: string,
): Accepted {
  const next: Job = {
    ...enter(omit(job, 'holder', 'landing', 'notBefore', 'hold', 'checkpoint'), 'failed', now),
    failure: { reason: 'cancelled', message: reason },
  };
  return {
    kind: 'accepted',
    job: next,
    ...(run !== undefined && { run: cancelledRun(run, reason, now) }),
    events: [draft({ kind: 'job.cancelled', reason }, actor, now, job, next)],
  };
}

export function requeue(
  job: Job,
  run: Run | undefined,
  { actor, reason }: CommandOf<'requeue'>,
  now: string,
): Accepted {
  const next: Job = {
    ...enter(
      omit(job, 'holder', 'notBefore', 'failure', 'change', 'verify', 'approvals', 'override', 'checkpoint'),
      'queued',
      now,
    ),
    attempts: 0,
  };
  return {
    kind: 'accepted',
    job: next,
    ...(run !== undefined && { run: cancelledRun(run, `requeued: ${reason}`, now) }),
    events: [draft({ kind: 'job.requeued', reason }, actor, now, job, next)],
  };
}

/** Counted once a person. Approving does not ship: with the last one, shipping becomes legal. */
export function approve(job: Job, { actor, review }: CommandOf<'approve'>, now: string): Accepted {
  if (hasApproved(job, actor)) return unchanged(job);
  const commit = job.change?.commit ?? '';
  const reviewed = review?.commit === commit && isShared(job) ? { review: review.jobId } : {};
  const next: Job = {
    ...job,
    approvals: [...(job.approvals ?? []), { by: actor.id, at: now, commit, ...reviewed }],
  };
  const body = { kind: 'gate.approved', commit, open: openApprovals(next), ...reviewed } as const;
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}

export function reject(job: Job, { actor, reason }: CommandOf<'reject'>, now: string): Accepted {
  const next: Job = {
    ...enter(omit(job, 'landing', 'hold', 'approvals'), 'failed', now),
    failure: { reason: 'rejected', message: reason },
  };
  const body = { kind: 'gate.rejected', reason } as const;
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}

export function promote(job: Job, { actor }: CommandOf<'promote'>, now: string): Accepted {
  const next: Job = enter(omit(job, 'failure'), 'testing', now);
  return { kind: 'accepted', job: next, events: [draft({ kind: 'gate.promoted' }, actor, now, job, next)] };
}

export function override(job: Job, { actor, reason }: CommandOf<'override'>, now: string): Accepted {
  const commit = job.change?.commit ?? '';
  const next: Job = { ...job, override: { by: actor.id, at: now, commit, reason } };
  const body = { kind: 'gate.overridden', commit, reason } as const;
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}

export function hold(job: Job, { actor, reason }: CommandOf<'hold'>, now: string): Accepted {
  const next: Job = { ...job, hold: { by: actor, at: now, reason } };
  const body = { kind: 'job.held', reason, paused: false } as const;
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}

/** The run ends without an attempt being counted; the holder finds itself fenced with its next renewal. */
export function pause(job: Job, run: Run, { actor, reason }: CommandOf<'pause'>, now: string): Accepted {
  const freed = releaseRun(job, run, reason, actor, now);
  const next: Job = { ...freed.job, hold: { by: actor, at: now, reason } };
  const body = { kind: 'job.held', reason, paused: true } as const;
  return {
    ...freed,
    job: next,
    run: cancelledRun(run, `paused: ${reason}`, now),
    events: [draft(body, actor, now, job, next)],
  };
}

export function resume(job: Job, { actor }: CommandOf<'resume'>, now: string): Accepted {
  const next: Job = omit(job, 'hold');
  return { kind: 'accepted', job: next, events: [draft({ kind: 'job.resumed' }, actor, now, job, next)] };
}
