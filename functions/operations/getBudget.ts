import { BUDGET_WINDOWS, type Budget, type BudgetView } from '../../shared/contract/budget.js';
import type { Product } from '../../shared/contract/fleet.js';
import { leftIn, newBudget, rolled } from '../../shared/rules/budget.js';
import { readBudget } from './budgetStore.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { readProduct } from './products.js';

/**
 * What a product may spend, has spent and has reserved.
 * @throws AppError forbidden, not-found
 */
export async function getBudget(
  deps: Deps,
  caller: Caller,
  { params }: { params: { productId: string } },
): Promise<BudgetView> {
  const { productId } = params;
  requireRole(caller, 'viewer', productId);
  const [product, stored] = await Promise.all([readProduct(deps, productId), readBudget(deps, productId)]);
  const now = deps.clock.now();
  return viewOf(product, rolled(stored?.document ?? newBudget(productId, now), now));
}

/** @param budget as of now */
export function viewOf({ productId, paused }: Product, budget: Budget): BudgetView {
  const windows = BUDGET_WINDOWS.map((window) => {
    const leftUsd = leftIn(budget, window);
    return { window, ...budget[window], ...(leftUsd !== undefined && { leftUsd }) };
  });
  const exceeded = windows.some(({ leftUsd }) => leftUsd !== undefined && leftUsd <= 0);
  return {
    productId,
    status: paused ? 'paused' : exceeded ? 'exceeded' : 'open',
    ...(paused && { paused }),
    reservedUsd: Math.max(0, budget.reservedUsd),
    assumedUsd: budget.assumedUsd,
    windows,
  };
}
