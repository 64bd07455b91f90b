import type { Plan } from '../../shared/contract/children.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { decide, refusesChildren } from '../../shared/rules/lifecycle.js';
import { operatorActor, type Caller } from './caller.js';
import { changeJob, refusal } from './changeJob.js';
import { createSoon } from './createChildren.js';
import type { Deps } from './deps.js';
import { jobFor } from './jobStore.js';
import { checkPlan, childIdOf, planHash, storePlan } from './storePlan.js';

/**
 * Gives a composite its children, all or none of them: they are checked and stored, then one event in the parent's
 * partition says that they shall be, then they are created. Whatever dies after the event, the feed finishes it.
 * @throws AppError not-found, forbidden, invalid-manifest, illegal-transition, idempotency-conflict
 */
export async function addChildren(
  deps: Deps,
  caller: Caller,
  { params, body }: { params: { jobId: string }; body: Plan },
): Promise<RouteResult<'addChildren'>> {
  const parent = await jobFor(deps, caller, params.jobId, 'operator');
  const actor = operatorActor(caller);
  if (parent.children?.plans.includes(planHash(body)) === true)
    return {
      job: parent,
      children: body.children.map(({ key }) => ({ key, jobId: childIdOf(parent, key) })),
    };
  const refused = refusesChildren(parent);
  if (refused) throw refusal(parent, refused);
  const plan = await checkPlan(deps, parent, body, actor);
  const { intent, drafts } = plan;
  const decision = decide(parent, undefined, { kind: 'adopt', actor, intent }, deps.clock.now());
  if (decision.kind === 'rejected') throw refusal(parent, decision);
  await storePlan(deps, parent, plan);
  const job = await changeJob(deps, parent, { kind: 'adopt', actor, intent });
  await createSoon(deps, job, plan);
  return { job, children: drafts.map(({ key, childId }) => ({ key, jobId: childId })) };
}
