import type { Job } from '../../shared/contract/job.js';
import { operatorActor, type Caller } from './caller.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { jobFor } from './jobStore.js';
import { tendSoon } from './tendChildren.js';

/**
 * Ends a job for good. Whoever works on it learns so with the next renewal: the lease is gone, the epoch stale.
 * A composite takes its children along.
 * @throws AppError not-found, forbidden, illegal-transition
 */
export async function cancelJob(
  deps: Deps,
  caller: Caller,
  { params, body }: { params: { jobId: string }; body: { reason: string } },
): Promise<{ job: Job }> {
  const ref = await jobFor(deps, caller, params.jobId, 'operator');
  const command = { kind: 'cancel', actor: operatorActor(caller), reason: body.reason } as const;
  const job = await changeJob(deps, ref, command);
  await tendSoon(deps, job);
  return { job };
}
