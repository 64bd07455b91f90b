import { describe, expect, it } from 'vitest';
import { ReadyIndex, chooseJobs, selectJobs } from '../../../shared/rules/scheduler.js';
import { WARM_SILENCE_SECONDS, WARM_WAIT_SECONDS, warmElsewhere } from '../../../shared/rules/warm.js';
import { NOW, at, context, entry, factory, factoryDocument, jobId } from './fixtures.js';

const asker = { id: 'linux-1', pool: 'any' };
const warm = factoryDocument({ id: 'linux-2', warm: ['r'] });

describe('a repository is warm elsewhere', () => {
  it('when another factory of the pool has it and a station free', () => {
    expect([...warmElsewhere([warm], asker, NOW)]).toEqual([
      ['r', [{ id: 'linux-2', products: warm.products }]],
    ]);
  });

  it('at each factory that has it', () => {
    const third = { ...warm, id: 'linux-3' };
    const places = warmElsewhere([warm, third], asker, NOW).get('r');
    expect(places?.map(({ id }) => id)).toEqual(['linux-2', 'linux-3']);
  });

  it.each([
    ['is the one that asks', { id: 'linux-1' }],
    ['is in another pool', { pools: ['linux'] }],
    ['is draining', { status: 'draining' as const }],
    ['has every station taken', { running: 4 }],
    ['has not been heard of lately', { lastSeenAt: at(-WARM_SILENCE_SECONDS - 1) }],
  ])('not when the factory %s', (_, fields) => {
    expect(warmElsewhere([{ ...warm, ...fields }], asker, NOW).size).toBe(0);
  });
});

describe('a job whose repository is warm elsewhere', () => {
  const around = context({ warmElsewhere: new Map([['r', [{ id: 'linux-2', products: ['*'] }]]]) });
  const chosen = (fields: Parameters<typeof entry>[1], here: string[] = []) =>
    selectJobs({
      candidates: [entry(1, fields)],
      factory: factory({ warm: here }),
      context: around,
      now: NOW,
      seed: 's',
      count: 1,
    });

  it('is left to that factory, for a short while only', () => {
    expect(chosen({ repo: 'r' })).toEqual([]);
    expect(chosen({ repo: 'r', readySince: at(0.001 - WARM_WAIT_SECONDS) })).toEqual([]);
    expect(chosen({ repo: 'r', readySince: at(-WARM_WAIT_SECONDS) })).toHaveLength(1);
  });

  it('is not kept for a factory that may not run its product', () => {
    const elsewhere = context({ warmElsewhere: new Map([['r', [{ id: 'linux-2', products: ['bakery'] }]]]) });
    const input = {
      candidates: [entry(1, { repo: 'r' })],
      factory: factory(),
      now: NOW,
      seed: 's',
      count: 1,
    };
    expect(selectJobs({ ...input, context: elsewhere })).toHaveLength(1);
  });

  it.each([
    ['it is critical', { repo: 'r', priority: 'critical' as const }, []],
    ['it is meant for this factory', { repo: 'r', targetFactoryId: 'linux-1' }, []],
    ['this factory is warm as well', { repo: 'r' }, ['r']],
    ['it is about another repository', { repo: 'other' }, []],
    ['it needs none', {}, []],
  ])('is taken at once when %s', (_, fields, here) => {
    expect(chosen(fields, here)).toHaveLength(1);
  });

  it('is told of beside any number of more urgent jobs', () => {
    const urgent = Array.from({ length: 12 }, (_, n) =>
      entry(n + 1, { priority: 'critical', lock: `l${n}` }),
    );
    const kept = entry(50, { repo: 'r', priority: 'low', productId: 'bakery' });
    const [first] = selectJobs({
      candidates: [...urgent, kept],
      factory: factory(),
      context: { ...around, shareByProduct: new Map([['bakery', 5]]) },
      now: NOW,
      seed: 's',
      count: 1,
    });
    const told = first?.assignment.considered.find((one) => one.jobId === kept.id);
    expect(told?.blocked.map(({ kind }) => kind)).toEqual(['warm']);
  });

  it('lets others past, and is told of', () => {
    const index = new ReadyIndex([entry(1, { repo: 'r', submittedAt: at(-9) }), entry(2)]);
    const ask = () =>
      chooseJobs(index, { factory: factory(), context: around, now: NOW, seed: 's', count: 1 });
    const first = ask();
    expect(first.selected[0]?.entry.id).toBe(jobId(2));
    expect(first.selected[0]?.assignment.considered[1]).toEqual({
      jobId: jobId(1),
      blocked: [{ kind: 'warm', factoryId: 'linux-2', until: at(WARM_WAIT_SECONDS) }],
    });
    expect(first.heldBack).toBeUndefined();
    expect(ask()).toMatchObject({ selected: [], heldBack: { id: jobId(1) } });
  });
});
