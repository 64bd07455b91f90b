/** A job's own budget (BUD-1): what a run may use of it, and what follows when it is used up. */
import { describe, expect, test } from 'vitest';
import { ENGINES } from '../../../shared/contract/manifest.js';
import type { Usage } from '../../../shared/contract/job.js';
import { budgetLeft, settlementOf } from '../../../shared/rules/budget.js';
import { engineTag } from '../../../shared/rules/engine.js';
import { legalCommands } from '../../../shared/rules/lifecycle.js';
import { routeJob } from '../../../shared/rules/routing.js';
import { addUsage } from '../../../shared/rules/spend.js';
import { isReady } from '../../../shared/rules/stages.js';
import { POOLS } from '../../../shared/topology.js';
import { accept, after, claim, FACTORY, job, report, REPORTS, resume } from './fixtures.js';

const usage = (more: Partial<Usage>): Usage => ({
  wallSeconds: 60,
  tokens: 1000,
  usd: 2,
  accuracy: 'exact',
  ...more,
});
const overspent = {
  kind: 'failed',
  reason: 'budget',
  message: 'the budget of $2 is used up',
  exitCode: null,
  usage: usage({}),
} as const;

describe('a run whose job has used its budget up', () => {
  const running = after(job({ budget: { usd: 2 } }), claim('build'), REPORTS.started);
  const state = accept(running, report(1, overspent));

  test('is on hold with the reason, and counts as no attempt', () => {
    expect(state.job).toMatchObject({
      stage: 'queued',
      attempts: 0,
      hold: { reason: overspent.message },
      usage: { usd: 2 },
    });
    expect(state.job.holder).toBeUndefined();
    expect(isReady(state.job)).toBe(false);
    expect(state.events.slice(-2).map(({ body }) => body.kind)).toEqual(['run.failed', 'job.held']);
  });

  test('goes on when a person says so, with its budget anew', () => {
    expect(legalCommands(state.job)).toContain('resume');
    const resumed = accept(state, resume).job;
    expect(isReady(resumed)).toBe(true);
    expect(budgetLeft(resumed)).toEqual({ usd: 2 });
  });
});

test('a run may use what earlier runs left', () => {
  const used = { ...job({ budget: { usd: 5, tokens: 3000, wall: 100 } }), usage: usage({}) };
  expect(budgetLeft(used)).toEqual({ usd: 3, tokens: 2000, wall: 40 });
  expect(budgetLeft(job())).toEqual({});
});

test('a run that is given back tells what it used, once', () => {
  const released = { kind: 'released', message: 'draining', usage: usage({ usd: 0.5 }) } as const;
  const state = accept(after(job(), claim('build'), REPORTS.started), report(1, released));
  expect(state.job.usage.usd).toBe(0.5);
  const event = state.events.at(-1);
  expect(event && settlementOf(event)).toMatchObject({ kind: 'cost', cost: { usd: 0.5 } });
});

test.each(['failed', 'released'] as const)(
  'a %s run of which nobody knows the cost settles as its reservation',
  (kind) => {
    const fence = {
      epoch: 3,
      factoryId: 'linux-1',
      message: 'x',
      usage: usage({ usd: 0, accuracy: 'unknown' }),
    };
    const body =
      kind === 'failed'
        ? ({ kind: 'run.failed', reason: 'engine_failed', exitCode: 1, ...fence } as const)
        : ({ kind: 'run.released', ...fence } as const);
    expect(settlementOf({ body, from: 'building', actor: FACTORY })).toEqual({ kind: 'reserved', epoch: 3 });
  },
);

test('token counts add up, and stay when only one side tells them', () => {
  const counts = { input: 1, cachedInput: 2, cacheWrite: 3, output: 4 };
  const told = usage({ tokenCounts: counts });
  expect(addUsage(told, told).tokenCounts).toEqual({ input: 2, cachedInput: 4, cacheWrite: 6, output: 8 });
  expect(addUsage(told, usage({})).tokenCounts).toEqual(counts);
  expect(addUsage(usage({}), usage({ accuracy: 'unknown' }))).not.toHaveProperty('tokenCounts');
});

test.each(ENGINES)('a job that names %s finds a pool', (engine) => {
  expect(routeJob({ requirements: [engineTag(engine)] }, POOLS).kind).toBe('routed');
});
