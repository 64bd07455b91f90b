import type { BatchStep } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Reservation } from '../../shared/contract/budget.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { LedgerEntry, Spend } from '../../shared/contract/fleet.js';
import { leftIn, newBudget, settled, settlementOf } from '../../shared/rules/budget.js';
import type { SpendOfEvent } from '../../shared/rules/spend.js';
import { BUDGETS } from '../../shared/topology.js';
import { ledgerId, readBudget, reservationId } from './budgetStore.js';
import type { Deps } from './deps.js';

/** Many runs of one product may end at once, and they all add to one day. */
const MAX_ATTEMPTS = 20;
const PAUSE_MS = 20;

/** What a run is settled with: its cost, its reservation, or nothing; `unclaimed` came to no run yet, and may still. */
type Terms =
  | { kind: 'cost'; cost: SpendOfEvent }
  | { kind: 'reserved' }
  | { kind: 'free' }
  | { kind: 'unclaimed' };

/**
 * Settles what an event says about the cost of runs: ledger entry, the day's sum, the budget and the end of the
 * reservation in one batch. The ledger entry's id is the run's, so an event that comes twice counts once; what settles
 * to nothing is over with its reservation.
 */
export async function accrueSpend(deps: Deps, event: JobEvent): Promise<void> {
  const settlement = settlementOf(event);
  if (!settlement) return;
  if (settlement.kind !== 'all') return settleRun(deps, event, settlement.epoch, settlement);
  const open = await deps.documents.query<Reservation>(BUDGETS, {
    text: `SELECT * FROM c WHERE c.type = 'reservation' AND c.jobId = @jobId AND c.at <= @at`,
    parameters: { jobId: event.jobId, at: event.at },
    partition: [event.productId],
  });
  for (const { document } of open)
    await settleRun(deps, event, document.epoch, { kind: settlement.spent ? 'reserved' : 'unclaimed' });
}

async function settleRun(deps: Deps, event: JobEvent, epoch: number, terms: Terms): Promise<void> {
  const { productId, jobId } = event;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const [stored, entry] = await Promise.all([
      deps.documents.read<Reservation>(BUDGETS, [productId], reservationId(jobId, epoch)),
      deps.documents.read<LedgerEntry>(BUDGETS, [productId], ledgerId(jobId, epoch)),
    ]);
    const reservation = stored?.document;
    if (entry || (!reservation && terms.kind !== 'cost')) return;
    try {
      await deps.documents.batch(
        BUDGETS,
        [productId],
        await stepsFor(deps, event, epoch, terms, reservation),
      );
      return;
    } catch (error) {
      // Others settle runs of the same product, or this very one.
      if (!isCloudError(error, 'exists', 'precondition', 'not-found')) throw error;
    }
    await deps.clock.sleep(deps.chance.random() * PAUSE_MS * attempt);
  }
  throw new Error(`the spend of ${productId} was changed by others ${MAX_ATTEMPTS} times in a row`);
}

async function stepsFor(
  deps: Deps,
  { productId, jobId, at }: JobEvent,
  epoch: number,
  terms: Terms,
  reservation: Reservation | undefined,
): Promise<BatchStep[]> {
  const cost = costOf(terms, reservation);
  const steps: BatchStep[] = reservation === undefined ? [] : [{ kind: 'remove', id: reservation.id }];
  steps.push(await budgetStep(deps, productId, at, cost?.usd ?? 0, reservation?.usd ?? 0));
  if (cost === undefined) return steps;
  const entry: LedgerEntry = {
    id: ledgerId(jobId, epoch),
    type: 'ledger',
    productId,
    jobId,
    epoch,
    at,
    ...cost,
    ...(terms.kind === 'reserved' && { assumed: true }),
  };
  // The entry alone says that the run is settled: a reservation that comes after it came too late.
  if (terms.kind === 'free') return [{ kind: 'create', document: entry }, ...steps];
  return [
    { kind: 'create', document: entry },
    await addedTo(deps, productId, at.slice(0, 10), cost),
    ...steps,
  ];
}

function costOf(terms: Terms, reservation: Reservation | undefined): SpendOfEvent | undefined {
  switch (terms.kind) {
    case 'cost':
      return terms.cost;
    case 'reserved':
      return { usd: reservation?.usd ?? 0, tokens: 0, wallSeconds: 0 };
    case 'free':
      return { usd: 0, tokens: 0, wallSeconds: 0 };
    case 'unclaimed':
      return undefined;
  }
}

/** The write that brings the budget up to date, on the condition that nobody else does at the same moment. */
async function budgetStep(
  deps: Deps,
  productId: string,
  at: string,
  usd: number,
  reservedUsd: number,
): Promise<BatchStep> {
  const stored = await readBudget(deps, productId);
  const before = stored?.document ?? newBudget(productId, at);
  const document = settled(before, at, usd, reservedUsd);
  for (const window of ['day', 'month'] as const)
    if ((leftIn(before, window) ?? 1) > 0 && (leftIn(document, window) ?? 1) <= 0)
      deps.log('warn', 'a budget is used up: nothing that costs is claimed', { productId, window });
  return stored ? { kind: 'replace', document, ifMatch: stored.etag } : { kind: 'create', document };
}

/** The write that adds to the sum of a day, on the condition that nobody else does at the same moment. */
async function addedTo(deps: Deps, productId: string, day: string, cost: SpendOfEvent): Promise<BatchStep> {
  const id = `spend:${day}`;
  const stored = await deps.documents.read<Spend>(BUDGETS, [productId], id);
  const sum = stored?.document ?? { usd: 0, tokens: 0, wallSeconds: 0, runs: 0 };
  const document: Spend = {
    id,
    type: 'spend',
    productId,
    day,
    usd: sum.usd + cost.usd,
    tokens: sum.tokens + cost.tokens,
    wallSeconds: sum.wallSeconds + cost.wallSeconds,
    runs: sum.runs + 1,
  };
  return stored ? { kind: 'replace', document, ifMatch: stored.etag } : { kind: 'create', document };
}
