import { isCloudError } from '../../shared/cloud/errors.js';
import type { Directive, Lease } from '../../shared/contract/fleet.js';
import { AppError } from '../../shared/errors.js';
import { leaseExpiry } from '../../shared/rules/leases.js';
import { LEASES } from '../../shared/topology.js';
import { requireFactory, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { noteRenewal } from './factoryStore.js';
import { locateJob, noSuchJob, readJob, readRun } from './jobStore.js';
import { evict } from './evict.js';
import { grantLease, holds, readLease } from './leaseStore.js';
import { haltOf } from './switches.js';

/**
 * Keeps a lease: one conditional patch. When it does not match, the job decides: a holder whose lease document got
 * lost gets a new one.
 * @throws AppError stale-epoch, not-found
 */
export async function renewLease(
  deps: Deps,
  caller: Caller,
  input: { params: { jobId: string; epoch: number }; body: { running: number } },
): Promise<{ expiresAt: string; directives: Directive[] }> {
  const factory = requireFactory(caller);
  const { jobId, epoch } = input.params;
  const heartbeat = noteRenewal(deps, factory.id, input.body.running);
  const lease =
    (await extend(deps, jobId, epoch, factory.id)) ?? (await restore(deps, jobId, epoch, factory.id));
  await heartbeat;
  const halted = await haltOf(deps, lease);
  if (halted !== undefined) {
    await evict(deps, lease, halted);
    return { expiresAt: lease.expiresAt, directives: ['stop'] };
  }
  return { expiresAt: lease.expiresAt, directives: lease.directives };
}

async function extend(deps: Deps, jobId: string, epoch: number, holder: string): Promise<Lease | undefined> {
  const expiresAt = leaseExpiry(deps.clock.now(), deps.settings.leaseSeconds);
  try {
    const renewed = await deps.documents.patch<Lease>(
      LEASES,
      [jobId],
      jobId,
      [{ op: 'set', path: '/expiresAt', value: expiresAt }],
      `FROM c WHERE c.epoch = ${epoch} AND c.holder = ${JSON.stringify(holder)} AND c.expiresAt <= '${expiresAt}'`,
    );
    return renewed.document;
  } catch (error) {
    if (!isCloudError(error, 'precondition', 'not-found')) throw error;
  }
  // A renewal that was slow on its way must not shorten what a later one has been granted.
  const lease = (await readLease(deps, jobId))?.document;
  return lease?.epoch === epoch && lease.holder === holder && lease.expiresAt > expiresAt ? lease : undefined;
}

async function restore(deps: Deps, jobId: string, epoch: number, holder: string): Promise<Lease> {
  const { document: job } = await readJob(deps, await locateJob(deps, jobId));
  const stale = new AppError('stale-epoch', `${holder} does not hold ${jobId} with epoch ${epoch} any more`, {
    epoch: job.epoch,
  });
  if (epoch > job.epoch)
    throw new AppError('contended', `${jobId} was read as of epoch ${job.epoch}, not ${epoch}; try again`);
  if (!holds(job, holder, epoch)) throw stale;
  const run = await readRun(deps, job, epoch);
  if (!run) throw noSuchJob(jobId);
  const lease = await grantLease(deps, { job, epoch, holder, pool: run.pool });
  if (!lease) throw stale;
  deps.log('warn', 'a lost lease was written again', { jobId, epoch, holder });
  return lease;
}
