import { describe, expect, it } from 'vitest';
import { AssignmentSchema } from '../../../shared/contract/explanation.js';
import type { Score } from '../../../shared/contract/explanation.js';
import type { ReadyEntry } from '../../../shared/contract/fleet.js';
import { stopsOf } from '../../../shared/rules/blocks.js';
import { lockKey, selectJobs } from '../../../shared/rules/scheduler.js';
import type { SelectInput } from '../../../shared/rules/scheduler.js';
import { NOW, at, context, entry, factory, jobId } from './fixtures.js';

const select = (candidates: ReadyEntry[], fields: Partial<SelectInput> = {}) =>
  selectJobs({
    candidates,
    factory: factory(),
    context: context(),
    now: NOW,
    seed: 's',
    count: 10,
    ...fields,
  });
const order = (candidates: ReadyEntry[], fields: Partial<SelectInput> = {}): number[] =>
  select(candidates, fields).map(({ entry: chosen }) => Number(chosen.id.slice(4)));
const blocksOf = (candidates: ReadyEntry[], blocked: number, fields: Partial<SelectInput> = {}) =>
  select(candidates, fields)[0]?.assignment.considered.find((one) => one.jobId === jobId(blocked))?.blocked;

describe('a factory gets', () => {
  it('nothing when nothing is ready', () => {
    expect(order([])).toEqual([]);
  });

  it('as many jobs as it asks for', () => {
    expect(order([entry(1), entry(2), entry(3)], { count: 2 })).toHaveLength(2);
  });

  it('never more than it has free stations', () => {
    const busy = factory({ stations: 4, running: 3 });
    expect(order([entry(1), entry(2)], { factory: busy })).toHaveLength(1);
    expect(order([entry(1)], { factory: factory({ stations: 1, running: 1 }) })).toEqual([]);
    expect(order([entry(1)], { factory: factory({ stations: 1, running: 2 }) })).toEqual([]);
  });

  it.each([
    ['a tag', ['engine:shell', 'has:xcode'], ['has:xcode']],
    ['a version', ['engine:shell', 'node>=22'], ['node>=22']],
    ['an engine', ['engine:claude'], ['engine:claude']],
  ])('no job for which it lacks %s', (_, requirements, missing) => {
    const rare = entry(1, { requirements });
    expect(order([rare])).toEqual([]);
    expect(blocksOf([rare, entry(2)], 1)).toEqual([{ kind: 'capability', missing }]);
  });

  it('no job that is meant for another factory, and the ones that are meant for it', () => {
    const [there, here] = [entry(1, { targetFactoryId: 'mac-1' }), entry(2, { targetFactoryId: 'linux-1' })];
    expect(order([there, here])).toEqual([2]);
    expect(blocksOf([there, here], 1)).toEqual([{ kind: 'target', factoryId: 'mac-1' }]);
  });

  it('no job of a product that it is not enrolled for', () => {
    const [own, foreign] = [entry(1), entry(2, { productId: 'globex' })];
    const scoped = { factory: factory({ products: ['acme'] }) };
    expect(order([own, foreign], scoped)).toEqual([1]);
    expect(blocksOf([own, foreign], 2, scoped)).toEqual([{ kind: 'product', productId: 'globex' }]);
  });
});

describe('a ready job waits', () => {
  it('for its retry, to the millisecond', () => {
    expect(order([entry(1, { notBefore: at(0.001) })])).toEqual([]);
    expect(order([entry(1, { notBefore: NOW })])).toEqual([1]);
    expect(blocksOf([entry(1, { notBefore: at(9) }), entry(2)], 1)).toEqual([
      { kind: 'backoff', until: at(9) },
    ]);
  });

  it('for a lock that another job holds, and not for its own', () => {
    const wants = entry(1, { lock: 'db' });
    const held = (by: number) => ({
      context: context({ locks: new Map([[lockKey('acme', 'db'), jobId(by)]]) }),
    });
    expect(order([wants], held(9))).toEqual([]);
    expect(order([wants], held(1))).toEqual([1]);
    expect(blocksOf([wants, entry(2)], 1, held(9))).toEqual([{ kind: 'lock', key: 'db', heldBy: jobId(9) }]);
  });

  it('not for a lock of the same name in another product', () => {
    const locks = new Map([[lockKey('globex', 'db'), jobId(9)]]);
    expect(order([entry(1, { lock: 'db' })], { context: context({ locks }) })).toEqual([1]);
  });

  it('for the job that took its lock in the same claim', () => {
    const pair = [entry(1, { lock: 'db', priority: 'high' }), entry(2, { lock: 'db' }), entry(3)];
    expect(order(pair)).toEqual([1, 3]);
    expect(select(pair)[1]?.assignment.considered).toContainEqual({
      jobId: jobId(2),
      blocked: [{ kind: 'lock', key: 'db', heldBy: jobId(1) }],
    });
  });

  it('while its product is paused, and no other product does', () => {
    const paused = { context: context({ pausedProducts: new Map([['acme', 'the invoice is open']]) }) };
    const candidates = [entry(1), entry(2, { productId: 'globex' })];
    expect(order(candidates, paused)).toEqual([2]);
    expect(blocksOf(candidates, 1, paused)).toMatchObject([{ kind: 'paused', productId: 'acme' }]);
  });

  it.each(['fleet', 'pool:any', 'product:acme'])('while the switch %s is on', (scope) => {
    const switches = new Map([[scope, 'incident']]);
    expect(order([entry(1)], { context: context({ switches }) })).toEqual([]);
  });

  it('not for the switch of another pool', () => {
    const switches = new Map([['pool:mac', 'incident']]);
    expect(order([entry(1)], { context: context({ switches }) })).toEqual([1]);
  });

  it('for every reason at once, and all of them are told', () => {
    const hopeless = entry(1, {
      requirements: ['gpu'],
      targetFactoryId: 'mac-1',
      notBefore: at(9),
      lock: 'db',
    });
    const all = {
      context: context({
        locks: new Map([[lockKey('acme', 'db'), jobId(9)]]),
        switches: new Map([['pool:any', 'incident']]),
      }),
    };
    const free = entry(2, { pool: 'linux' });
    expect(blocksOf([hopeless, free], 1, all)?.map((block) => block.kind)).toEqual([
      'capability',
      'target',
      'switch',
      'lock',
      'backoff',
    ]);
  });
});

it('tells which switches stop jobs, each once; a paused product is none', () => {
  const around = context({
    switches: new Map([['product:acme', 'leak']]),
    pausedProducts: new Map([['acme', 'invoice']]),
  });
  expect(stopsOf([entry(1), entry(2), entry(3, { productId: 'bakery' })], around)).toEqual([
    { scope: 'product:acme', reason: 'leak' },
  ]);
});

describe('the order', () => {
  it('is that of priority', () => {
    const all = [
      entry(1, { priority: 'low' }),
      entry(2, { priority: 'high' }),
      entry(3, { priority: 'critical' }),
      entry(4),
    ];
    expect(order(all)).toEqual([3, 2, 4, 1]);
  });

  it('puts a higher priority before any score', () => {
    const warm = entry(1, { repo: 'r', prefers: ['linux-1'] });
    const cold = entry(2, { priority: 'high' });
    expect(order([warm, cold], { factory: factory({ warm: ['r'] }) })).toEqual([2, 1]);
  });

  it('raises who waited: low passes fresh critical work after two hours', () => {
    const old = (seconds: number) => entry(1, { priority: 'low', submittedAt: at(-seconds) });
    const fresh = entry(2, { priority: 'critical' });
    expect(order([old(7199), fresh])).toEqual([2, 1]);
    expect(order([old(7200), fresh])).toEqual([1, 2]);
    expect(select([old(7200), fresh])[0]?.assignment.why).toContain('low, raised by 120 min of waiting');
  });

  it.each([
    ['whose checkout is warm', { repo: 'r' }],
    ['that prefers the factory', { prefers: ['linux-1'] }],
    ['that prefers a tag of it', { prefers: ['os:linux'] }],
    ['that prefers a tool of it', { prefers: ['node'] }],
    ['that needs more of what it has', { requirements: ['engine:shell', 'os:linux'] }],
  ])('prefers the job %s among equals', (_, fields) => {
    const older = entry(1, { submittedAt: at(-60) });
    expect(order([older, entry(2, fields)], { factory: factory({ warm: ['r'] }) })).toEqual([2, 1]);
  });

  it('prefers the product that has less in flight', () => {
    const shareByProduct = new Map([['acme', 5]]);
    const candidates = [entry(1, { submittedAt: at(-60) }), entry(2, { productId: 'globex' })];
    expect(order(candidates, { context: context({ shareByProduct }) })).toEqual([2, 1]);
  });

  it('takes turns between products within one claim', () => {
    const flood = [1, 2, 3].map((n) => entry(n, { submittedAt: at(-60) }));
    const light = [4, 5].map((n) => entry(n, { productId: 'globex' }));
    const chosen = select([...flood, ...light], { count: 4 });
    expect(chosen.map((one) => one.entry.productId)).toEqual(['acme', 'globex', 'acme', 'globex']);
  });

  it('lets no warm checkout keep a product without any run waiting', () => {
    const warm = entry(1, { repo: 'r', submittedAt: at(-60) });
    const cold = entry(2, { productId: 'globex' });
    const shareByProduct = new Map([['acme', 2]]);
    const hot = factory({ warm: ['r'] });
    expect(order([warm, cold], { factory: hot, context: context({ shareByProduct }) })).toEqual([2, 1]);
  });

  it('is that of age among equals', () => {
    expect(order([entry(1), entry(2, { submittedAt: at(-5) })])).toEqual([2, 1]);
  });

  it('is drawn by the seed where nothing else tells two apart', () => {
    const twins = [entry(1), entry(2)];
    const firsts = new Set(Array.from('abcdefghij', (seed) => order(twins, { seed })[0]));
    expect(firsts).toEqual(new Set([1, 2]));
    expect(select(twins)[0]?.assignment.why).toContain('drawn by the seed');
  });

  it('does not depend on the order of the candidates', () => {
    const all = [entry(1), entry(2), entry(3, { priority: 'high' }), entry(4, { repo: 'r' })];
    expect(order(all.toReversed())).toEqual(order(all));
  });
});

describe('weights', () => {
  const weights = {
    capabilityFit: 0,
    affinity: 0,
    load: 0,
    cost: 0,
    health: 0,
    starvation: 0,
    ageingSeconds: 60,
  };

  it('may silence a part of the score', () => {
    const older = entry(1, { submittedAt: at(-5) });
    const warm = { factory: factory({ warm: ['r'] }) };
    expect(order([older, entry(2, { repo: 'r' })], warm)).toEqual([2, 1]);
    expect(order([older, entry(2, { repo: 'r' })], { ...warm, weights })).toEqual([1, 2]);
  });

  it('set the pace of ageing', () => {
    const waited = entry(1, { priority: 'low', submittedAt: at(-180) });
    expect(order([waited, entry(2)])).toEqual([2, 1]);
    expect(order([waited, entry(2)], { weights })).toEqual([1, 2]);
  });
});

describe('the explanation of a choice', () => {
  const many = Array.from({ length: 30 }, (_, n) => entry(n + 1, { submittedAt: at(n) }));

  it('fits the contract and names the winner first, then the runners-up', () => {
    const [first] = select(many);
    const assignment = AssignmentSchema.parse(first?.assignment);
    expect(assignment).toMatchObject({ candidates: 30, seed: 's' });
    expect(assignment.considered).toHaveLength(10);
    expect(assignment.considered[0]).toEqual({
      jobId: first?.entry.id,
      score: assignment.score.total,
      blocked: [],
    });
  });

  it('shows a blocked job of each kind even beside many runners-up', () => {
    const blocked = [entry(50, { requirements: ['gpu'] }), entry(51, { notBefore: at(9) })];
    const shown = select([...many, ...blocked])[0]?.assignment.considered ?? [];
    expect(shown).toHaveLength(10);
    expect(shown.flatMap((one) => one.blocked.map((block) => block.kind))).toEqual(['capability', 'backoff']);
  });

  it('names ten at most: of more that are urgent, and of more that one reason keeps', () => {
    const urgent = Array.from({ length: 12 }, (_, n) =>
      entry(n + 1, { priority: 'critical', lock: `l${n}` }),
    );
    const kept = Array.from({ length: 12 }, (_, n) => entry(n + 30, { lock: `k${n}`, productId: 'bakery' }));
    const paused = context({ pausedProducts: new Map([['bakery', 'x']]) });
    const shownOf = (candidates: ReadyEntry[]) =>
      select(candidates, { count: 1, context: paused })[0]?.assignment.considered ?? [];
    const first = shownOf([...urgent, entry(20, { priority: 'low' })]);
    expect(first).toHaveLength(10);
    expect(first.map((one) => one.jobId)).not.toContain(jobId(20));
    const beside = shownOf([entry(1), ...kept]);
    expect(beside).toHaveLength(10);
    expect(beside.filter(({ blocked }) => blocked[0]?.kind === 'paused')).toHaveLength(9);
  });

  it('has parts that add up to its total', () => {
    const shareByProduct = new Map([['acme', 2]]);
    const score = select([entry(1, { repo: 'r' })], { context: context({ shareByProduct }) })[0]?.assignment
      .score;
    const { total, ...parts } = score as Score;
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBeCloseTo(total, 3);
    expect(parts.starvation).toBeLessThan(0);
  });

  it.each([
    ['the only one', [entry(1)], 'The only ready job that linux-1 can run now.'],
    ['by priority', [entry(1), entry(2, { priority: 'high' })], 'the highest priority (high)'],
    ['by score', [entry(1), entry(2, { prefers: ['linux-1'] })], 'the best score at its priority'],
    ['by age', [entry(1), entry(2, { submittedAt: at(-60) })], 'the longest wait (1 min'],
    // Aged to the same rank, the higher priority by birth comes first.
    [
      'by priority after ageing',
      [entry(1, { submittedAt: at(-1800) }), entry(2, { priority: 'high' })],
      'equal score, higher priority (high)',
    ],
  ])('says why in one sentence: %s', (_, candidates, sentence) => {
    expect(select(candidates)[0]?.assignment.why).toContain(sentence);
  });
});
