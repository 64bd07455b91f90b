import type { Job } from '../../shared/contract/job.js';
import { operatorActor, type Caller } from './caller.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { jobFor } from './jobStore.js';

/**
 * Says ship; a factory then merges the change. Saying it twice changes nothing more.
 * @throws AppError not-found, forbidden, illegal-transition
 */
export async function shipJob(
  deps: Deps,
  caller: Caller,
  { params }: { params: { jobId: string } },
): Promise<{ job: Job }> {
  const ref = await jobFor(deps, caller, params.jobId, 'reviewer');
  return { job: await changeJob(deps, ref, { kind: 'ship', actor: operatorActor(caller) }) };
}
