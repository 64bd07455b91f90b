/** The control plane's operations, called as its triggers would: for runs that need no HTTP in between. */
import type { Coordinator } from '../../../factory/coordinator.js';
import { appendLog } from '../../../functions/operations/appendLog.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import { claimJobs } from '../../../functions/operations/claimJobs.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { getProfileForRun } from '../../../functions/operations/getProfileForRun.js';
import { putArtifact } from '../../../functions/operations/putArtifact.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { reportRun } from '../../../functions/operations/reportRun.js';
import { ROUTES } from '../../../shared/contract/routes.js';
import type { RouteInput } from '../../../shared/contract/routeTypes.js';

export function operationsFor(deps: Deps, caller: FactoryCaller): Coordinator {
  return {
    claimJobs: ({ body }) => claimJobs(deps, caller, { body: ROUTES.claimJobs.body.parse(body) }),
    renewLease: (call) => renewLease(deps, caller, call),
    reportRun: ({ params, body }) =>
      reportRun(deps, caller, { params, body: ROUTES.reportRun.body.parse(body) }),
    appendLog: (call) => appendLog(deps, caller, call as RouteInput<'appendLog'>),
    putArtifact: (call) => putArtifact(deps, caller, call),
    getProfileForRun: (call) => getProfileForRun(deps, caller, call),
  };
}
