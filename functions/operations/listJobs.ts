import type { JobSummary } from '../../shared/contract/api.js';
import type { Job, Stage } from '../../shared/contract/job.js';
import { slaOf } from '../../shared/rules/sla.js';
import { JOBS } from '../../shared/topology.js';
import { requireRole, visibleProducts, type Caller } from './caller.js';
import type { Deps } from './deps.js';

/**
 * Jobs that the caller may see, the newest first.
 * @throws AppError forbidden for a product that they may not look at
 */
export async function listJobs(
  deps: Deps,
  caller: Caller,
  { query }: { query: { productId?: string | undefined; stage?: Stage | undefined; limit: number } },
): Promise<{ jobs: JobSummary[] }> {
  if (query.productId !== undefined) requireRole(caller, 'viewer', query.productId);
  const products = query.productId === undefined ? visibleProducts(caller) : [query.productId];
  const filters = [
    `c.type = 'job'`,
    ...(products === '*' ? [] : ['ARRAY_CONTAINS(@products, c.productId)']),
    ...(query.stage === undefined ? [] : ['c.stage = @stage']),
  ];
  const jobs = await deps.documents.query<Job>(JOBS, {
    text: `SELECT TOP ${query.limit} * FROM c WHERE ${filters.join(' AND ')} ORDER BY c.submittedAt DESC`,
    parameters: {
      ...(products === '*' ? {} : { products }),
      ...(query.stage === undefined ? {} : { stage: query.stage }),
    },
  });
  const now = deps.clock.now();
  return { jobs: jobs.map(({ document }) => summaryOf(document, now)) };
}

function summaryOf(job: Job, now: string): JobSummary {
  const { profile, ...rest } = job;
  const { body: _, ...manifest } = job.manifest;
  const sla = slaOf(job, now);
  const { spec: __, ...named } = profile ?? { spec: undefined };
  return { ...rest, manifest, ...('name' in named && { profile: named }), ...(sla && { sla }) };
}
