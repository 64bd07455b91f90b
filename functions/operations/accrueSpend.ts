import type { BatchStep } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { LedgerEntry, Spend } from '../../shared/contract/fleet.js';
import { spendOf } from '../../shared/rules/spend.js';
import { BUDGETS } from '../../shared/topology.js';
import type { Deps } from './deps.js';

/** Many runs of one product may end at once, and they all add to one day. */
const MAX_ATTEMPTS = 20;
const PAUSE_MS = 20;

/**
 * Adds what a run cost to its product's day: ledger entry and sum in one batch. The entry's id is the run's, so an
 * event that comes twice counts once.
 */
export async function accrueSpend(deps: Deps, event: JobEvent): Promise<void> {
  const cost = spendOf(event);
  if (!cost || !('epoch' in event.body)) return;
  const { productId, jobId, at } = event;
  const { epoch } = event.body;
  const entry: LedgerEntry = {
    id: `ledger:${jobId}:${epoch}`,
    type: 'ledger',
    productId,
    jobId,
    epoch,
    at,
    ...cost,
  };
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    try {
      await deps.documents.batch(
        BUDGETS,
        [productId],
        [{ kind: 'create', document: entry }, await addedTo(deps, productId, at.slice(0, 10), cost)],
      );
      return;
    } catch (error) {
      if (!isCloudError(error, 'exists', 'precondition')) throw error;
    }
    if (await deps.documents.read<LedgerEntry>(BUDGETS, [productId], entry.id)) return;
    await deps.clock.sleep(Math.random() * PAUSE_MS * attempt);
  }
  throw new Error(`the spend of ${productId} was changed by others ${MAX_ATTEMPTS} times in a row`);
}

/** The write that adds to the sum of a day, on the condition that nobody else does at the same moment. */
async function addedTo(
  deps: Deps,
  productId: string,
  day: string,
  cost: { usd: number; tokens: number; wallSeconds: number },
): Promise<BatchStep> {
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
