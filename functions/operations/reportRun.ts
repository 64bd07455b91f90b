import type { Job } from '../../shared/contract/job.js';
import type { RouteInput } from '../../shared/contract/routeTypes.js';
import { outcomeOf } from '../../shared/rules/health.js';
import { actorOf, requireFactory, type Caller, type FactoryCaller } from './caller.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { createSoon } from './createChildren.js';
import { noteOutcome } from './factoryStore.js';
import { locateJob, readJob, type JobRef } from './jobStore.js';
import { holds } from './leaseStore.js';
import { checkPlan, storePlan, type CheckedPlan } from './storePlan.js';
import { tendSoon } from './tendChildren.js';

/**
 * Takes a factory's report of its run. The same report twice (its first answer got lost) changes nothing more.
 * @throws AppError stale-epoch, illegal-transition, not-found; invalid-manifest for a plan that does not hold
 */
export async function reportRun(
  deps: Deps,
  caller: Caller,
  input: RouteInput<'reportRun'>,
): Promise<{ job: Job }> {
  const factory = requireFactory(caller);
  const { jobId, epoch } = input.params;
  const ref = await locateJob(deps, jobId);
  const plan = await storedPlan(deps, factory, ref, input);
  const job = await changeJob(deps, ref, {
    kind: 'report',
    actor: actorOf(factory),
    epoch,
    factoryId: factory.id,
    report: input.body,
    intent: plan?.intent,
  });
  if (plan) await createSoon(deps, job, plan);
  await tendSoon(deps, job);
  const ok = outcomeOf(input.body);
  if (ok !== undefined) await noteOutcome(deps, factory.id, ok);
  return { job };
}

/** A plan is stored before it is decided on; that of a run which is over is not even looked at. */
async function storedPlan(
  deps: Deps,
  factory: FactoryCaller,
  ref: JobRef,
  { params, body }: RouteInput<'reportRun'>,
): Promise<CheckedPlan | undefined> {
  if (body.kind !== 'planned') return undefined;
  const { document: parent } = await readJob(deps, ref);
  if (!holds(parent, factory.id, params.epoch)) return undefined;
  const plan = await checkPlan(deps, parent, body.plan, actorOf(factory));
  await storePlan(deps, parent, plan);
  return plan;
}
