import type { Job } from '../../shared/contract/job.js';
import type { RouteInput } from '../../shared/contract/routeTypes.js';
import { actorOf, requireFactory, type Caller } from './caller.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { locateJob } from './jobStore.js';

/**
 * Takes a factory's report of its run. The same report twice (its first answer got lost) changes nothing more.
 * @throws AppError stale-epoch, illegal-transition, not-found
 */
export async function reportRun(
  deps: Deps,
  caller: Caller,
  input: RouteInput<'reportRun'>,
): Promise<{ job: Job }> {
  const factory = requireFactory(caller);
  const { jobId, epoch } = input.params;
  const job = await changeJob(deps, await locateJob(deps, jobId), {
    kind: 'report',
    actor: actorOf(factory),
    epoch,
    factoryId: factory.id,
    report: input.body,
  });
  return { job };
}
