import type { Stored } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import { BUDGET_WINDOWS, type Budget, type Reservation } from '../../shared/contract/budget.js';
import type { Job } from '../../shared/contract/job.js';
import { costOf, periodOf, reservationFor, rolled } from '../../shared/rules/budget.js';
import { after } from '../../shared/rules/leases.js';
import type { LedgerEntry } from '../../shared/contract/fleet.js';
import { BUDGETS } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { readJob, type JobRef } from './jobStore.js';

/** A millionth of a dollar for the noise of floats in a sum that the database adds up. */
const TOLERANCE_USD = 0.000_001;

export const reservationId = (jobId: string, epoch: number): string => `reserved:${jobId}:${epoch}`;

/** Of what a run was settled with, by its job and epoch. */
export const ledgerId = (jobId: string, epoch: number): string => `ledger:${jobId}:${epoch}`;

export const readBudget = (deps: Deps, productId: string): Promise<Stored<Budget> | undefined> =>
  deps.documents.read<Budget>(BUDGETS, [productId], 'budget');

/** Budgets with a ceiling, by product and as of now. */
export async function ceilingsOf(deps: Deps, productIds: readonly string[]): Promise<Map<string, Budget>> {
  const stored = await Promise.all(productIds.map((productId) => readBudget(deps, productId)));
  const budgets = new Map<string, Budget>();
  for (const one of stored)
    if (one && hasCeiling(one.document))
      budgets.set(one.document.productId, rolled(one.document, deps.clock.now()));
  return budgets;
}

const hasCeiling = (budget: Budget): boolean =>
  BUDGET_WINDOWS.some((window) => budget[window].ceilingUsd !== undefined);

/**
 * Reserves what the run of that epoch may cost: one batch with a conditional patch, so that claims at the same moment
 * never reserve more together than there is. A reservation of the same epoch that is there already is the claim's own:
 * the epoch was not used, or the answer got lost.
 * @param budget as the claim saw it; without one nothing is reserved
 * @returns false when there is not enough left
 */
export async function reserve(
  deps: Deps,
  job: Job,
  epoch: number,
  budget: Budget | undefined,
): Promise<boolean> {
  if (budget === undefined) return true;
  const usd = reservationFor({ costUsd: costOf(job) }, budget);
  if (usd === 0) return true;
  const { productId, jobId } = job;
  const now = deps.clock.now();
  const id = reservationId(jobId, epoch);
  const reservation: Reservation = { id, type: 'reservation', productId, jobId, epoch, usd, at: now };
  await rollOver(deps, productId, now);
  try {
    await deps.documents.batch(
      BUDGETS,
      [productId],
      [
        { kind: 'create', document: reservation },
        {
          kind: 'patch',
          id: 'budget',
          steps: [{ op: 'incr', path: '/reservedUsd', value: usd }],
          condition: `FROM c WHERE ${BUDGET_WINDOWS.map((window) => roomIn(window, usd, now)).join(' AND ')}`,
        },
      ],
    );
    return true;
  } catch (error) {
    if (isCloudError(error, 'exists')) return true;
    if (isCloudError(error, 'precondition', 'not-found')) return false;
    throw error;
  }
}

const roomIn = (window: (typeof BUDGET_WINDOWS)[number], usd: number, now: string): string =>
  `c.${window}.period = '${periodOf(window, now)}' AND (NOT IS_DEFINED(c.${window}.ceilingUsd)
   OR c.${window}.spentUsd + c.reservedUsd + ${usd} <= c.${window}.ceilingUsd + ${TOLERANCE_USD})`;

/** Begins a new day or month in the stored budget. Whoever is first does it for all. */
async function rollOver(deps: Deps, productId: string, now: string): Promise<void> {
  const stored = await readBudget(deps, productId);
  if (!stored || BUDGET_WINDOWS.every((window) => stored.document[window].period >= periodOf(window, now)))
    return;
  try {
    await deps.documents.replace(BUDGETS, [productId], rolled(stored.document, now), stored.etag);
  } catch (error) {
    if (!isCloudError(error, 'precondition')) throw error;
  }
}

/** Gives a reservation back whose claim came to nothing. */
export async function unreserve(deps: Deps, { productId, jobId }: Job, epoch: number): Promise<void> {
  const id = reservationId(jobId, epoch);
  const stored = await deps.documents.read<Reservation>(BUDGETS, [productId], id);
  if (!stored) return;
  try {
    await deps.documents.batch(
      BUDGETS,
      [productId],
      [
        { kind: 'remove', id },
        {
          kind: 'patch',
          id: 'budget',
          steps: [{ op: 'incr', path: '/reservedUsd', value: -stored.document.usd }],
        },
      ],
    );
  } catch (error) {
    // Somebody settled it in the meantime.
    if (!isCloudError(error, 'not-found')) throw error;
  }
}

/**
 * Gives back what was reserved by claimers that died before they claimed. Left there it would keep the very job that it
 * was reserved for from being claimed, where the budget has not enough left for both.
 * @param held `<job>.<epoch>` of what is in flight
 */
export async function giveBackUnclaimed(deps: Deps, held: ReadonlySet<string>): Promise<void> {
  const reservations = await deps.documents.select<Pick<Reservation, 'productId' | 'jobId' | 'epoch'>>(
    BUDGETS,
    {
      text: `SELECT c.productId, c.jobId, c.epoch FROM c WHERE c.type = 'reservation' AND c.at <= @before`,
      parameters: { before: after(deps.clock.now(), -deps.settings.leaseSeconds) },
    },
  );
  const open = reservations.filter(({ jobId, epoch }) => !held.has(`${jobId}.${epoch}`));
  await Promise.all(
    open.map(async ({ epoch, ...ref }) => {
      await giveBackIfUnused(deps, ref, epoch);
    }),
  );
}

/**
 * Gives a reservation back that no run counts on: its epoch was not claimed; or it is settled already, and whoever
 * reserved stood still meanwhile. That of a run which is over and not settled is the feed's: it knows what it has cost.
 */
export async function giveBackIfUnused(deps: Deps, ref: JobRef, epoch: number): Promise<void> {
  const { document: job } = await readJob(deps, ref);
  if (job.epoch < epoch || (await isSettled(deps, ref, epoch))) await unreserve(deps, job, epoch);
}

const isSettled = async (deps: Deps, { productId, jobId }: JobRef, epoch: number): Promise<boolean> =>
  (await deps.documents.read<LedgerEntry>(BUDGETS, [productId], ledgerId(jobId, epoch))) !== undefined;
