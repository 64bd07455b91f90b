import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BudgetSchema } from '../../../shared/contract/budget.js';
import type { Budget } from '../../../shared/contract/budget.js';
import type { EventBody } from '../../../shared/contract/event.js';
import {
  budgetBlocks,
  costOf,
  isOverBudget,
  leftIn,
  newBudget,
  rolled,
  settled,
  settlementOf,
  withCeilings,
} from '../../../shared/rules/budget.js';
import { everyDay, forecastOf } from '../../../shared/rules/forecast.js';
import { explainJob, selectJobs } from '../../../shared/rules/scheduler.js';
import {
  FACTORY,
  NOW,
  POOLS,
  REAPER,
  REPORTS,
  USAGE,
  after,
  claim,
  context,
  entry,
  factory,
  factoryDocument,
  job,
  ship,
} from './fixtures.js';

const TOMORROW = '2026-11-22T00:00:00.000Z';
const NEXT_MONTH = '2026-12-01T00:00:00.000Z';
const daily = (ceiling: number, spent = 0, reservedUsd = 0): Budget => {
  const budget = withCeilings(newBudget('acme', NOW), { dayUsd: ceiling });
  return { ...budget, day: { ...budget.day, spentUsd: spent }, reservedUsd };
};

describe('a budget', () => {
  it('has left what is neither spent nor reserved, and no end without a ceiling', () => {
    expect(leftIn(daily(10, 4.1, 3.8), 'day')).toBe(2.1);
    expect(leftIn(daily(10), 'month')).toBeUndefined();
    expect(budgetBlocks(daily(10, 4.1, 3.8), 2.1)).toEqual([]);
    expect(budgetBlocks(daily(10, 4.1, 3.8), 2.2)).toEqual([
      { kind: 'budget', productId: 'acme', window: 'day', leftUsd: 2.1, shortUsd: 0.1 },
    ]);
  });

  it('begins again with the day and the month; what is reserved stays reserved', () => {
    const spent = settled(daily(10, 0, 5), NOW, 3, 2);
    expect(spent).toMatchObject({ day: { spentUsd: 3 }, month: { spentUsd: 3 }, reservedUsd: 3 });
    expect(rolled(spent, NOW)).toEqual(spent);
    expect(rolled(spent, TOMORROW)).toMatchObject({
      day: { period: '2026-11-22', spentUsd: 0, ceilingUsd: 10 },
      month: { period: '2026-11', spentUsd: 3 },
      reservedUsd: 3,
    });
    expect(rolled(spent, NEXT_MONTH).month).toEqual({ period: '2026-12', spentUsd: 0 });
  });

  it('does not count what belongs to a day that is over', () => {
    const today = rolled(daily(10, 1), TOMORROW);
    expect(settled(today, NOW, 3, 0)).toMatchObject({ day: { spentUsd: 0 }, month: { spentUsd: 3 } });
  });

  it('takes ceilings and gives them up one by one', () => {
    const both = withCeilings(newBudget('acme', NOW), { dayUsd: 1, monthUsd: 2, assumedUsd: 3 });
    expect(BudgetSchema.parse(both)).toMatchObject({
      day: { ceilingUsd: 1 },
      month: { ceilingUsd: 2 },
      assumedUsd: 3,
    });
    expect(withCeilings(both, { dayUsd: null }).day).not.toHaveProperty('ceilingUsd');
    expect(withCeilings(both, { dayUsd: null }).month).toEqual(both.month);
  });
});

describe('the next run of a job may cost', () => {
  it('nothing when it is a script or a merge', () => {
    expect(costOf(job({ engine: 'shell', budget: { usd: 3 } }))).toBe(0);
    const { started, finished, passed } = REPORTS;
    const shipping = after(job({ engine: 'claude' }), claim('build'), started, finished, passed, ship);
    expect(costOf(shipping.job)).toBe(0);
  });

  it('what is left of its own budget; after a person requeued it, all of it', () => {
    const one = job({ engine: 'claude', budget: { usd: 3 } });
    expect(costOf(one)).toBe(3);
    expect(costOf({ ...one, usage: USAGE })).toBe(2.75);
    expect(costOf({ ...one, usage: { ...USAGE, usd: 3 } })).toBe(3);
    expect(costOf(job({ engine: 'claude' }))).toBeUndefined();
  });

  it('not more than its dollars, tokens and time', () => {
    const used = (budget: object) => isOverBudget({ ...job({ budget }), usage: USAGE });
    expect([used({ usd: 0.25 }), used({ tokens: 1000 }), used({ wall: 12 })]).toEqual([true, true, true]);
    expect(used({ usd: 0.26, tokens: 1001, wall: 13 })).toBe(false);
    expect(used({})).toBe(false);
  });
});

describe('a claim', () => {
  const choose = (budget: Budget, ...costs: (number | undefined)[]) =>
    selectJobs({
      candidates: costs.map((costUsd, n) => entry(n + 1, costUsd === undefined ? {} : { costUsd })),
      factory: factory(),
      context: context({ budgets: new Map([['acme', budget]]) }),
      now: NOW,
      seed: 's',
      count: 4,
    }).length;

  it('is given what the budget has left, each job counted for the next one', () => {
    expect(choose(daily(10, 4), 3, 3, 3)).toBe(2);
    expect(choose(daily(10, 10), 3)).toBe(0);
    expect(choose(daily(10, 4, 4), 3)).toBe(0);
  });

  it('takes a job without a budget for what the product assumes', () => {
    expect(choose(daily(10), undefined, undefined, undefined)).toBe(2);
  });

  it('is always given what costs nothing', () => {
    expect(choose(daily(10, 12), 0, 0)).toBe(2);
  });

  it('is explained by the smallest raise', () => {
    const one = job({ engine: 'claude', budget: { usd: 3 } });
    const explanation = explainJob({
      job: one,
      factories: [
        factoryDocument({ advertises: ['engine:shell', 'engine:claude'], pools: ['any', 'claude'] }),
      ],
      pools: POOLS,
      context: context({ budgets: new Map([['acme', daily(10, 9.1)]]) }),
      now: NOW,
    });
    expect(explanation.summary).toBe('Waits for the daily budget of acme: $0.90 are left.');
    expect(explanation.wouldPlace).toBe('$2.10 more in the daily budget of acme');
  });
});

describe('an event settles', () => {
  const said = (body: object, from?: 'building' | 'queued', actor = FACTORY) =>
    settlementOf({ body: { epoch: 2, factoryId: 'f', ...body } as EventBody, actor, ...(from && { from }) });

  it.each([
    ['what the run cost', { kind: 'run.finished', usage: USAGE }, 'cost'],
    ['what a failed run cost', { kind: 'run.failed', reason: 'timeout', usage: USAGE }, 'cost'],
    ['the worst for a run that does not say', { kind: 'run.failed', reason: 'timeout' }, 'reserved'],
    ['the worst for a run that was lost', { kind: 'run.lost' }, 'reserved'],
    ['nothing for a run that never began', { kind: 'run.failed', reason: 'preflight' }, 'free'],
    ['nothing for a run that was given back', { kind: 'run.released' }, 'free'],
  ])('%s', (_, body, kind) => {
    expect(said(body)).toMatchObject({ kind, epoch: 2 });
  });

  it('whatever is open of a job that a person took away', () => {
    expect(said({ kind: 'job.cancelled' }, 'building')).toEqual({ kind: 'all', spent: true });
    expect(said({ kind: 'job.requeued' })).toEqual({ kind: 'all', spent: false });
    expect(said({ kind: 'job.held', paused: true }, 'building')).toEqual({ kind: 'all', spent: true });
    expect(said({ kind: 'job.held', paused: false })).toBeUndefined();
  });

  it('the worst for a run that was taken from its factory', () => {
    expect(said({ kind: 'run.released' }, 'building', REAPER)).toEqual({ kind: 'reserved', epoch: 2 });
  });

  it('nothing else', () => {
    expect(said({ kind: 'run.started' })).toBeUndefined();
  });
});

describe('over any order, repetition and loss of what is told', () => {
  const runs = fc.array(fc.record({ reserve: fc.integer({ min: 1, max: 50 }), cost: fc.nat(80) }), {
    maxLength: 20,
  });
  const told = fc.array(fc.nat(19), { maxLength: 60 });

  it('spend counts once, and is over the ceiling by no more than what runs cost beyond their reservations', () => {
    fc.assert(
      fc.property(runs, told, fc.integer({ min: 1, max: 200 }), (list, deliveries, ceiling) => {
        let budget = daily(ceiling);
        const reserved = new Map<number, number>();
        const ledger = new Map<number, number>();
        // Claims go on while events of earlier runs come, come twice, or never come.
        const steps = Math.max(list.length, deliveries.length);
        for (let step = 0; step < steps; step++) {
          const claimed = list[step];
          if (claimed !== undefined && budgetBlocks(budget, claimed.reserve).length === 0) {
            reserved.set(step, claimed.reserve);
            budget = { ...budget, reservedUsd: budget.reservedUsd + claimed.reserve };
          }
          const run = deliveries[step];
          const cost = run === undefined ? undefined : list[run]?.cost;
          if (run === undefined || cost === undefined || !reserved.has(run) || ledger.has(run)) continue;
          budget = settled(budget, NOW, cost, reserved.get(run) ?? 0);
          ledger.set(run, cost);
          reserved.delete(run);
        }
        const sum = (values: Iterable<number>) => [...values].reduce((total, one) => total + one, 0);
        const beyond = [...ledger].map(([run, cost]) => Math.max(0, cost - (list[run]?.reserve ?? 0)));
        expect(budget.day.spentUsd).toBe(sum(ledger.values()));
        expect(budget.reservedUsd).toBe(sum(reserved.values()));
        expect(budget.day.spentUsd + budget.reservedUsd).toBeLessThanOrEqual(ceiling + sum(beyond));
      }),
    );
  });
});

describe('the forecast', () => {
  it('draws the pace so far on to the end of the window', () => {
    const [day, month] = forecastOf(daily(8, 5), NOW);
    // Half of the day is over: five dollars will be ten, and eight are reached after eight tenths of it.
    expect(day).toEqual({
      window: 'day',
      ceilingUsd: 8,
      expectedUsd: 10,
      crossesAt: '2026-11-21T19:12:00.000Z',
    });
    expect(month).toEqual({ window: 'month', expectedUsd: 0 });
  });

  it('has no crossing when there is none, and now when it is past', () => {
    expect(forecastOf(daily(11, 5), NOW)[0]).not.toHaveProperty('crossesAt');
    expect(forecastOf(daily(0, 0), NOW)[0]).not.toHaveProperty('crossesAt');
    expect(forecastOf(daily(4, 5), NOW)[0]?.crossesAt).toBe(NOW);
  });

  it('knows every day, also those without spend', () => {
    const spent = new Map([['2026-11-20', { usd: 1, tokens: 2, wallSeconds: 3, runs: 4 }]]);
    expect(everyDay(spent, 3, NOW).map(({ day, usd }) => [day, usd])).toEqual([
      ['2026-11-19', 0],
      ['2026-11-20', 1],
      ['2026-11-21', 0],
    ]);
  });
});
