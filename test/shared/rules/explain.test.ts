import { describe, expect, it } from 'vitest';
import { ExplanationSchema } from '../../../shared/contract/explanation.js';
import type { Explanation } from '../../../shared/contract/explanation.js';
import type { Job } from '../../../shared/contract/job.js';
import type { ExplainInput } from '../../../shared/rules/explain.js';
import { explainJob, lockKey } from '../../../shared/rules/scheduler.js';
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
      'In the dead letters after attempt 1 (engine_failed): exit 3',
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
      'Waits for a factory of pool any: linux-1 is offline.',
      'linux-1 back online (start it again on its machine)',
    ],
    [
      'no factory at all',
      job({ capabilities: ['os:mac'] }),
      { factories: [] },
      'Waits for a factory in pool mac: none is enrolled.',
      'a factory with engine:shell, os:mac in pool mac (aq enrol tells how to start one)',
    ],
    [
      'no factory with the capability',
      job({ capabilities: ['os:mac'] }),
      {},
      'Waits for a factory in pool mac: linux-1, the only one, cannot run it.',
      'a factory with engine:shell, os:mac in pool mac (aq enrol tells how to start one)',
    ],
    [
      'no factory with the tool',
      job({ capabilities: ['node>=20'] }),
      { factories: [factoryDocument({ advertises: ['engine:shell'], pools: ['any'] })] },
      'Waits for a factory in pool node: linux-1, the only one, cannot run it.',
      'node>=20 on linux-1 (aq factory probe there tells what it has)',
    ],
    [
      'a factory that is not enrolled',
      job({ targetFactoryId: 'mac-7' }),
      {},
      'Waits for the factory mac-7, which is not enrolled.',
      'a factory named mac-7 with engine:shell in pool any (aq enrol tells how to start one)',
    ],
    [
      'a target that cannot do it',
      job({ targetFactoryId: 'linux-1', capabilities: ['os:mac'] }),
      { factories: [factoryDocument(), mac] },
      'Waits for a factory in pool mac: none of the 2 factories can run it.',
      'the job submitted anew without targetFactoryId: linux-1, which can never have os:mac',
    ],
    [
      'a factory that must come back and have room',
      job(),
      { factories: [factoryDocument({ status: 'draining', running: 4 }), mac].slice(0, 1) },
      'Waits for a factory of pool any: linux-1 is draining.',
      'linux-1 taking work again (aq factories drain linux-1 --undo), and a free station in pool any (linux-1 is the nearest)',
    ],
    [
      'several factories that are away',
      job(),
      { factories: [factoryDocument({ status: 'offline' }), { ...mac, status: 'draining' as const }] },
      'Waits for a factory of pool any: mac-1 is draining, linux-1 is offline.',
      'linux-1 back online (start it again on its machine)',
    ],
    [
      'a product that the factory is not enrolled for',
      job(),
      { factories: [factoryDocument({ products: ['globex'] })] },
      'Waits for a factory in pool any: linux-1, the only one, cannot run it.',
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
      { context: context({ pausedProducts: new Map([['acme', 'the invoice is open']]) }) },
      'Waits: product acme is paused (the invoice is open).',
      'the pause of acme ended (aq budget resume -p acme)',
    ],
    [
      'a kill switch',
      job(),
      { context: context({ switches: new Map([['pool:any', 'leaked key']]) }) },
      'Waits: pool:any is halted (leaked key).',
      'the halt of pool:any lifted (aq halt pool:any --lift)',
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

  it('tells a factory that lacks nothing to join the pool, whose tickets it does not hear', () => {
    const elsewhere = factoryDocument({ pools: ['linux'], health: 0.5 });
    const { factories, wouldPlace } = explain(job(), { factories: [elsewhere] });
    expect(factories[0]?.blocks).toEqual([{ kind: 'capability', missing: ['pool:any'] }]);
    expect(wouldPlace).toBe('linux-1 in pool:any (enrol it again: pools are joined then)');
  });

  it('scores a factory by what its last runs were', () => {
    const { factories } = explain(job(), { factories: [factoryDocument({ health: 0.5 })] });
    expect(factories[0]?.score?.health).toBe(0.5);
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
      summary: 'No pool has has:xcode. The nearest, mac, has all else.',
      wouldPlace:
        'a factory with has:xcode, in a pool for it: declare a pool like mac with has:xcode in shared/topology.json, then start one on a machine that has it (aq enrol; aq factory probe there tells what it has)',
      factories: [],
    });
    expect(explanation.pools).toContainEqual({ pool: 'mac', missing: ['has:xcode'] });
  });

  it('does not ask for another machine where one has it already, and only its pool is missing', () => {
    const xcode = factoryDocument({ id: 'mac-1', advertises: ['engine:shell', 'has:xcode', 'os:mac'] });
    const explanation = explain(job({ capabilities: ['has:xcode', 'os:mac'] }), { factories: [xcode] });
    expect(explanation.wouldPlace).toContain(
      'declare a pool like mac with has:xcode in shared/topology.json, then enrol mac-1 again, which has it',
    );
  });

  it('tells what no pool has together, where each of it is somewhere', () => {
    const both = explain(job({ engine: 'claude', capabilities: ['os:mac'] }));
    expect(both.summary).toMatch(/^No pool has engine:claude, os:mac together\. The nearest, \w+, lacks /);
    expect(both.wouldPlace).toMatch(
      /^a factory with engine:claude, os:mac, in a pool for it: declare a pool like /,
    );
  });

  it('says so where no pool is declared at all', () => {
    expect(explain(job(), { pools: [] })).toMatchObject({
      state: 'unroutable',
      summary: 'No pool has engine:shell.',
      pools: [],
    });
  });

  it('is never told to find a machine with two operating systems', () => {
    expect(explain(job({ capabilities: ['os:linux', 'os:mac'] }))).toMatchObject({
      state: 'unroutable',
      summary: 'No machine has os:linux and os:mac at the same time.',
      wouldPlace: 'the job submitted anew with one of os:linux, os:mac, or os:any',
    });
  });
});
