import type { JobDetail } from '../../shared/contract/api.js';
import type { Role } from '../../shared/contract/routes.js';
import { legalCommands } from '../../shared/rules/lifecycle.js';
import { hasRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { locateJob, noSuchJob, readHistory } from './jobStore.js';

/** The role that each command of people takes, as in the route table. */
const ROLE_OF_COMMAND: Readonly<Record<string, Role>> = {
  ship: 'reviewer',
  cancel: 'operator',
  requeue: 'operator',
};

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
  const legal = legalCommands(history.job).filter((command) =>
    hasRole(caller, ROLE_OF_COMMAND[command] ?? 'admin', ref.productId),
  );
  return { ...history, legal };
}
