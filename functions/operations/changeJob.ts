import type { Job } from '../../shared/contract/job.js';
import { AppError, assertExhaustive } from '../../shared/errors.js';
import { decide, type Command, type Rejected } from '../../shared/rules/lifecycle.js';
import { isReady } from '../../shared/rules/stages.js';
import { commitDecision } from './commitDecision.js';
import type { Deps } from './deps.js';
import { dispatchSoon, ringLockWaiters, withdrawJob } from './dispatchJob.js';
import { readJob, readRun, type JobRef } from './jobStore.js';
import { dropLease, dropLock } from './leaseStore.js';

/** Writers of one job are few: its holder, a person, the reaper. */
const MAX_ATTEMPTS = 6;
const PAUSE_MS = 10;

/**
 * Carries out one command on a job: read, decide, write if nobody else was faster; otherwise once more on what they
 * left. Afterwards lease, lock and ready set follow the job; if that fails or never runs, the reaper, the change
 * feed and the next claim make up for it, since the job alone is the truth.
 * @throws AppError not-found, illegal-transition, stale-epoch, contended
 */
export async function changeJob(deps: Deps, ref: JobRef, command: Command): Promise<Job> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const fixedEpoch = epochOf(command);
    const [before, early] = await Promise.all([
      readJob(deps, ref),
      fixedEpoch === undefined ? undefined : readRun(deps, ref, fixedEpoch),
    ]);
    const run = fixedEpoch === undefined ? await readRun(deps, ref, before.document.epoch) : early;
    const decision = decide(before.document, run, command, deps.clock.now());
    if (decision.kind === 'rejected') {
      const isLast = attempt === MAX_ATTEMPTS && decision.code === 'illegal-transition';
      if (isLast || !knowsMore(command, before.document)) throw refusal(before.document, decision);
      await deps.clock.sleep(deps.chance.random() * PAUSE_MS * attempt);
      continue;
    }
    if (decision.events.length === 0) return before.document;
    const after = await commitDecision(deps, before, decision);
    if (after) {
      await followUp(deps, before.document, after);
      return after;
    }
    await deps.clock.sleep(deps.chance.random() * PAUSE_MS * attempt);
  }
  throw new AppError('contended', `${ref.jobId} is being changed by others; try again`);
}

/** A rejection as callers get it. */
export const refusal = ({ stage, epoch }: Job, { code, message, legal }: Rejected): AppError =>
  new AppError(code, message, { legal, stage, epoch });

/**
 * Does a factory tell of a run that this read of the job cannot have heard of yet? Its claim, or its last report, may
 * have gone through another instance a moment ago. To refuse it would end a run that is all right.
 */
const knowsMore = (command: Command, job: Job): boolean =>
  command.kind === 'report' &&
  (command.epoch > job.epoch || (command.epoch === job.epoch && command.factoryId === job.holder));

function epochOf(command: Command): number | undefined {
  switch (command.kind) {
    case 'report':
    case 'lose':
      return command.epoch;
    case 'claim':
    case 'ship':
    case 'cancel':
    case 'requeue':
    case 'unblock':
    case 'breach':
    case 'reroute':
    case 'adopt':
    case 'settle':
    case 'approve':
    case 'reject':
    case 'promote':
    case 'override':
    case 'hold':
    case 'pause':
    case 'resume':
      return undefined;
    default:
      return assertExhaustive(command);
  }
}

/** Brings what hangs on the job in line with it. The lease goes before the job is offered again. */
async function followUp(deps: Deps, before: Job, after: Job): Promise<void> {
  try {
    if (before.holder !== undefined && after.holder === undefined) {
      await Promise.all([dropLease(deps, before.jobId, before.epoch), dropLock(deps, before, before.epoch)]);
      const { lock } = before.manifest;
      if (lock !== undefined) await ringLockWaiters(deps, before.productId, lock);
    }
    if (isReady(before) && (!isReady(after) || after.lane !== before.lane)) await withdrawJob(deps, before);
  } catch (error) {
    deps.log('warn', 'clearing up after a change is left to the reaper', {
      jobId: after.jobId,
      error: String(error),
    });
  }
  await dispatchSoon(deps, after);
}
