import type { JobDetail } from '../../shared/contract/api.js';
import { ROUTES } from '../../shared/contract/routes.js';
import { legalCommands } from '../../shared/rules/lifecycle.js';
import { slaOf } from '../../shared/rules/sla.js';
import { actorOf, hasRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { locateJob, noSuchJob, readHistory } from './jobStore.js';

/**
 * One job with all that happened to it: one query of one partition.
 * @throws AppError not-found, also for a job that the caller may not see
 */
export async function getJob(
  deps: Deps,
  caller: Caller,
  { params }: { params: { jobId: string } },
): Promise<JobDetail> {
  const ref = await locateJob(deps, params.jobId);
  if (!hasRole(caller, 'viewer', ref.productId)) throw noSuchJob(params.jobId);
  const history = await readHistory(deps, ref);
  const actor = caller.kind === 'operator' ? actorOf(caller) : undefined;
  const legal = legalCommands(history.job, actor).filter((command) =>
    ROUTES[`${command}Job`].access.some((role) => hasRole(caller, role, ref.productId)),
  );
  const sla = slaOf(history.job, deps.clock.now());
  return { ...history, legal, ...(sla && { sla }) };
}
