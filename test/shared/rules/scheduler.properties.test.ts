import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIORITIES } from '../../../shared/contract/manifest.js';
import type { ReadyEntry } from '../../../shared/contract/fleet.js';
import { missing } from '../../../shared/rules/capabilities.js';
import { lockKey, selectJobs } from '../../../shared/rules/scheduler.js';
import type { FactoryView, SchedulingContext } from '../../../shared/rules/scheduler.js';
import { NOW, at, context, entry, factory, jobId } from './fixtures.js';

const REQUIREMENTS = ['engine:shell', 'engine:claude', 'os:linux', 'os:mac', 'node>=20', 'node<20', 'gpu'];
const TAGS = ['engine:shell', 'engine:claude', 'os:linux', 'os:mac', 'node@18.2.0', 'node@22.1.0', 'gpu'];
const PRODUCTS = ['acme', 'globex', 'initech'];
const LOCKS = ['db', 'web'];

const entries: fc.Arbitrary<ReadyEntry[]> = fc
  .array(
    fc.record(
      {
        requirements: fc.subarray(REQUIREMENTS),
        productId: fc.constantFrom(...PRODUCTS),
        priority: fc.constantFrom(...PRIORITIES),
        prefers: fc.subarray(['linux-1', 'gpu', 'node']),
        submittedAt: fc.integer({ min: -10_000, max: 0 }).map(at),
        repo: fc.constantFrom('r1', 'r2'),
        lock: fc.constantFrom(...LOCKS),
        notBefore: fc.integer({ min: -10, max: 10 }).map(at),
        targetFactoryId: fc.constantFrom('linux-1', 'mac-1'),
      },
      { requiredKeys: ['requirements', 'productId', 'priority', 'prefers', 'submittedAt'] },
    ),
    { maxLength: 25 },
  )
  .map((list) => list.map((fields, n) => entry(n + 1, fields)));

const factories: fc.Arbitrary<FactoryView> = fc
  .record({
    advertises: fc.subarray(TAGS),
    stations: fc.integer({ min: 1, max: 8 }),
    running: fc.integer({ min: 0, max: 8 }),
    warm: fc.subarray(['r1', 'r2']),
    products: fc.oneof(fc.constant(['*']), fc.subarray(PRODUCTS)),
    costClass: fc.integer({ min: 1, max: 3 }),
  })
  .map(factory);

const contexts: fc.Arbitrary<SchedulingContext> = fc
  .record({
    held: fc.subarray(LOCKS),
    paused: fc.subarray(PRODUCTS, { maxLength: 1 }),
    running: fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)),
  })
  .map(({ held, paused, running }) =>
    context({
      locks: new Map(held.map((key) => [lockKey('acme', key), jobId(99)])),
      pausedProducts: new Map(paused.map((one) => [one, 'paused'])),
      shareByProduct: new Map(PRODUCTS.map((product, n) => [product, running[n] ?? 0])),
    }),
  );

describe('whatever is ready, for whatever factory', () => {
  it('the same question has the same answer, in whatever order the jobs come', () => {
    fc.assert(
      fc.property(entries, factories, contexts, fc.string(), (candidates, one, around, seed) => {
        const ask = (list: ReadyEntry[]) =>
          selectJobs({ candidates: list, factory: one, context: around, now: NOW, seed, count: 5 });
        expect(ask(candidates)).toEqual(ask(candidates));
        expect(ask(candidates.toReversed()).map((chosen) => chosen.entry.id)).toEqual(
          ask(candidates).map((chosen) => chosen.entry.id),
        );
      }),
    );
  });

  it('no job reaches a factory that may not run it now', () => {
    fc.assert(
      fc.property(entries, factories, contexts, (candidates, one, around) => {
        const chosen = selectJobs({
          candidates,
          factory: one,
          context: around,
          now: NOW,
          seed: 's',
          count: 9,
        });
        expect(chosen.length).toBeLessThanOrEqual(Math.max(0, one.stations - one.running));
        const locks = new Map(around.locks);
        for (const { entry: job } of chosen) {
          expect(missing(job.requirements, one.advertises)).toEqual([]);
          expect(one.products.includes('*') || one.products.includes(job.productId)).toBe(true);
          expect(around.pausedProducts.has(job.productId)).toBe(false);
          expect(job.targetFactoryId ?? one.id).toBe(one.id);
          expect((job.notBefore ?? NOW) <= NOW).toBe(true);
          if (job.lock === undefined) continue;
          const key = lockKey(job.productId, job.lock);
          expect(locks.has(key)).toBe(false);
          locks.set(key, job.id);
        }
      }),
    );
  });

  it('a job that is left over has its reason: it was blocked, or the stations were full', () => {
    fc.assert(
      fc.property(entries, factories, contexts, (candidates, one, around) => {
        const roomy = { ...one, stations: one.running + candidates.length };
        const chosen = selectJobs({
          candidates,
          factory: roomy,
          context: around,
          now: NOW,
          seed: 's',
          count: 99,
        });
        const left = candidates.filter((job) => !chosen.some(({ entry: taken }) => taken.id === job.id));
        const locks = new Map([
          ...around.locks,
          ...chosen.flatMap(({ entry: job }): [string, string][] =>
            job.lock === undefined ? [] : [[lockKey(job.productId, job.lock), job.id]],
          ),
        ]);
        const again = selectJobs({
          candidates: left,
          factory: roomy,
          context: { ...around, locks },
          now: NOW,
          seed: 's',
          count: 99,
        });
        expect(again).toEqual([]);
      }),
    );
  });

  it('raising the priority of the chosen job keeps it chosen', () => {
    fc.assert(
      fc.property(entries, factories, contexts, (candidates, one, around) => {
        const ask = (list: ReadyEntry[]) =>
          selectJobs({ candidates: list, factory: one, context: around, now: NOW, seed: 's', count: 1 })[0]
            ?.entry;
        const winner = ask(candidates);
        fc.pre(winner !== undefined && winner.priorityRank > 0);
        const raised = candidates.map((job) =>
          job.id === winner?.id ? { ...job, priorityRank: job.priorityRank - 1 } : job,
        );
        expect(ask(raised)?.id).toBe(winner?.id);
      }),
    );
  });

  it('no job starves: critical work without end passes it for two hours at most', () => {
    const lowest = entry(1, { priority: 'low', submittedAt: at(0) });
    const waits = (minutes: number): boolean => {
      const flood = Array.from({ length: 5 }, (_, n) =>
        entry(n + 2, {
          priority: 'critical',
          submittedAt: at(minutes * 60),
          repo: 'r',
          prefers: ['linux-1'],
        }),
      );
      const [first] = selectJobs({
        candidates: [...flood, lowest],
        factory: factory({ warm: ['r'] }),
        context: context(),
        now: at(minutes * 60),
        seed: 's',
        count: 1,
      });
      return first?.entry.id !== lowest.id;
    };
    expect(waits(60)).toBe(true);
    expect(waits(120)).toBe(false);
  });
});

/** Jain's index: 1 when all get the same, 1/n when one gets all. */
const jain = (shares: readonly number[]): number =>
  shares.reduce((sum, one) => sum + one, 0) ** 2 /
  (shares.length * shares.reduce((sum, one) => sum + one ** 2, 0));

describe('a hundred products, one of which floods the pool', () => {
  const products = Array.from({ length: 100 }, (_, n) => `product-${n}`);
  const flooded = (n: number): ReadyEntry[] =>
    Array.from({ length: n === 0 ? 400 : 4 }, (_, k) =>
      entry(n * 1000 + k, {
        productId: products[n] ?? '',
        // The flood came first.
        submittedAt: at(n === 0 ? -600 : -60),
      }),
    );

  it('get the same share', () => {
    const everything = products.flatMap((_, n) => flooded(n));
    const chosen = selectJobs({
      candidates: everything,
      factory: factory({ stations: 400 }),
      context: context(),
      now: NOW,
      seed: 's',
      count: 400,
    });
    const shares = products.map((product) => chosen.filter((one) => one.entry.productId === product).length);
    expect(jain(shares)).toBeGreaterThanOrEqual(0.99);
  });

  it('serve the newcomer within four decisions', () => {
    const shareByProduct = new Map(products.map((product, n) => [product, n === 0 ? 40 : 1]));
    const newcomer = entry(999_999, { productId: 'newcomer' });
    const chosen = selectJobs({
      candidates: [...products.flatMap((_, n) => flooded(n)), newcomer],
      factory: factory({ stations: 4 }),
      context: context({ shareByProduct }),
      now: NOW,
      seed: 's',
      count: 4,
    });
    expect(chosen.map((one) => one.entry.id)).toContain(newcomer.id);
  });
});
