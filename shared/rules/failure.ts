/** What becomes of a job and its run when the run fails, is lost, or is given back. */
import type { Actor, FailureReason, Job, Run, Usage } from '../contract/job.js';
import { draft, enter, omit } from './decision.js';
import type { Accepted } from './decision.js';
import { decideRetry } from './retry.js';
import type { RetryDecision } from './retry.js';
import { addUsage } from './spend.js';

export interface RunFailure {
  reason: FailureReason;
  message: string;
  exitCode: number | null;
  usage?: Usage | undefined;
}

/** The run, ended with a failure. */
const failedRun = (run: Run, failure: RunFailure, now: string): Run => ({
  ...run,
  status: failure.reason === 'lost' ? 'lost' : 'failed',
  endedAt: now,
  failure: { reason: failure.reason, message: failure.message, exitCode: failure.exitCode },
  ...(failure.usage !== undefined && { usage: failure.usage }),
});

/** The job after a failed build: nobody holds it, and the retry policy has spoken. */
function afterBuild(job: Job, failure: RunFailure, retry: RetryDecision, now: string): Job {
  const free: Job = {
    ...omit(job, 'holder', 'notBefore'),
    failure: { reason: failure.reason, message: failure.message },
  };
  if (retry.kind === 'retry') return { ...enter(free, 'queued', now), notBefore: retry.at };
  return enter(free, retry.kind === 'exhausted' ? 'dead_letter' : 'failed', now);
}

/**
 * A run that failed (or was lost, with that as its reason). A build is retried as its policy says. A landing goes back
 * to the person who asked for it, except that a lost one is simply ready for the next factory.
 * The usage counts once in a run: a run that finished has told its own already.
 */
export function failRun(job: Job, run: Run, failure: RunFailure, actor: Actor, now: string): Accepted {
  const usage = run.usage === undefined ? failure.usage : undefined;
  const ended = failedRun(run, { ...failure, usage }, now);
  const spent: Job = usage === undefined ? job : { ...job, usage: addUsage(job.usage, usage) };
  const { reason, message, exitCode } = failure;
  const fence = { epoch: run.epoch, factoryId: run.factoryId };

  if (run.kind === 'land') {
    if (reason === 'lost') {
      const ready: Job = omit(spent, 'holder');
      const lost = draft({ kind: 'run.lost', ...fence, message }, actor, now, job, ready);
      return { kind: 'accepted', job: ready, run: ended, events: [lost] };
    }
    const parked: Job = {
      ...enter(omit(spent, 'holder', 'landing'), 'review', now),
      failure: { reason, message },
    };
    const refused = draft({ kind: 'ship.refused', ...fence, message }, actor, now, job, parked);
    return { kind: 'accepted', job: parked, run: ended, events: [refused] };
  }

  const retry = decideRetry({ reason, attempts: job.attempts, retry: job.manifest.retry, now });
  const next = afterBuild(spent, failure, retry, now);
  const retryAt = retry.kind === 'retry' ? { retryAt: retry.at } : {};
  const body =
    reason === 'lost'
      ? ({ kind: 'run.lost', ...fence, message, ...retryAt } as const)
      : ({
          kind: 'run.failed',
          ...fence,
          reason,
          message,
          exitCode,
          ...(usage !== undefined && { usage }),
          ...retryAt,
        } as const);
  return { kind: 'accepted', job: next, run: ended, events: [draft(body, actor, now, job, next)] };
}

/** A run that its factory gives back: no attempt is counted, and nobody waits for a retry. */
export function releaseRun(job: Job, run: Run, message: string, actor: Actor, now: string): Accepted {
  const free: Job = omit(job, 'holder');
  const next: Job =
    run.kind === 'land'
      ? free
      : {
          ...enter(omit(free, 'change', 'verify'), 'queued', now),
          attempts: Math.max(0, job.attempts - 1),
        };
  const body = { kind: 'run.released', epoch: run.epoch, factoryId: run.factoryId, message } as const;
  return {
    kind: 'accepted',
    job: next,
    run: { ...run, status: 'released', endedAt: now },
    events: [draft(body, actor, now, job, next)],
  };
}

/** The run of a job that a person takes away from its holder; the holder finds itself fenced. */
export const cancelledRun = (run: Run, message: string, now: string): Run =>
  failedRun(run, { reason: 'cancelled', message, exitCode: null }, now);
