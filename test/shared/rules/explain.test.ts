import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExplanationSchema } from '../../../shared/contract/explanation.js';
import type { Explanation } from '../../../shared/contract/explanation.js';
import type { Factory } from '../../../shared/contract/fleet.js';
import type { Job } from '../../../shared/contract/job.js';
import { missing } from '../../../shared/rules/capabilities.js';
import type { ExplainInput } from '../../../shared/rules/explain.js';
import { factoryView, placementOf } from '../../../shared/rules/placement.js';
import { readyEntryOf } from '../../../shared/rules/ready.js';
import type { Remedy } from '../../../shared/rules/remedy.js';
import { poolsFor, routeJob } from '../../../shared/rules/routing.js';
import { explainJob, lockKey, selectJobs } from '../../../shared/rules/scheduler.js';
import type { SchedulingContext } from '../../../shared/rules/scheduler.js';
import {
  DECISION,
  NOW,
  POOLS,
  REPORTS,
  after,
  at,
  cancel,
  claim,
  context,
  factoryDocument,
  job,
  jobId,
  ship,
} from './fixtures.js';

const explain = (one: Job, fields: Partial<ExplainInput> = {}): Explanation =>
  ExplanationSchema.parse(
    explainJob({
      job: one,
      factories: [factoryDocument()],
      pools: POOLS,
      context: context(),
      now: NOW,
      ...fields,
    }),
  );
const { started, finished, passed, landed, conflict } = REPORTS;
const built = [claim('build'), started, finished] as const;

describe('a job that nobody needs to be found for', () => {
  it.each([
    ['placed', 'linux-1 works on it: run 1, building.', after(job(), claim('build'), started)],
    ['placed', 'Waits for a person to look at its change.', after(job({ verify: undefined }), ...built)],
    ['placed', 'Passed its checks; waits for a person to ship it.', after(job(), ...built, passed)],
    [
      'placed',
      'Waits for a person: it could not be merged (merge_conflict): src/a.js',
      after(job(), ...built, passed, ship, claim('land'), started, conflict),
    ],
    ['ended', 'Shipped as feed.', after(job(), ...built, passed, ship, claim('land'), started, landed)],
    ['ended', 'Failed (cancelled): not needed', after(job(), cancel)],
    [
      'ended',
      'In the dead letters after 1 attempts (engine_failed): exit 3',
      after(job({ retry: { max: 0 } }), claim('build'), REPORTS.failed),
    ],
  ])('is %s: %s', (state, summary, { job: one }) => {
    expect(explain(one)).toMatchObject({ state, summary });
    expect(explain(one)).not.toHaveProperty('wouldPlace');
  });
});

describe('a job that waits says why, and what would place it', () => {
  const busy = factoryDocument({ running: 4 });
  const mac = factoryDocument({ id: 'mac-1', advertises: ['os:mac', 'engine:shell'], pools: ['any', 'mac'] });
  const locked = context({ locks: new Map([[lockKey('acme', 'db'), jobId(9)]]) });

  it.each<[string, Job, Partial<ExplainInput>, string, string | undefined]>([
    [
      'a free factory',
      job(),
      { position: 1 },
      'Ready in pool any, place 1: linux-1 can take it now.',
      undefined,
    ],
    [
      'busy stations',
      job(),
      { factories: [busy], position: 3 },
      'Waits for a free station in pool any, place 3: all of linux-1 are taken.',
      'a free station in pool any (linux-1 is the nearest)',
    ],
    [
      'a factory that is away',
      job(),
      { factories: [factoryDocument({ status: 'offline' })] },
      'Waits for a factory of pool any: linux-1 is not online.',
      'linux-1 back online (it is offline)',
    ],
    [
      'no factory at all',
      job({ capabilities: ['os:mac'] }),
      { factories: [] },
      'Waits for a factory in pool mac: none is enrolled.',
      'a factory with engine:shell, os:mac in pool mac',
    ],
    [
      'no factory with the capability',
      job({ capabilities: ['os:mac'] }),
      {},
      'Waits for a factory in pool mac: none of the 1 enrolled can run it.',
      'os:mac on linux-1',
    ],
    [
      'a factory that is not enrolled',
      job({ targetFactoryId: 'mac-7' }),
      {},
      'Waits for the factory mac-7, which is not enrolled.',
      'a factory named mac-7 with engine:shell in pool any',
    ],
    [
      'a product that the factory is not enrolled for',
      job(),
      { factories: [factoryDocument({ products: ['globex'] })] },
      'Waits for a factory in pool any: none of the 1 enrolled can run it.',
      'linux-1 enrolled for the product acme too',
    ],
    [
      'a lock',
      job({ lock: 'db' }),
      { context: locked },
      `Waits for the lock db, which ${jobId(9)} holds.`,
      `${jobId(9)} ending, which holds the lock db`,
    ],
    [
      'a paused product',
      job(),
      { context: context({ pausedProducts: new Set(['acme']) }) },
      'Waits: product:acme is stopped (the product is paused).',
      'product:acme resumed',
    ],
    [
      'its retry',
      after(job(), claim('build'), REPORTS.failed).job,
      {},
      `Waits for its retry at ${at(10)}.`,
      `time: its retry may start at ${at(10)}`,
    ],
    [
      'two things at once',
      job({ lock: 'db' }),
      { context: locked, factories: [busy, mac] },
      `Waits for the lock db, which ${jobId(9)} holds.`,
      `${jobId(9)} ending, which holds the lock db`,
    ],
    [
      'the landing that a person asked for',
      after(job(), ...built, passed, ship).job,
      {},
      'Ready in pool any: linux-1 can take it now.',
      undefined,
    ],
  ])('%s', (_, one, fields, summary, wouldPlace) => {
    const explanation = explain(one, fields);
    expect(explanation).toMatchObject({ state: 'waiting', summary });
    expect(explanation.wouldPlace).toBe(wouldPlace);
  });

  it('lists every factory with its blocks, and the score of those without', () => {
    const { factories } = explain(job(), { factories: [factoryDocument(), busy, mac] });
    expect(factories.map(({ factoryId, freeStations, blocks }) => [factoryId, freeStations, blocks])).toEqual(
      [
        ['linux-1', 4, []],
        ['linux-1', 0, [{ kind: 'stations', running: 4, stations: 4 }]],
        ['mac-1', 4, []],
      ],
    );
    expect(factories.map((one) => one.score !== undefined)).toEqual([true, false, true]);
  });

  it('tells what the pool asks for of a factory that suits the job and is not in it', () => {
    const old = factoryDocument({ advertises: ['engine:shell', 'node@18.0.0'], pools: ['any'] });
    const { factories } = explain(job({ capabilities: ['node>=18'] }), { factories: [old] });
    expect(factories[0]?.blocks).toEqual([{ kind: 'capability', missing: ['node>=20'] }]);
  });

  it('carries the decision of its last assignment', () => {
    expect(explain(job(), { lastAssignment: DECISION }).assignment).toEqual(DECISION);
  });
});

describe('a job that no pool could ever run', () => {
  it('is told apart from one that waits', () => {
    const explanation = explain(job({ capabilities: ['has:xcode', 'os:mac'] }));
    expect(explanation).toMatchObject({
      state: 'unroutable',
      summary: 'No pool guarantees engine:shell, has:xcode, os:mac. The nearest, mac, lacks has:xcode.',
      wouldPlace: 'a pool that declares engine:shell, has:xcode, os:mac',
      factories: [],
    });
    expect(explanation.pools).toContainEqual({ pool: 'mac', missing: ['has:xcode'] });
  });
});

/** The fleet and its surroundings after a change. */
interface World {
  factories: Factory[];
  context: SchedulingContext;
  now: string;
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
    case 'resume': {
      const switches = new Map(world.context.switches);
      switches.delete(remedy.scope);
      const paused = [...world.context.pausedProducts].filter((one) => `product:${one}` !== remedy.scope);
      return { ...world, context: { ...world.context, switches, pausedProducts: new Set(paused) } };
    }
    case 'free-station':
      return change(remedy.factoryId, (one) => ({ running: one.stations - 1 }));
    case 'start-factory':
      return change(remedy.factoryId, () => ({ status: 'online' }));
    case 'admit-product':
      return change(remedy.factoryId, (one) => ({ products: [...one.products, remedy.productId] }));
    case 'add-capabilities':
      return change(remedy.factoryId, (one) => {
        const advertises = [...one.advertises, ...remedy.missing.map(installed)];
        return { advertises, pools: poolsFor(advertises, POOLS) };
      });
    case 'enrol-factory': {
      const advertises = remedy.capabilities.map(installed);
      const id = remedy.factoryId ?? 'new-1';
      const pools = poolsFor(advertises, POOLS);
      return { ...world, factories: [...world.factories, factoryDocument({ id, advertises, pools })] };
    }
    default:
      return expect.fail('an unknown remedy');
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
    },
    { requiredKeys: ['capabilities'] },
  );
  const surroundings = fc.record({
    locked: fc.boolean(),
    paused: fc.boolean(),
    stopped: fc.boolean(),
    waits: fc.boolean(),
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
        const world: World = {
          factories: fleet.map((known, n) =>
            factoryDocument({ ...known, id: `factory-${n}`, pools: poolsFor(known.advertises, POOLS) }),
          ),
          context: context({
            locks: new Map(around.locked ? [[lockKey('acme', 'db'), jobId(9)]] : []),
            pausedProducts: new Set(around.paused ? ['acme'] : []),
            switches: new Map(around.stopped ? [['fleet', 'incident']] : []),
          }),
          now: NOW,
        };
        const takers = (state: World): string[] =>
          state.factories
            .filter((known) => known.status === 'online' && known.pools.includes(entry.pool))
            .filter(
              (known) =>
                selectJobs({
                  candidates: [entry],
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
        for (const known of changed.factories)
          if (takers(changed).includes(known.id))
            expect(missing(one.requirements, known.advertises)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
