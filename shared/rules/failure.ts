/** What becomes of a job and its run when the run fails, is lost, or is given back. */
import type { Actor, FailureReason, Job, Run, Usage } from '../contract/job.js';
import { isOverBudget } from './budget.js';
import { draft, enter, omit } from './decision.js';
import type { Accepted } from './decision.js';
import { decideRetry } from './retry.js';
import { isLanding } from './stages.js';
import { addUsage } from './spend.js';

export interface RunFailure {
  reason: FailureReason;
  message: string;
  exitCode: number | null;
  usage?: Usage | undefined;
}

const ended = (run: Run, status: 'failed' | 'lost', failure: RunFailure, now: string): Run => ({
  ...run,
  status,
  endedAt: now,
  failure: { reason: failure.reason, message: failure.message, exitCode: failure.exitCode },
});

interface Outcome {
  job: Job;
  /** When the retry may start, if there is one. */
  retryAt?: string;
}

/** The job after a build that brought nothing: nobody holds it, and its retry policy has spoken. */
function afterBuild(job: Job, failure: RunFailure, now: string): Outcome {
  const { reason, message } = failure;
  const free: Job = { ...omit(job, 'holder', 'notBefore'), failure: { reason, message } };
  // What has used its budget up is run again by a person only.
  if (isOverBudget(job)) return { job: enter(omit(free, 'checkpoint'), 'failed', now) };
  const retry = decideRetry({ reason, attempts: job.attempts, retry: job.manifest.retry, now });
  if (retry.kind === 'retry')
    return { job: { ...enter(free, 'queued', now), notBefore: retry.at }, retryAt: retry.at };
  // What a person runs again begins anew.
  return {
    job: enter(omit(free, 'checkpoint'), retry.kind === 'exhausted' ? 'dead_letter' : 'failed', now),
  };
}

/**
 * A run whose factory says that it failed. A build is retried as its policy says; a landing goes back to the person
 * who asked for it. What was spent counts once in a run (a run that finished has told it already), and landing runs
 * no engine.
 */
export function failRun(job: Job, run: Run, failure: RunFailure, actor: Actor, now: string): Accepted {
  const { reason, message, exitCode } = failure;
  const fence = { epoch: run.epoch, factoryId: run.factoryId };
  const over = ended(run, 'failed', failure, now);
  if (isLanding(job)) {
    const parked: Job = {
      ...enter(omit(job, 'holder', 'landing'), 'review', now),
      failure: { reason, message },
    };
    const refused = draft({ kind: 'ship.refused', ...fence, message }, actor, now, job, parked);
    return { kind: 'accepted', job: parked, run: over, events: [refused] };
  }
  const usage = run.usage === undefined ? failure.usage : undefined;
  const spent: Job = usage === undefined ? job : { ...job, usage: addUsage(job.usage, usage) };
  const { job: next, retryAt } =
    reason === 'budget' ? { job: onHold(spent, failure, actor, now) } : afterBuild(spent, failure, now);
  const body = {
    kind: 'run.failed',
    ...fence,
    reason,
    message,
    exitCode,
    ...(usage !== undefined && { usage }),
    ...(retryAt !== undefined && { retryAt }),
  } as const;
  const failed = draft(body, actor, now, job, next);
  // Two events: what happened, and what follows for people.
  const held = draft({ kind: 'job.held', reason: message, paused: true }, actor, now, next, next);
  return {
    kind: 'accepted',
    job: next,
    run: { ...over, ...(usage !== undefined && { usage }) },
    events: reason === 'budget' ? [failed, held] : [failed],
  };
}

/** Its own budget is used up: it waits for a person (BUD-1), and the run counts as no attempt. */
function onHold(job: Job, { reason, message }: RunFailure, actor: Actor, now: string): Job {
  return {
    ...enter(omit(job, 'holder', 'notBefore', 'change', 'verify'), 'queued', now),
    attempts: Math.max(0, job.attempts - 1),
    failure: { reason, message },
    hold: { by: actor, at: now, reason: message },
  };
}

/** A run whose factory fell silent. A build counts as failed; a landing is simply ready for the next factory. */
export function loseRun(job: Job, run: Run, message: string, actor: Actor, now: string): Accepted {
  const failure = { reason: 'lost', message, exitCode: null } as const;
  const free: Job = omit(job, 'holder');
  const { job: next, retryAt }: Outcome = isLanding(job) ? { job: free } : afterBuild(job, failure, now);
  const body = {
    kind: 'run.lost',
    epoch: run.epoch,
    factoryId: run.factoryId,
    message,
    ...(retryAt !== undefined && { retryAt }),
  } as const;
  return {
    kind: 'accepted',
    job: next,
    run: ended(run, 'lost', failure, now),
    events: [draft(body, actor, now, job, next)],
  };
}

/** A run that its factory gives back: no attempt is counted, and nobody waits for a retry. */
export function releaseRun(
  job: Job,
  run: Run,
  message: string,
  actor: Actor,
  now: string,
  used?: Usage,
): Accepted {
  // A run that finished has told what it used.
  const usage = run.usage === undefined ? used : undefined;
  const free: Job = {
    ...omit(job, 'holder'),
    ...(usage !== undefined && { usage: addUsage(job.usage, usage) }),
  };
  const next: Job = isLanding(job)
    ? free
    : {
        ...enter(omit(free, 'change', 'verify', 'override'), 'queued', now),
        attempts: Math.max(0, job.attempts - 1),
      };
  const fence = { epoch: run.epoch, factoryId: run.factoryId };
  const body = { kind: 'run.released', ...fence, message, ...(usage !== undefined && { usage }) } as const;
  return {
    kind: 'accepted',
    job: next,
    run: { ...run, status: 'released', endedAt: now, ...(usage !== undefined && { usage }) },
    events: [draft(body, actor, now, job, next)],
  };
}

/** The run of a job that a person takes away from its holder; the holder finds itself fenced. */
export const cancelledRun = (run: Run, message: string, now: string): Run =>
  ended(run, 'failed', { reason: 'cancelled', message, exitCode: null }, now);
