// Composites and their children as tests meet them.
import { addChildren } from '../../../functions/operations/addChildren.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { tendChildren } from '../../../functions/operations/tendChildren.js';
import { unblockDependents } from '../../../functions/operations/unblockDependents.js';
import { PlanSchema, type PlanInput } from '../../../shared/contract/children.js';
import type { JobView } from '../../../shared/contract/view.js';
import { ADMIN, claim, detail, makeFactory, makeProduct, runToEnd, submit } from '../fixture.js';

const AUTO = { verify: 'x', 'review-policy': 'auto' };
/** A child of a plan that goes all the way by itself. */
export const child = (key: string, manifest: Record<string, unknown> = {}) => ({
  key,
  manifest: { body: `echo ${key}`, title: key, ...AUTO, ...manifest },
});
/** What tests do with composites, on one control plane. */
export function familyOn(deps: Deps) {
  const add = (jobId: string, plan: PlanInput, caller = ADMIN) =>
    addChildren(deps, caller, { params: { jobId }, body: PlanSchema.parse(plan) });
  const stageOf = async (jobId: string) => (await detail(deps, jobId)).job.stage;
  const kindsOf = async (jobId: string) => (await detail(deps, jobId)).events.map(({ body }) => body.kind);
  const explain = (jobId: string) => explainJob(deps, ADMIN, { params: { jobId } });

  const start = async (manifest: Record<string, unknown> = {}) => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const parent = await submit(deps, productId, { kind: 'composite', title: 'roadmap', ...manifest });
    return { productId, factory, parent };
  };

  /** What the change feed does with all that is new in these jobs. */
  const seen = new Map<string, number>();
  const feed = async (...jobIds: readonly string[]): Promise<void> => {
    for (const jobId of jobIds) {
      const { events } = await detail(deps, jobId);
      for (const event of events.slice(seen.get(jobId) ?? 0)) {
        await unblockDependents(deps, event);
        await tendChildren(deps, event);
      }
      seen.set(jobId, events.length);
    }
  };

  /** Does the factory's next runs, each to its end, and feeds what happened; builds of `broken` keys fail their verify. */
  const work = async (
    factory: FactoryCaller,
    broken: readonly string[] = [],
    stations = 16,
  ): Promise<JobView[]> => {
    const claims = await claim(deps, factory, stations);
    await Promise.all(
      claims.map((claimed) => runToEnd(deps, factory, claimed, !broken.includes(claimed.job.key ?? ''))),
    );
    for (const { job } of claims) await feed(job.jobId);
    return claims.map(({ job }) => job);
  };
  const drain = async (factory: FactoryCaller, broken: readonly string[] = []): Promise<void> => {
    while ((await work(factory, broken)).length > 0);
  };

  return { add, stageOf, kindsOf, explain, start, feed, work, drain };
}
