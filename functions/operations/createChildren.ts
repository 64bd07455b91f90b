import type { ChildDraft } from '../../shared/contract/children.js';
import type { Job } from '../../shared/contract/job.js';
import { newJob } from '../../shared/rules/lifecycle.js';
import { isEnded } from '../../shared/rules/stages.js';
import { JOBS } from '../../shared/topology.js';
import { commitNewJob } from './commitDecision.js';
import type { Deps } from './deps.js';
import { dispatchSoon } from './dispatchJob.js';
import { inParallel } from './inParallel.js';
import { partitionOf, readJob, remember, type JobRef } from './jobStore.js';
import { draftPrefix, type CheckedPlan } from './storePlan.js';

/** The drafts of an accepted plan. */
export async function readDrafts(deps: Deps, parent: JobRef, plan: string): Promise<ChildDraft[]> {
  const stored = await deps.documents.query<ChildDraft>(JOBS, {
    text: `SELECT * FROM c WHERE c.type = 'child' AND STARTSWITH(c.id, @prefix)`,
    parameters: { prefix: draftPrefix(plan) },
    partition: partitionOf(parent),
  });
  return stored.map(({ document }) => document);
}

/**
 * Makes jobs of the children of accepted plans. Their ids derive from parent and key, so what is there already is
 * left as it is: the request does this at once, and the feed once more in case it died.
 * @param drafts those at hand; left out, all of the plans are read
 */
export async function createChildren(
  deps: Deps,
  ref: JobRef,
  plans: readonly string[],
  drafts?: readonly ChildDraft[],
): Promise<void> {
  const { document: parent } = await readJob(deps, ref);
  if (isEnded(parent.stage)) return;
  const all = drafts ?? (await Promise.all(plans.map((plan) => readDrafts(deps, ref, plan)))).flat();
  await inParallel(all, (draft) => createChild(deps, parent, draft));
}

/** As createChildren, for a plan that was just accepted: what fails here the feed does in a moment. */
export async function createSoon(deps: Deps, ref: JobRef, { intent, drafts }: CheckedPlan): Promise<void> {
  try {
    await createChildren(deps, ref, [intent.hash], drafts);
  } catch (error) {
    deps.log('warn', 'the rest of the children is left to the change feed', {
      jobId: ref.jobId,
      error: String(error),
    });
  }
}

async function createChild(deps: Deps, parent: Job, draft: ChildDraft): Promise<void> {
  const { productId, childId: jobId, key, manifest, contentHash, actor } = draft;
  const decided = newJob({
    productId,
    jobId,
    manifest,
    engine: draft.engine,
    profile: draft.profile,
    contentHash,
    actor,
    deps: draft.deps,
    // Whether they are so far is looked at when the feed brings the submit: siblings may not be there yet.
    waitsFor: draft.deps.map((dep) => dep.jobId),
    ancestors: [...(parent.ancestors ?? []), parent.jobId],
    key,
    now: deps.clock.now(),
  });
  const job = await commitNewJob(deps, decided);
  if (!job) return;
  remember(deps, job);
  await dispatchSoon(deps, job);
}
