import type { Job } from '../../shared/contract/job.js';
import { REVIEWER_PROFILE, isShared } from '../../shared/rules/gates.js';
import { JOBS } from '../../shared/topology.js';
import type { Deps } from './deps.js';

/**
 * The job that read the change of this one with the reviewer profile: one of its product that was built on exactly
 * that commit, and that nobody turned down. Undefined when there is none, or none is asked for.
 */
export async function findReview(
  deps: Deps,
  { productId, change, ...job }: Job,
): Promise<{ jobId: string; commit: string } | undefined> {
  if (change === undefined || !isShared({ change })) return undefined;
  const [jobId] = await deps.documents.select<string>(JOBS, {
    text: `SELECT VALUE c.jobId FROM c WHERE c.type = 'job' AND c.jobId != @jobId AND c.profile.name = @profile
      AND c.change.baseCommit = @commit AND c.stage IN ('review', 'testing', 'shipped')`,
    parameters: { jobId: job.jobId, profile: REVIEWER_PROFILE, commit: change.commit },
    partition: [productId],
  });
  return jobId === undefined ? undefined : { jobId, commit: change.commit };
}
