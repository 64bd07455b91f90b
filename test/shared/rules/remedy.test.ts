import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Budget } from '../../../shared/contract/budget.js';
import type { Factory } from '../../../shared/contract/fleet.js';
import { assertExhaustive } from '../../../shared/errors.js';
import { newBudget, withCeilings } from '../../../shared/rules/budget.js';
import { missing } from '../../../shared/rules/capabilities.js';
import { factoryView, placementOf } from '../../../shared/rules/placement.js';
import { readyEntryOf } from '../../../shared/rules/ready.js';
import { describeRemedy, smallestChange, type Remedy } from '../../../shared/rules/remedy.js';
import { poolsFor, routeJob } from '../../../shared/rules/routing.js';
import { lockKey, selectJobs } from '../../../shared/rules/scheduler.js';
import type { SchedulingContext } from '../../../shared/rules/scheduler.js';
import { NOW, POOLS, at, context, factoryDocument, job, jobId } from './fixtures.js';

/** Ten dollars a day and thirty a month. */
const budgetWith = (spentUsd: number): Budget => {
  const budget = withCeilings(newBudget('acme', NOW), { dayUsd: 10, monthUsd: 30 });
  return { ...budget, day: { ...budget.day, spentUsd }, month: { ...budget.month, spentUsd: spentUsd * 3 } };
};

/** The fleet and its surroundings after a change. */
interface World {
  factories: Factory[];
  context: SchedulingContext;
  now: string;
  /** The job was submitted anew, for any factory. */
  untied?: boolean;
}

function apply(world: World, remedy: Remedy, productId: string): World {
  const change = (factoryId: string, edit: (one: Factory) => Partial<Factory>): World => ({
    ...world,
    factories: world.factories.map((one) => (one.id === factoryId ? { ...one, ...edit(one) } : one)),
  });
  switch (remedy.kind) {
    case 'wait':
      return { ...world, now: remedy.until };
    case 'release-lock': {
      const locks = new Map(world.context.locks);
      locks.delete(lockKey(productId, remedy.key));
      return { ...world, context: { ...world.context, locks } };
    }
    case 'lift-halt': {
      const switches = new Map(world.context.switches);
      switches.delete(remedy.scope);
      return { ...world, context: { ...world.context, switches } };
    }
    case 'end-pause': {
      const pausedProducts = new Map(world.context.pausedProducts);
      pausedProducts.delete(remedy.productId);
      return { ...world, context: { ...world.context, pausedProducts } };
    }
    case 'raise-budget': {
      const budget = world.context.budgets?.get(remedy.productId);
      if (budget === undefined) return world;
      const { window, usd } = remedy;
      const ceilingUsd = (budget[window].ceilingUsd ?? 0) + usd;
      const raised = { ...budget, [window]: { ...budget[window], ceilingUsd } };
      return {
        ...world,
        context: { ...world.context, budgets: new Map([[remedy.productId, raised]]) },
      };
    }
    case 'wait-warm':
      return { ...world, now: remedy.until };
    case 'drain-rarer':
      return { ...world, context: { ...world.context, rarer: { pool: remedy.pool, waiting: [] } } };
    case 'free-station':
      return change(remedy.factoryId, (one) => ({ running: one.stations - 1 }));
    case 'start-factory':
      return change(remedy.factoryId, () => ({ status: 'online' }));
    case 'admit-product':
      return change(remedy.factoryId, (one) => ({ products: [...one.products, remedy.productId] }));
    case 'add-capabilities':
      return change(remedy.factoryId, (one) => {
        // No command installs another operating system.
        const possible = remedy.missing.filter((need) => !need.startsWith('os:'));
        const advertises = [...one.advertises, ...possible.map(installed)];
        return { advertises, pools: poolsFor(advertises, POOLS) };
      });
    case 'enrol-factory': {
      const advertises = remedy.capabilities.map(installed);
      const id = remedy.factoryId ?? 'new-1';
      const pools = poolsFor(advertises, POOLS);
      return { ...world, factories: [...world.factories, factoryDocument({ id, advertises, pools })] };
    }
    case 'change-target':
      return { ...world, untied: true };
    default:
      return assertExhaustive(remedy);
  }
}

/** What one would install for a requirement. */
const installed = (requirement: string): string =>
  requirement.startsWith('node') ? 'node@20.20.2' : requirement;

describe('the smallest change', () => {
  const fleets = fc.array(
    fc.record({
      advertises: fc.subarray(['engine:shell', 'os:linux', 'os:mac', 'node@18.0.0', 'node@20.1.0']),
      running: fc.constantFrom(0, 4),
      products: fc.constantFrom('*', 'globex').map((product) => [product]),
      status: fc.constantFrom('online' as const, 'draining' as const, 'offline' as const),
    }),
    { maxLength: 4 },
  );
  const jobs = fc.record(
    {
      capabilities: fc.subarray(['os:linux', 'os:mac', 'node>=18'], { maxLength: 1 }),
      lock: fc.constant('db'),
      targetFactoryId: fc.constantFrom('factory-0', 'factory-9'),
      engine: fc.constantFrom('shell' as const, 'claude' as const),
      budget: fc.constantFrom({}, { usd: 3 }),
    },
    { requiredKeys: ['capabilities'] },
  );
  const surroundings = fc.record({
    locked: fc.boolean(),
    paused: fc.boolean(),
    stopped: fc.boolean(),
    waits: fc.boolean(),
    spentUsd: fc.constantFrom(0, 8.5, 10, 12),
  });

  it('places the job once it is made, and nothing is asked for where nothing is needed', () => {
    fc.assert(
      fc.property(fleets, jobs, surroundings, (fleet, fields, around) => {
        const queued = job(fields);
        const one = around.waits ? { ...queued, notBefore: at(60) } : queued;
        const routing = routeJob(one, POOLS);
        fc.pre(routing.kind === 'routed');
        if (routing.kind !== 'routed') return;
        const entry = readyEntryOf(one, routing.pool);
        const { targetFactoryId: _, ...anywhere } = entry;
        const world: World = {
          factories: fleet.map((known, n) =>
            factoryDocument({ ...known, id: `factory-${n}`, pools: poolsFor(known.advertises, POOLS) }),
          ),
          context: context({
            locks: new Map(around.locked ? [[lockKey('acme', 'db'), jobId(9)]] : []),
            pausedProducts: new Map(around.paused ? [['acme', 'the invoice is open']] : []),
            switches: new Map(around.stopped ? [['fleet', 'incident']] : []),
            budgets: new Map([['acme', budgetWith(around.spentUsd)]]),
          }),
          now: NOW,
        };
        const takers = (state: World): string[] =>
          state.factories
            .filter((known) => known.status === 'online' && known.pools.includes(entry.pool))
            .filter(
              (known) =>
                selectJobs({
                  candidates: [state.untied ? anywhere : entry],
                  factory: factoryView(known, POOLS),
                  context: state.context,
                  now: state.now,
                  seed: 's',
                  count: 1,
                }).length > 0,
            )
            .map((known) => known.id);

        const { change } = placementOf(entry, world.factories, POOLS, world.context, NOW);
        expect(change.length === 0).toBe(takers(world).length > 0);
        const changed = change.reduce((state, remedy) => apply(state, remedy, 'acme'), world);
        expect(takers(changed)).not.toEqual([]);
        const unfit = changed.factories.filter(
          (known) =>
            takers(changed).includes(known.id) && missing(one.requirements, known.advertises).length > 0,
        );
        expect(unfit).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

it('a job that is kept for a warm factory needs time alone', () => {
  const blocks = [{ kind: 'warm' as const, factoryId: 'linux-2', until: at(5) }];
  const change = smallestChange(
    { pool: 'any', requirements: [] },
    [],
    [{ factoryId: 'linux-1', blocks }],
    [],
  );
  expect(change.map(describeRemedy)).toEqual([
    `time: it is kept for linux-2, which has the repository, until ${at(5)}`,
  ]);
});

it('a job without requirements needs any factory', () => {
  const change = smallestChange({ pool: 'any', requirements: [] }, [], [], []);
  expect(change.map(describeRemedy)).toEqual([
    'a factory with any capabilities in pool any (aq enrol tells how to start one)',
  ]);
});

it('names the engines of a class, which nobody can install', () => {
  const lacks = ['engine-class:agentic-coder', 'has:figma'];
  expect(describeRemedy({ kind: 'add-capabilities', factoryId: 'linux-1', missing: lacks })).toBe(
    'one of claude, codex, copilot, opencode, gemini, devin (engine-class:agentic-coder), installed and logged in, and has:figma on linux-1 (aq factory probe there tells what it has)',
  );
});
