/**
 * A product's budget: reserve at the claim, settle when the cost is known. The budget flags of agents are soft, so a
 * run counts as its whole reservation until its real cost is there; what is overspent is at most what was in flight.
 */
import { BUDGET_WINDOWS, DEFAULT_ASSUMED_USD } from '../contract/budget.js';
import type { Budget, BudgetWindow, PutBudget } from '../contract/budget.js';
import type { JobEvent } from '../contract/event.js';
import type { Block } from '../contract/explanation.js';
import type { Job, Stage, Usage } from '../contract/job.js';
import { assertExhaustive } from '../errors.js';
import { needsOf } from './profile.js';
import { nextRunKind } from './stages.js';
import { spendOf, type SpendOfEvent } from './spend.js';

/** Sums of dollars are compared and kept to a millionth: tokens are priced in less than that never. */
const MILLION = 1_000_000;
export const roundUsd = (usd: number): number => Math.round(usd * MILLION) / MILLION;

/** The day or month that a moment belongs to. */
export const periodOf = (window: BudgetWindow, at: string): string => at.slice(0, window === 'day' ? 10 : 7);

export const newBudget = (productId: string, now: string): Budget => ({
  id: 'budget',
  type: 'budget',
  productId,
  day: { period: periodOf('day', now), spentUsd: 0 },
  month: { period: periodOf('month', now), spentUsd: 0 },
  reservedUsd: 0,
  assumedUsd: DEFAULT_ASSUMED_USD,
});

/** The budget as of a moment: a window that is over begins again. Time never goes back. */
export function rolled(budget: Budget, now: string): Budget {
  const next = { ...budget };
  for (const window of BUDGET_WINDOWS) {
    const period = periodOf(window, now);
    if (budget[window].period < period) next[window] = { ...budget[window], period, spentUsd: 0 };
  }
  return next;
}

/** The budget with other ceilings; `null` takes one away. */
export function withCeilings(budget: Budget, { dayUsd, monthUsd, assumedUsd }: PutBudget): Budget {
  const ceiled = (state: Budget['day'], ceilingUsd: number | null | undefined): Budget['day'] => {
    if (ceilingUsd === undefined) return state;
    const { ceilingUsd: _old, ...free } = state;
    return ceilingUsd === null ? free : { ...free, ceilingUsd };
  };
  return {
    ...budget,
    day: ceiled(budget.day, dayUsd),
    month: ceiled(budget.month, monthUsd),
    assumedUsd: assumedUsd ?? budget.assumedUsd,
  };
}

/** What may still be reserved in a window; undefined without a ceiling. */
export function leftIn(budget: Budget, window: BudgetWindow): number | undefined {
  const { ceilingUsd, spentUsd } = budget[window];
  return ceilingUsd === undefined ? undefined : roundUsd(ceilingUsd - spentUsd - budget.reservedUsd);
}

/** The windows that have not enough left for so much, and how much each is short. */
export function budgetBlocks(budget: Budget, usd: number): Extract<Block, { kind: 'budget' }>[] {
  const { productId } = budget;
  return BUDGET_WINDOWS.flatMap((window) => {
    const leftUsd = leftIn(budget, window);
    const shortUsd = leftUsd === undefined ? 0 : roundUsd(usd - leftUsd);
    return leftUsd === undefined || shortUsd <= 0
      ? []
      : [{ kind: 'budget' as const, productId, window, leftUsd, shortUsd }];
  });
}

/**
 * What the next run of a job may cost, as far as the job tells: nothing for a script and a merge, what is left of the
 * job's own budget, or undefined when it names none. A person who requeues an overspent job gives it its budget anew.
 */
export function costOf(job: Job): number | undefined {
  const { engine, manifest } = job;
  if (nextRunKind(job) === 'land' || engine === 'shell' || needsOf(job)['engine-class'] === 'script')
    return 0;
  const { usd } = manifest.budget;
  if (usd === undefined) return undefined;
  const left = roundUsd(usd - job.usage.usd);
  return left > 0 ? left : usd;
}

/**
 * What a run of the job may use of each of its budgets: what earlier runs left. A person who starts an overspent job
 * again gives it that budget anew.
 */
export function budgetLeft({ manifest, usage }: Pick<Job, 'manifest' | 'usage'>): {
  usd?: number;
  tokens?: number;
  wall?: number;
} {
  const { usd, tokens, wall } = manifest.budget;
  const left = (budget: number, used: number): number => (budget > used ? budget - used : budget);
  return {
    ...(usd !== undefined && { usd: left(usd, usage.usd) }),
    ...(tokens !== undefined && { tokens: left(tokens, usage.tokens) }),
    ...(wall !== undefined && { wall: left(wall, usage.wallSeconds) }),
  };
}

/** What a claim of the entry has to reserve. */
export const reservationFor = (
  entry: { costUsd?: number | undefined },
  budget: Pick<Budget, 'assumedUsd'>,
): number => entry.costUsd ?? budget.assumedUsd;

/** Has the job used up what it may cost as a whole? Then only a person starts it again. */
export function isOverBudget({ manifest, usage }: Pick<Job, 'manifest' | 'usage'>): boolean {
  const { usd, tokens, wall } = manifest.budget;
  return (
    (usd !== undefined && usage.usd >= usd) ||
    (tokens !== undefined && usage.tokens >= tokens) ||
    (wall !== undefined && usage.wallSeconds >= wall)
  );
}

/** How an event settles runs of its job. */
export type Settlement =
  /** The run of that epoch cost this. */
  | { kind: 'cost'; epoch: number; cost: SpendOfEvent }
  /** What the run of that epoch cost nobody knows: as much as was reserved. */
  | { kind: 'reserved'; epoch: number }
  /** The run of that epoch cost nothing. */
  | { kind: 'free'; epoch: number }
  /** A person took the job away: what is open of it is over, as spent when it was in flight, else as not begun. */
  | { kind: 'all'; spent: boolean };

const IN_FLIGHT: ReadonlySet<Stage> = new Set(['assigned', 'building', 'review']);

const spentOf = ({ usd, tokens, wallSeconds }: Usage): SpendOfEvent => ({ usd, tokens, wallSeconds });

/** What an event says about the cost of a run; undefined when it says nothing. */
export function settlementOf({
  body,
  from,
  actor,
}: Pick<JobEvent, 'body' | 'from' | 'actor'>): Settlement | undefined {
  const cost = spendOf({ body });
  switch (body.kind) {
    case 'run.finished':
    case 'run.planned':
    case 'run.failed':
      if (cost !== undefined) return { kind: 'cost', epoch: body.epoch, cost };
      // It failed before its engine began, or without a word about it.
      return body.kind === 'run.failed' && body.reason === 'preflight'
        ? { kind: 'free', epoch: body.epoch }
        : { kind: 'reserved', epoch: body.epoch };
    case 'run.lost':
      return { kind: 'reserved', epoch: body.epoch };
    case 'run.released':
      if (cost !== undefined) return { kind: 'cost', epoch: body.epoch, cost };
      if (body.usage !== undefined) return { kind: 'reserved', epoch: body.epoch };
      // Given back by its factory it had not got far; taken away from it, nobody knows.
      return { kind: actor.kind === 'factory' ? 'free' : 'reserved', epoch: body.epoch };
    case 'job.cancelled':
    case 'job.requeued':
      return { kind: 'all', spent: from !== undefined && IN_FLIGHT.has(from) };
    case 'job.handed-over':
      // Runs that count have events of their own. What was spent in vain was spent too; no run has the epoch 0.
      return body.outcome === 'kept' && body.offline.runs > 0
        ? { kind: 'cost', epoch: 0, cost: spentOf(body.offline.usage) }
        : undefined;
    case 'job.held':
      return body.paused ? { kind: 'all', spent: from !== undefined && IN_FLIGHT.has(from) } : undefined;
    default:
      return undefined;
  }
}

/**
 * The budget after a run was settled. Spend of a window that is over by now no longer matters to it.
 * @param reservedUsd what had been reserved for the run, 0 when nothing was
 */
export function settled(budget: Budget, at: string, usd: number, reservedUsd: number): Budget {
  const current = rolled(budget, at);
  const add = (window: BudgetWindow): Budget['day'] =>
    current[window].period === periodOf(window, at)
      ? { ...current[window], spentUsd: roundUsd(current[window].spentUsd + usd) }
      : current[window];
  return {
    ...current,
    day: add('day'),
    month: add('month'),
    reservedUsd: roundUsd(current.reservedUsd - reservedUsd),
  };
}

export const windowName = (window: BudgetWindow): string => {
  switch (window) {
    case 'day':
      return 'daily';
    case 'month':
      return 'monthly';
    default:
      return assertExhaustive(window);
  }
};
