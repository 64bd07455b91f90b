import type { Burndown } from '../../shared/contract/budget.js';
import type { Spend } from '../../shared/contract/fleet.js';
import { newBudget, rolled } from '../../shared/rules/budget.js';
import { everyDay, forecastOf } from '../../shared/rules/forecast.js';
import { after } from '../../shared/rules/leases.js';
import { BUDGETS } from '../../shared/topology.js';
import { readBudget } from './budgetStore.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { readProduct } from './products.js';

const DAY_SECONDS = 86_400;

/**
 * What a product spent day by day, and where that leads.
 * @throws AppError forbidden, not-found
 */
export async function getBurndown(
  deps: Deps,
  caller: Caller,
  { params, query }: { params: { productId: string }; query: { days: number } },
): Promise<Burndown> {
  const { productId } = params;
  requireRole(caller, 'viewer', productId);
  const now = deps.clock.now();
  const [, stored, spends] = await Promise.all([
    readProduct(deps, productId),
    readBudget(deps, productId),
    deps.documents.query<Spend>(BUDGETS, {
      text: `SELECT * FROM c WHERE c.type = 'spend' AND c.day >= @since`,
      parameters: { since: after(now, -query.days * DAY_SECONDS).slice(0, 10) },
      partition: [productId],
    }),
  ]);
  const spent = new Map(
    spends.map(({ document: { day, usd, tokens, wallSeconds, runs } }) => [
      day,
      { usd, tokens, wallSeconds, runs },
    ]),
  );
  return {
    productId,
    days: everyDay(spent, query.days, now),
    forecast: forecastOf(rolled(stored?.document ?? newBudget(productId, now), now), now),
  };
}
