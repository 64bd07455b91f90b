import type { Stored } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Lease } from '../../shared/contract/fleet.js';
import type { Actor, Job } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';
import { after, isExpired, isReclaimable } from '../../shared/rules/leases.js';
import { isInFlight } from '../../shared/rules/stages.js';
import { JOBS, LEASES } from '../../shared/topology.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { giveBackUnclaimed } from './budgetStore.js';
import { markOffline, noteOutcome } from './factoryStore.js';
import { readJob, readRun, type JobRef } from './jobStore.js';
import { dropLease, readLease, refOf } from './leaseStore.js';

const REAPER: Actor = { kind: 'system', id: 'reaper' };

/**
 * Takes jobs back whose holder was silent for a whole lease. One that runs out within `aheadSeconds` is waited for and
 * taken at that very moment, so that a job is free again when its lease ends and not at some later look; a fleet
 * whose factories are all well renews long before, and costs one query a look.
 * @param aheadSeconds until the next look; 0 takes what has run out already
 * @returns how many
 */
export async function reapLeases(deps: Deps, aheadSeconds = 0): Promise<number> {
  const until = after(deps.clock.now(), aheadSeconds);
  const ending = await deps.documents.query<Lease>(LEASES, {
    text: `SELECT * FROM c WHERE c.type = 'lease' AND c.expiresAt <= @until`,
    parameters: { until },
  });
  const turns = await Promise.allSettled(ending.map(({ document }) => reapAtEnd(deps, document, until)));
  const failed = turns.find((turn) => turn.status === 'rejected');
  if (failed) throw failed.reason;
  return turns.filter((turn) => turn.status === 'fulfilled' && turn.value).length;
}

/** One that is renewed in the meantime is waited for again, or left to the next look. */
async function reapAtEnd(deps: Deps, seen: Lease, until: string): Promise<boolean> {
  let { expiresAt } = seen;
  while (expiresAt <= until) {
    const left = Date.parse(expiresAt) - Date.parse(deps.clock.now());
    if (left > 0) await deps.clock.sleep(left);
    const lease = await readLease(deps, seen.jobId);
    if (!lease) return false;
    if (isExpired(lease.document, deps.clock.now())) return reap(deps, lease);
    ({ expiresAt } = lease.document);
  }
  return false;
}

/**
 * The lease is fenced first, on the condition that nobody renewed it in the meantime: from here on its holder neither
 * renews nor pushes. Then the job is taken, and the lease goes with it. Whatever fails or dies in between, the lease
 * is still there and over, so the next look goes on.
 */
async function reap(deps: Deps, lease: Stored<Lease>): Promise<boolean> {
  const { jobId, epoch, expiresAt, holder, takenFrom = holder } = lease.document;
  if (lease.document.takenFrom === undefined) {
    try {
      const fenced: Lease = { ...lease.document, holder: REAPER.id, takenFrom };
      await deps.documents.replace(LEASES, [jobId], fenced, lease.etag);
    } catch (error) {
      if (isCloudError(error, 'precondition', 'not-found')) return false;
      throw error;
    }
  }
  await markOffline(deps, takenFrom, expiresAt);
  const why = `no sign of life from ${takenFrom} since before ${expiresAt}`;
  const isTaken = await takeBack(deps, refOf(lease.document), epoch, why);
  if (isTaken) await noteOutcome(deps, takenFrom, false);
  if (!isTaken) await dropLease(deps, jobId, epoch);
  return isTaken;
}

/**
 * Takes jobs back that are in flight without any lease: whoever claimed them died before writing it. And takes leases
 * away whose run is over: whoever ended it died before removing them, and a holder that is fenced would renew on. And
 * gives back what was reserved for claims that never came to be.
 * @returns how many jobs
 */
export async function reapOrphans(deps: Deps): Promise<number> {
  const [inFlight, leased] = await Promise.all([
    deps.documents.select<Pick<Job, 'productId' | 'jobId' | 'epoch'>>(JOBS, {
      text: `SELECT c.productId, c.jobId, c.epoch FROM c WHERE c.type = 'job' AND IS_DEFINED(c.holder)`,
    }),
    deps.documents.select<Pick<Lease, 'productId' | 'jobId' | 'epoch'>>(LEASES, {
      text: `SELECT c.productId, c.jobId, c.epoch FROM c WHERE c.type = 'lease'`,
    }),
  ]);
  const covered = new Set(leased.map(({ jobId, epoch }) => `${jobId}.${epoch}`));
  const orphans = inFlight.filter(({ jobId, epoch }) => !covered.has(`${jobId}.${epoch}`));
  const held = new Set(inFlight.map(({ jobId, epoch }) => `${jobId}.${epoch}`));
  const left = leased.filter(({ jobId, epoch }) => !held.has(`${jobId}.${epoch}`));
  const [reaped] = await Promise.all([
    Promise.all(orphans.map((orphan) => reapOrphan(deps, orphan))),
    giveBackUnclaimed(deps, held),
    ...left.map((lease) => dropIfOver(deps, lease)),
  ]);
  return reaped.filter(Boolean).length;
}

async function reapOrphan(deps: Deps, ref: JobRef): Promise<boolean> {
  const { document: job } = await readJob(deps, ref);
  const run = await readRun(deps, ref, job.epoch);
  const lease = await readLease(deps, ref.jobId);
  const { leaseSeconds } = deps.settings;
  if (!run || !isReclaimable(job, lease?.document, run.startedAt, deps.clock.now(), leaseSeconds))
    return false;
  return takeBack(deps, ref, job.epoch, `${job.holder ?? 'its holder'} never got a lease`);
}

/** A claim may have come between the two lists: the job has the last word, in a read that is no older than its claim. */
async function dropIfOver(deps: Deps, lease: JobRef & Pick<Lease, 'epoch'>): Promise<void> {
  const { document: job } = await readJob(deps, lease);
  const isOver = job.epoch > lease.epoch || (job.epoch === lease.epoch && !isInFlight(job));
  if (isOver) await dropLease(deps, lease.jobId, lease.epoch);
}

async function takeBack(deps: Deps, ref: JobRef, epoch: number, message: string): Promise<boolean> {
  try {
    const job = await changeJob(deps, ref, { kind: 'lose', actor: REAPER, epoch, message });
    deps.log('warn', 'a job was taken back', { jobId: ref.jobId, epoch, stage: job.stage, message });
    return true;
  } catch (error) {
    // It ended, or went on under another epoch: nothing to take back.
    if (error instanceof AppError && error.code !== 'contended') return false;
    throw error;
  }
}
