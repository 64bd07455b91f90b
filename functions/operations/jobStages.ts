import type { Job, Stage } from '../../shared/contract/job.js';
import { JOBS } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { partitionOf } from './jobStore.js';

/** Reads that are under way at a time: a job may depend on a thousand. */
const CONCURRENCY = 32;

/** The stages of jobs of one product; a job that is not there is left out. Point reads, which see the newest. */
export async function readStages(
  deps: Deps,
  productId: string,
  jobIds: readonly string[],
): Promise<Map<string, Stage>> {
  const open = [...new Set(jobIds)];
  const stages = new Map<string, Stage>();
  await Promise.all(
    Array.from({ length: Math.min(CONCURRENCY, open.length) }, async () => {
      for (let jobId = open.pop(); jobId !== undefined; jobId = open.pop()) {
        const job = await deps.documents.read<Job>(JOBS, partitionOf({ productId, jobId }), 'job');
        if (job) stages.set(jobId, job.document.stage);
      }
    }),
  );
  return stages;
}
