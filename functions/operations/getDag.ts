import type { Dag } from '../../shared/contract/dag.js';
import { connectedJobs, edgesOf, isReached, type DagJob } from '../../shared/rules/dag.js';
import { JOBS } from '../../shared/topology.js';
import type { Caller } from './caller.js';
import type { Deps } from './deps.js';
import { jobFor } from './jobStore.js';

/** Jobs with dependencies or parents that are looked through, the newest first. */
const MAX_JOBS = 5000;
const FIELDS = 'c.jobId, c.title, c.stage, c.failure, c.deps, c.parent';

/**
 * All jobs that hang together with one job, each after those that it waits for.
 * @throws AppError not-found
 */
export async function getDag(
  deps: Deps,
  caller: Caller,
  { params }: { params: { jobId: string } },
): Promise<Dag> {
  const job = await jobFor(deps, caller, params.jobId, 'viewer');
  const { productId } = job;
  const waiting = await deps.documents.select<DagJob>(JOBS, {
    text: `SELECT TOP ${MAX_JOBS} ${FIELDS} FROM c
           WHERE c.productId = @productId AND c.type = 'job' AND (IS_DEFINED(c.deps) OR IS_DEFINED(c.parent)) ORDER BY c.submittedAt DESC`,
    parameters: { productId },
  });
  const known = new Set([job.jobId, ...waiting.map(({ jobId }) => jobId)]);
  const named = edgesOf([...waiting, job]).flatMap(({ from, to }) => [from, to]);
  const ids = [...new Set(named)].filter((jobId) => !known.has(jobId));
  const others = await deps.documents.select<DagJob>(JOBS, {
    text: `SELECT ${FIELDS} FROM c
           WHERE c.productId = @productId AND c.type = 'job' AND ARRAY_CONTAINS(@ids, c.jobId)`,
    parameters: { productId, ids },
  });
  const all = [...waiting.filter(({ jobId }) => jobId !== job.jobId), ...others, job];
  const stages = new Map(all.map((one) => [one.jobId, one.stage]));
  const jobs = connectedJobs(job.jobId, all);
  const shown = new Set(jobs.map(({ jobId }) => jobId));
  return {
    jobs: jobs.map(({ jobId, title, stage, failure, parent }) => ({
      jobId,
      title,
      stage,
      ...(failure && { failure: { reason: failure.reason } }),
      ...(parent !== undefined && { parent }),
    })),
    edges: edgesOf(jobs)
      .filter(({ to }) => shown.has(to))
      .map((edge) => {
        const stage = stages.get(edge.from);
        return { ...edge, met: stage !== undefined && isReached(stage, edge.until) };
      }),
  };
}
