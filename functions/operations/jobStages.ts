import type { Job, Stage } from '../../shared/contract/job.js';
import { JOBS } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { partitionOf } from './jobStore.js';
import { inParallel } from './inParallel.js';

/** Those of the jobs of one product that are there. Point reads, which see the newest. */
export async function readJobs(
  deps: Deps,
  productId: string,
  jobIds: readonly string[],
): Promise<Map<string, Job>> {
  const found = new Map<string, Job>();
  await inParallel([...new Set(jobIds)], async (jobId) => {
    const job = await deps.documents.read<Job>(JOBS, partitionOf({ productId, jobId }), 'job');
    if (job) found.set(jobId, job.document);
  });
  return found;
}

/** As readJobs, their stages alone. */
export async function readStages(
  deps: Deps,
  productId: string,
  jobIds: readonly string[],
): Promise<Map<string, Stage>> {
  const jobs = await readJobs(deps, productId, jobIds);
  return new Map([...jobs].map(([jobId, { stage }]) => [jobId, stage]));
}
