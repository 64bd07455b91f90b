import { AppError } from '../../shared/errors.js';
import { requireFactory, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { instanceMemory } from './instanceMemory.js';
import { locateJob, readJob, readRun, type JobRef } from './jobStore.js';
import { readLease } from './leaseStore.js';

/** Blob container of the logs. */
export const LOGS = 'logs';
/** For so long a run that could append may go on without being looked up: several chunks a second come in. */
const TRUST_MS = 5000;
const MAX_TRUSTED = 5000;
const trustedRuns = instanceMemory(() => new Map<string, { ref: JobRef; until: number }>());

/** The log of a run; a run of a later epoch writes another one, so a late writer spoils nothing. */
export const logName = (ref: JobRef, epoch: number): string => `${ref.productId}/${ref.jobId}/${epoch}.log`;

/**
 * Appends bytes at an offset. Bytes that are there already are not added again; the answer says where to go on.
 * @throws AppError stale-epoch, not-found
 */
export async function appendLog(
  deps: Deps,
  caller: Caller,
  input: {
    params: { jobId: string; epoch: number };
    query: { offset: number; end: boolean };
    body: Uint8Array;
  },
): Promise<{ nextOffset: number }> {
  const factory = requireFactory(caller);
  const { jobId, epoch } = input.params;
  const ref = await requireOwnRun(deps, factory.id, jobId, epoch);
  const name = logName(ref, epoch);
  const { offset, end } = input.query;
  const nextOffset = await deps.blobs.append(LOGS, name, offset, input.body);
  if (end && nextOffset === offset + input.body.length) await deps.blobs.closeLog(LOGS, name);
  deps.bell.ring(name);
  return { nextOffset };
}

/** The last lines may come after the report that ended the run, so it is enough that no later epoch began. */
export async function requireOwnRun(
  deps: Deps,
  factoryId: string,
  jobId: string,
  epoch: number,
): Promise<JobRef> {
  const key = `${factoryId} ${jobId} ${epoch}`;
  const now = Date.parse(deps.clock.now());
  const trusted = trustedRuns(deps);
  const earlier = trusted.get(key);
  if (earlier && earlier.until > now) return earlier.ref;
  const ref = await ownRun(deps, factoryId, jobId, epoch);
  if (trusted.size >= MAX_TRUSTED) trusted.clear();
  trusted.set(key, { ref, until: now + TRUST_MS });
  return ref;
}

async function ownRun(deps: Deps, factoryId: string, jobId: string, epoch: number): Promise<JobRef> {
  const lease = await readLease(deps, jobId);
  if (lease?.document.epoch === epoch && lease.document.holder === factoryId) return lease.document;
  const ref = await locateJob(deps, jobId);
  const [job, run] = await Promise.all([readJob(deps, ref), readRun(deps, ref, epoch)]);
  if (run?.handedOverBy === factoryId) return ref;
  if (run?.factoryId === factoryId && job.document.epoch === epoch) return ref;
  throw new AppError('stale-epoch', `${factoryId} has no run ${epoch} of ${jobId} (any more)`, {
    epoch: job.document.epoch,
  });
}
