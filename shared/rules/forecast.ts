/** Where a product's spend is going: the pace so far, drawn on to the end of the window. */
import { BUDGET_WINDOWS } from '../contract/budget.js';
import type { Budget, BudgetWindow, Burndown } from '../contract/budget.js';
import { roundUsd } from './budget.js';

const DAY_MS = 86_400_000;

const startOf = (window: BudgetWindow, now: Date): number =>
  Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), window === 'day' ? now.getUTCDate() : 1);
const endOf = (window: BudgetWindow, now: Date): number =>
  window === 'day' ? startOf('day', now) + DAY_MS : Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);

/**
 * What each window comes to at its pace so far, and when its ceiling is reached.
 * @param budget as of now (see rolled)
 * @param now ISO time
 */
export function forecastOf(budget: Budget, now: string): Burndown['forecast'] {
  const date = new Date(now);
  return BUDGET_WINDOWS.map((window) => {
    const { spentUsd, ceilingUsd } = budget[window];
    const [start, end] = [startOf(window, date), endOf(window, date)];
    const elapsed = Math.max(1, date.getTime() - start);
    const expectedUsd = roundUsd((spentUsd * (end - start)) / elapsed);
    const ceiling = ceilingUsd === undefined ? {} : { ceilingUsd };
    if (ceilingUsd === undefined || expectedUsd < ceilingUsd || spentUsd === 0)
      return { window, ...ceiling, expectedUsd };
    const crosses = Math.max(date.getTime(), start + (ceilingUsd / spentUsd) * elapsed);
    return { window, ...ceiling, expectedUsd, crossesAt: new Date(crosses).toISOString() };
  });
}

/** Every day of the last `days`, the oldest first, with what was spent or zero. */
export function everyDay(
  spent: ReadonlyMap<string, Omit<Burndown['days'][number], 'day'>>,
  days: number,
  now: string,
): Burndown['days'] {
  return Array.from({ length: days }, (_, n) => {
    const day = new Date(Date.parse(now) - (days - 1 - n) * DAY_MS).toISOString().slice(0, 10);
    return { day, ...(spent.get(day) ?? { usd: 0, tokens: 0, wallSeconds: 0, runs: 0 }) };
  });
}
