import type { Stored } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Lease, Lock } from '../../shared/contract/fleet.js';
import type { Job } from '../../shared/contract/job.js';
import { isExpired, leaseExpiry, leaseTtl } from '../../shared/rules/leases.js';
import { isInFlight } from '../../shared/rules/stages.js';
import { JOBS, LEASES } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { partitionOf, type JobRef } from './jobStore.js';

export const lockId = (productId: string, key: string): string =>
  `lock:${productId}:${encodeURIComponent(key)}`;

export const readLease = (deps: Deps, jobId: string): Promise<Stored<Lease> | undefined> =>
  deps.documents.read<Lease>(LEASES, [jobId], jobId);

export const leasesHeldBy = (deps: Deps, factoryId: string): Promise<Lease[]> =>
  deps.documents.select<Lease>(LEASES, {
    text: `SELECT * FROM c WHERE c.type = 'lease' AND c.holder = @factoryId`,
    parameters: { factoryId },
  });

/**
 * Writes the lease of a claim that was just committed. A lease of a later epoch is left alone: whoever comes so late
 * has lost the job already.
 * @returns undefined when a later epoch holds the job, or the reaper has fenced this one
 */
export async function grantLease(
  deps: Deps,
  claim: { job: Job; epoch: number; holder: string; pool: string },
): Promise<Lease | undefined> {
  const seconds = deps.settings.leaseSeconds;
  const lease: Lease = {
    id: claim.job.jobId,
    type: 'lease',
    productId: claim.job.productId,
    jobId: claim.job.jobId,
    epoch: claim.epoch,
    holder: claim.holder,
    pool: claim.pool,
    expiresAt: leaseExpiry(deps.clock.now(), seconds),
    directives: [],
    ttl: leaseTtl(seconds),
  };
  for (;;) {
    try {
      await deps.documents.create(LEASES, lease);
      return lease;
    } catch (error) {
      if (!isCloudError(error, 'exists')) throw error;
    }
    const existing = await readLease(deps, lease.id);
    if (!existing) continue;
    if (existing.document.epoch > lease.epoch) return undefined;
    // Fenced: the reaper is on its way to take the job, and must not find it leased once more.
    if (existing.document.epoch === lease.epoch && existing.document.takenFrom !== undefined)
      return undefined;
    if (existing.document.epoch === lease.epoch && existing.document.holder === lease.holder)
      return existing.document;
    try {
      await deps.documents.replace(LEASES, [lease.id], lease, existing.etag);
      return lease;
    } catch (error) {
      if (!isCloudError(error, 'precondition', 'not-found')) throw error;
    }
  }
}

/** Removes the lease of an epoch that is over. That of a later epoch stays. */
export async function dropLease(deps: Deps, jobId: string, epoch: number): Promise<void> {
  const lease = await readLease(deps, jobId);
  if (!lease || lease.document.epoch > epoch) return;
  try {
    await deps.documents.remove(LEASES, [jobId], jobId, lease.etag);
  } catch (error) {
    if (!isCloudError(error, 'precondition')) throw error;
  }
}

/**
 * Takes the job's lock for the epoch that is about to be claimed. A lock that ran out is not free as such, since nobody
 * renews it: it is, when the job that it names is not in flight with that epoch any more. Two who claim the same epoch
 * of one job share the lock: one of them will claim, and a lock that nobody claimed with is free after a lease time.
 * @returns false when another job has it, or a later epoch of this one
 */
export async function takeLock(deps: Deps, job: Job, epoch: number): Promise<boolean> {
  const key = job.manifest.lock;
  if (key === undefined) return true;
  const id = lockId(job.productId, key);
  const lock: Lock = {
    id,
    type: 'lock',
    productId: job.productId,
    key,
    jobId: job.jobId,
    epoch,
    expiresAt: leaseExpiry(deps.clock.now(), deps.settings.leaseSeconds),
    ttl: leaseTtl(deps.settings.leaseSeconds) + 2 * job.manifest.timeout,
  };
  try {
    await deps.documents.create(LEASES, lock);
    return true;
  } catch (error) {
    if (!isCloudError(error, 'exists')) throw error;
  }
  const existing = await deps.documents.read<Lock>(LEASES, [id], id);
  if (existing?.document.jobId === job.jobId && existing.document.epoch > epoch) return false;
  if (existing && (await lockHolder(deps, existing.document, job.jobId)) !== undefined) return false;
  try {
    if (existing) await deps.documents.replace(LEASES, [id], lock, existing.etag);
    else await deps.documents.create(LEASES, lock);
    return true;
  } catch (error) {
    if (isCloudError(error, 'precondition', 'not-found', 'exists')) return false;
    throw error;
  }
}

/**
 * Is the lock still that of the epoch that was claimed with it? The lock may have run out before the claim was written,
 * and then another job may have taken it. From here on nobody does, since the job is in flight. A conditional write
 * tells, not a read, which may be an old one.
 */
export async function confirmLock(deps: Deps, { productId, jobId, manifest, epoch }: Job): Promise<boolean> {
  if (manifest.lock === undefined) return true;
  const id = lockId(productId, manifest.lock);
  const expiresAt = leaseExpiry(deps.clock.now(), deps.settings.leaseSeconds);
  try {
    await deps.documents.patch<Lock>(
      LEASES,
      [id],
      id,
      [{ op: 'set', path: '/expiresAt', value: expiresAt }],
      `FROM c WHERE c.jobId = ${JSON.stringify(jobId)} AND c.epoch = ${epoch}`,
    );
    return true;
  } catch (error) {
    if (isCloudError(error, 'precondition', 'not-found')) return false;
    throw error;
  }
}

/** The job that really holds a lock, other than `except`; undefined when the lock may be taken. */
export async function lockHolder(deps: Deps, lock: Lock, except?: string): Promise<string | undefined> {
  if (lock.jobId === except) return undefined;
  if (!isExpired(lock, deps.clock.now())) return lock.jobId;
  const holder = await deps.documents.read<Job>(JOBS, partitionOf(lock), 'job');
  const live = holder && isInFlight(holder.document) && holder.document.epoch === lock.epoch;
  return live ? lock.jobId : undefined;
}

/** Gives the lock back that the job took for that epoch. */
export async function dropLock(deps: Deps, job: Job, epoch: number): Promise<void> {
  const key = job.manifest.lock;
  if (key === undefined) return;
  const id = lockId(job.productId, key);
  const lock = await deps.documents.read<Lock>(LEASES, [id], id);
  if (lock?.document.jobId !== job.jobId || lock.document.epoch > epoch) return;
  try {
    await deps.documents.remove(LEASES, [id], id, lock.etag);
  } catch (error) {
    if (!isCloudError(error, 'precondition')) throw error;
  }
}

/** Whether the factory holds the job with that epoch, by the job's own word. */
export const holds = (job: Job, factoryId: string, epoch: number): boolean =>
  job.holder === factoryId && job.epoch === epoch;

export const refOf = (lease: Pick<Lease, 'productId' | 'jobId'>): JobRef => ({
  productId: lease.productId,
  jobId: lease.jobId,
});
