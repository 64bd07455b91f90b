// Counts every product's money again, from the single entries: the sums that the product keeps must be the same.
import type { TransactionRecord } from '../../local/cosmos/records.js';
import type { Budget, Reservation } from '../../shared/contract/budget.js';
import type { LedgerEntry } from '../../shared/contract/fleet.js';

/** Noise of floats in a sum of dollars. */
const TOLERANCE_USD = 0.001;

interface Account {
  budget: Budget | undefined;
  readonly reservations: Map<string, Reservation>;
  readonly entries: Map<string, LedgerEntry>;
}

export class Ledgers {
  readonly accounts = new Map<string, Account>();
  readonly #violate: (rule: string, message: string) => void;

  constructor(violate: (rule: string, message: string) => void) {
    this.#violate = violate;
  }

  written({ w, p }: TransactionRecord): void {
    const productId = String(p[0] as string);
    const account: Account = this.accounts.get(productId) ?? {
      budget: undefined,
      reservations: new Map(),
      entries: new Map(),
    };
    this.accounts.set(productId, account);
    const before = account.budget;
    let reserved = 0;
    for (const { i, b } of w) {
      if (!b) {
        account.reservations.delete(i);
        continue;
      }
      switch (b['type']) {
        case 'budget':
          account.budget = b as unknown as Budget;
          break;
        case 'reservation': {
          const reservation = b as unknown as Reservation;
          account.reservations.set(i, reservation);
          reserved += reservation.usd;
          break;
        }
        case 'ledger':
          if (account.entries.has(i)) this.#violate('a run is charged once', `${i} was charged twice`);
          account.entries.set(i, b as unknown as LedgerEntry);
      }
    }
    this.#checkSums(productId, account);
    if (reserved > 0) this.#checkCeiling(productId, account, before);
  }

  #checkSums(productId: string, { budget, reservations, entries }: Account): void {
    if (!budget) return;
    const open = sum([...reservations.values()].map(({ usd }) => usd));
    if (Math.abs(open - budget.reservedUsd) > TOLERANCE_USD)
      this.#violate(
        'reservations add up',
        `${productId}: ${budget.reservedUsd} reserved, entries say ${open}`,
      );
    for (const window of ['day', 'month'] as const) {
      const { period, spentUsd } = budget[window];
      const spent = sum(
        [...entries.values()].filter(({ at }) => at.startsWith(period)).map(({ usd }) => usd),
      );
      if (Math.abs(spent - spentUsd) > TOLERANCE_USD)
        this.#violate('spend adds up', `${productId}: ${spentUsd} spent in ${period}, entries say ${spent}`);
    }
  }

  /** What is reserved now fits under the ceiling: so a budget is overspent by what runs in flight cost more. */
  #checkCeiling(productId: string, account: Account, before: Budget | undefined): void {
    const { budget } = account;
    if (!budget || !before) return;
    for (const window of ['day', 'month'] as const) {
      const { ceilingUsd, spentUsd } = budget[window];
      if (ceilingUsd !== undefined && spentUsd + budget.reservedUsd > ceilingUsd + TOLERANCE_USD)
        this.#violate(
          'budgets hold',
          `${productId}: ${spentUsd} spent and ${budget.reservedUsd} reserved of ${ceilingUsd}`,
        );
    }
  }
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
