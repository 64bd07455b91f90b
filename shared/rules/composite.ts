/** Composite jobs: what a plan, the end of the children, and a budget that is shared mean. */
import type { RunReport } from '../contract/api.js';
import type { PlanIntent, Rollup } from '../contract/children.js';
import type { Actor, Job, Run } from '../contract/job.js';
import { roundUsd } from './budget.js';
import { draft, enter, omit } from './decision.js';
import type { Accepted, CommandOf } from './decision.js';
import { addUsage } from './spend.js';
import { isCancelled, isEnded } from './stages.js';

/** A composite that nobody plans for: it waits for its children before there is one. */
export const noChildren = (): NonNullable<Job['children']> => ({
  count: 0,
  onFailure: 'continue',
  plans: [],
  usd: 0,
  tokens: 0,
});

/** Has the job got other plans than those that this one was checked against, with their keys and budgets? */
export const hasOthersSince = ({ children }: Job, intent: PlanIntent): boolean =>
  children !== undefined && !children.plans.includes(intent.hash) && children.plans.length !== intent.after;

/** Once more the same plan changes nothing; another one adds to what is there. */
export function adopt(job: Job, { actor, intent }: CommandOf<'adopt'>, now: string): Accepted {
  if (job.children?.plans.includes(intent.hash) === true) return { kind: 'accepted', job, events: [] };
  const next = withPlan(job, intent);
  return { kind: 'accepted', job: next, events: [requested(job, next, intent, actor, now)] };
}

/** The planner's run is done: nobody holds the job, and it waits for the children of the plan. */
export function planned(
  job: Job,
  run: Run,
  { usage }: Extract<RunReport, { kind: 'planned' }>,
  intent: PlanIntent | undefined,
  actor: Actor,
  now: string,
): Accepted {
  if (intent === undefined)
    throw new Error(`the plan of ${job.jobId} was not stored before it was decided on`);
  const free: Job = { ...omit(job, 'holder', 'failure'), usage: addUsage(job.usage, usage) };
  const next = withPlan(enter(free, 'queued', now), intent);
  const { epoch, factoryId } = run;
  const body = { kind: 'run.planned', epoch, factoryId, count: intent.count, usage } as const;
  return {
    kind: 'accepted',
    job: next,
    run: { ...run, usage, status: 'succeeded', endedAt: now },
    events: [draft(body, actor, now, job, next), requested(next, next, intent, actor, now)],
  };
}

/** All children shipped, and so the composite has; or some failed, and it fails with their names. */
export function settle(job: Job, { actor, shipped, failed }: CommandOf<'settle'>, now: string): Accepted {
  const body = { kind: 'children.ended', shipped, failed } as const;
  const message = `${failed.length} of ${shipped + failed.length} children did not ship: ${listed(failed)}`;
  const next: Job =
    failed.length === 0
      ? enter(omit(job, 'failure'), 'shipped', now)
      : { ...enter(job, 'failed', now), failure: { reason: 'children', message } };
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}

const MAX_NAMED = 5;
const listed = (ids: readonly string[]): string =>
  ids.slice(0, MAX_NAMED).join(', ') + (ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : '');

function withPlan(job: Job, intent: PlanIntent): Job {
  const before = job.children ?? noChildren();
  return {
    ...job,
    children: {
      count: before.count + intent.count,
      onFailure: intent.onFailure,
      plans: [...before.plans, intent.hash],
      usd: roundUsd(before.usd + intent.usd),
      tokens: before.tokens + intent.tokens,
    },
  };
}

const requested = (before: Job, after: Job, intent: PlanIntent, actor: Actor, now: string) => {
  const { hash: plan, count, onFailure } = intent;
  return draft({ kind: 'children.requested', plan, count, onFailure }, actor, now, before, after);
};

interface Wish {
  key: string;
  usd?: number | undefined;
  tokens?: number | undefined;
}
interface Share {
  usd?: number;
  tokens?: number;
}

/**
 * Children draw on their parent: what they name for themselves must fit into what it has left, and those that name
 * nothing share the rest equally. So whatever they spend, together they stay within the parent's budget.
 * @returns the budget of each child in the order of the wishes, or the keys that do not fit
 */
export function shareBudget(
  parent: Pick<Job, 'manifest' | 'usage' | 'children'>,
  wishes: readonly Wish[],
):
  | { kind: 'shares'; shares: Share[] }
  | { kind: 'short'; of: 'usd' | 'tokens'; left: number; asked: number } {
  const { budget } = parent.manifest;
  const shares: Share[] = wishes.map(() => ({}));
  for (const of of ['usd', 'tokens'] as const) {
    const ceiling = budget[of];
    const named = wishes.reduce((sum, wish) => sum + (wish[of] ?? 0), 0);
    const silent = wishes.filter((wish) => wish[of] === undefined).length;
    const left = ceiling === undefined ? Infinity : ceiling - parent.usage[of] - (parent.children?.[of] ?? 0);
    const each = silent === 0 ? 0 : floorOf(of, (left - named) / silent);
    if (named > left || (silent > 0 && each <= 0))
      return { kind: 'short', of, left: Math.max(0, left), asked: named };
    for (const [at, wish] of wishes.entries()) {
      const share = wish[of] ?? (ceiling === undefined ? undefined : each);
      if (share !== undefined) shares[at] = { ...shares[at], [of]: share };
    }
  }
  return { kind: 'shares', shares };
}

/** Rounded down, so that the sum never exceeds what there is. */
const floorOf = (of: 'usd' | 'tokens', amount: number): number =>
  of === 'tokens' ? Math.floor(amount) : Math.floor(amount * 1e6) / 1e6;

/** What became of a composite's children so far. */
export interface Family {
  /** Every child has ended. */
  readonly ended: boolean;
  readonly shipped: number;
  readonly failed: string[];
}

/** @param children all of them; `count` may be more, while some are still being created */
export function familyOf(children: readonly Pick<Job, 'jobId' | 'stage'>[], count: number): Family {
  const over = children.filter(({ stage }) => isEnded(stage));
  const failed = over.filter(({ stage }) => stage !== 'shipped').map(({ jobId }) => jobId);
  return {
    ended: children.length >= count && over.length === children.length,
    shipped: over.length - failed.length,
    failed,
  };
}

/** A composite with all that hang below it, added up. */
export function rollupOf(
  composite: Pick<Job, 'usage'>,
  below: readonly (Pick<Job, 'stage' | 'failure' | 'usage'> & { passed?: boolean | undefined })[],
): Rollup {
  const byStage: Rollup['byStage'] = {};
  const verify = { passed: 0, failed: 0, open: 0 };
  let { usage } = composite;
  let cancelled = 0;
  for (const job of below) {
    byStage[job.stage] = (byStage[job.stage] ?? 0) + 1;
    if (isCancelled(job)) cancelled += 1;
    usage = addUsage(usage, job.usage);
    verify[job.passed === undefined ? 'open' : job.passed ? 'passed' : 'failed'] += 1;
  }
  return { jobs: below.length, byStage, cancelled, usage, verify };
}
