import type { Job } from '../../shared/contract/job.js';
import { ROUTES } from '../../shared/contract/routes.js';
import { operatorActor, type Caller } from './caller.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { findReview } from './findReview.js';
import { jobFor } from './jobStore.js';
import { tendSoon } from './tendChildren.js';

/** What a person decides about a job at a gate, or about its going on. */
export type GateDecision =
  | { readonly kind: 'approve' | 'promote' | 'ship' | 'resume' }
  | {
      readonly kind: 'reject' | 'override' | 'hold' | 'pause' | 'cancel' | 'requeue';
      readonly reason: string;
    };

/**
 * Carries out a person's decision, who needs the role that its route names. What a ship merges, a factory does; of a
 * cancelled job its holder hears with the next renewal: the lease is gone and the epoch stale.
 * @throws AppError not-found, forbidden, illegal-transition with what is legal for this person
 */
export async function decideGate(
  deps: Deps,
  caller: Caller,
  jobId: string,
  decision: GateDecision,
): Promise<{ job: Job }> {
  const [role] = ROUTES[`${decision.kind}Job`].access;
  const found = await jobFor(deps, caller, jobId, role);
  const actor = operatorActor(caller);
  const command =
    decision.kind === 'approve'
      ? { kind: decision.kind, actor, review: await findReview(deps, found) }
      : { ...decision, actor };
  const job = await changeJob(deps, found, command);
  await tendSoon(deps, job);
  return { job };
}
