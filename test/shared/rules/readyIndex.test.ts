import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRIORITIES } from '../../../shared/contract/manifest.js';
import { ReadyIndex, chooseJobs, selectJobs } from '../../../shared/rules/scheduler.js';
import { serve, servedBy } from '../../../shared/rules/share.js';
import { WaitingQueue } from '../../../shared/rules/waitingQueue.js';
import { NOW, at, context, entry, factory, jobId } from './fixtures.js';

const waiting = (n: number, submitted: number) => ({ entry: entry(n), submitted, due: 0 });
const idsOf = (queue: WaitingQueue): string[] =>
  Array.from({ length: queue.size }, (_, place) => queue.at(place)?.entry.id ?? '');

describe('a waiting queue', () => {
  it('is in order whatever came and went in between', () => {
    const steps = fc.array(fc.record({ n: fc.nat(200), time: fc.nat(5), out: fc.boolean() }), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new WaitingQueue('submitted');
        const held = new Map<number, ReturnType<typeof waiting>>();
        for (const { n, time, out } of list) {
          const known = held.get(n);
          if (known !== undefined && out) {
            queue.remove(known);
            held.delete(n);
          } else if (known === undefined) {
            const one = waiting(n, time);
            queue.add(one);
            held.set(n, one);
          }
        }
        const expected = [...held.values()].sort(
          (a, b) => a.submitted - b.submitted || (a.entry.id < b.entry.id ? -1 : 1),
        );
        expect(idsOf(queue)).toEqual(expected.map((one) => one.entry.id));
      }),
      { numRuns: 50 },
    );
  });

  it('goes on from the front for thousands of jobs', () => {
    const queue = new WaitingQueue('submitted');
    const all = Array.from({ length: 1000 }, (_, n) => waiting(n, n));
    for (const one of all) queue.add(one);
    for (const one of all.slice(0, 990)) queue.remove(one);
    expect(idsOf(queue)).toEqual(all.slice(990).map((one) => one.entry.id));
  });

  it('is not troubled by a job that is not in it', () => {
    const queue = new WaitingQueue('submitted');
    queue.add(waiting(1, 1));
    queue.remove(waiting(2, 0));
    expect(queue.size).toBe(1);
  });
});

describe('an index that lives on', () => {
  const question = { factory: factory({ stations: 99 }), context: context(), now: NOW, seed: 's', count: 1 };
  const changes = fc.array(
    fc.record({
      n: fc.nat(12),
      out: fc.boolean(),
      priority: fc.constantFrom(...PRIORITIES),
      repo: fc.constantFrom('r1', 'r2', undefined),
      productId: fc.constantFrom('acme', 'globex'),
      wait: fc.constantFrom(undefined, -5, 5),
      age: fc.nat(9000),
    }),
    { maxLength: 40 },
  );

  it('decides as one that is made of the same jobs afresh', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const index = new ReadyIndex();
        const held = new Map<number, ReturnType<typeof entry>>();
        for (const { n, out, priority, repo, productId, wait, age } of list) {
          if (out) {
            index.remove(jobId(n));
            held.delete(n);
            continue;
          }
          const one = entry(n, {
            priority,
            productId,
            submittedAt: at(-age),
            ...(repo !== undefined && { repo }),
            ...(wait !== undefined && { notBefore: at(wait) }),
          });
          index.add(one);
          held.set(n, one);
        }
        expect(index.size).toBe(held.size);
        const candidates = [...held.values()];
        expect(chooseJobs(index, question).selected).toEqual(selectJobs({ candidates, ...question }));
      }),
    );
  });

  it('gives each job once, and retries when their time has come', () => {
    const index = new ReadyIndex([entry(1), entry(2, { notBefore: at(60) })]);
    const ask = (now: string) => chooseJobs(index, { ...question, now }).selected[0]?.entry.id;
    expect([ask(NOW), ask(NOW), ask(at(60)), ask(at(61))]).toEqual([
      jobId(1),
      undefined,
      jobId(2),
      undefined,
    ]);
    expect(index.size).toBe(0);
    expect(index.lanes.size).toBe(0);
  });

  it('remembers a job by its latest entry', () => {
    const index = new ReadyIndex([entry(1, { priority: 'low' })]);
    index.add(entry(1, { priority: 'critical' }));
    index.add(entry(2));
    expect(chooseJobs(index, question).selected[0]?.entry.id).toBe(jobId(1));
    expect(index.size).toBe(1);
  });
});

describe('between products', () => {
  const first = (shares: Record<string, number>, ...candidates: ReturnType<typeof entry>[]) =>
    selectJobs({
      candidates,
      factory: factory(),
      context: context({ shareByProduct: new Map(Object.entries(shares)) }),
      now: NOW,
      seed: 's',
      count: 1,
    })[0]?.entry.productId;
  const flood = entry(1, { productId: 'flood', submittedAt: at(-20_000) });
  const fresh = entry(2, { productId: 'fresh' });

  it('waiting raises nobody who has had more than others', () => {
    expect(first({ flood: 0.1 }, flood, fresh)).toBe('fresh');
    expect(first({}, flood, fresh)).toBe('flood');
    expect(first({ fresh: 3 }, flood, fresh)).toBe('flood');
  });

  it('what is more urgent comes first all the same', () => {
    const urgent = entry(3, { productId: 'flood', priority: 'critical' });
    expect(first({ flood: 9 }, urgent, fresh)).toBe('flood');
  });

  it('what a product was given is forgotten by and by', () => {
    const served = serve(serve(undefined, 1, NOW), 1, NOW);
    expect(servedBy(served, NOW)).toBe(2);
    expect(servedBy(served, at(600))).toBe(1);
    expect(servedBy(served, at(-5))).toBe(2);
    expect(servedBy(undefined, NOW)).toBe(0);
    expect(serve(served, 1, at(600)).count).toBe(2);
  });
});
