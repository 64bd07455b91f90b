import { isCloudError } from '../../shared/cloud/errors.js';
import type { BudgetView, PutBudget } from '../../shared/contract/budget.js';
import { AppError } from '../../shared/errors.js';
import { newBudget, rolled, withCeilings } from '../../shared/rules/budget.js';
import { BUDGETS } from '../../shared/topology.js';
import { readBudget } from './budgetStore.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { viewOf } from './getBudget.js';
import { readProduct } from './products.js';
import { sweepSoon } from './sweepTickets.js';

/** Claims and settlements change the same document all the time. */
const MAX_ATTEMPTS = 20;
const PAUSE_MS = 20;

/**
 * Sets a product's ceilings. What was spent and reserved stays.
 * @throws AppError forbidden, not-found, contended
 */
export async function putBudget(
  deps: Deps,
  caller: Caller,
  { params, body }: { params: { productId: string }; body: PutBudget },
): Promise<BudgetView> {
  const { productId } = params;
  requireRole(caller, 'admin', productId);
  const product = await readProduct(deps, productId);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const now = deps.clock.now();
    const stored = await readBudget(deps, productId);
    const budget = withCeilings(rolled(stored?.document ?? newBudget(productId, now), now), body);
    try {
      if (stored) await deps.documents.replace(BUDGETS, [productId], budget, stored.etag);
      else await deps.documents.create(BUDGETS, budget);
      await sweepSoon(deps);
      return viewOf(product, budget);
    } catch (error) {
      if (!isCloudError(error, 'exists', 'precondition')) throw error;
    }
    await deps.clock.sleep(deps.chance.random() * PAUSE_MS * attempt);
  }
  throw new AppError('contended', `the budget of ${productId} is being changed by others; try again`);
}
