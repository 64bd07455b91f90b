import { describe, expect, it } from 'vitest';
import { AGEING_SECONDS, orderKey } from '../../../shared/rules/priority.js';
import { rarerPools } from '../../../shared/rules/routing.js';
import { ReadyIndex, chooseJobs } from '../../../shared/rules/scheduler.js';
import { placementOf } from '../../../shared/rules/placement.js';
import { describeRemedy } from '../../../shared/rules/remedy.js';
import { summaryOfWaiting } from '../../../shared/rules/summary.js';
import { NOW, POOLS, at, context, entry, factory, factoryDocument } from './fixtures.js';

const mac = { id: 'mac-1', pools: ['any', 'mac'], advertises: ['engine:shell', 'os:mac'] };

describe('a pool is rarer than another', () => {
  it('when it guarantees more and costs more', () => {
    const all = POOLS.map(({ name }) => name);
    expect(rarerPools('any', all, POOLS)).toEqual(['mac', 'claude']);
    expect(rarerPools('any', ['any', 'linux'], POOLS)).toEqual([]);
    expect(rarerPools('mac', all, POOLS)).toEqual([]);
    expect(rarerPools('linux', all, POOLS)).toEqual([]);
    expect(rarerPools('nowhere', all, POOLS)).toEqual([]);
  });
});

describe('while rare work waits, a rare factory', () => {
  const rare = (...waits: number[]) =>
    context({ rarer: { pool: 'mac', waiting: waits.map((s) => orderKey(2, Date.parse(at(s)))) } });
  const choose = (around: ReturnType<typeof rare>, stations: number, submittedAt = NOW) =>
    chooseJobs(new ReadyIndex([1, 2, 3].map((n) => entry(n, { submittedAt }))), {
      factory: factory({ ...mac, stations }),
      context: around,
      now: NOW,
      seed: 's',
      count: 3,
    });

  it('keeps its stations for it', () => {
    const { selected, heldBack } = choose(rare(0), 1);
    expect(selected).toEqual([]);
    expect(heldBack).toMatchObject({ type: 'ready' });
  });

  it('gives what it has more than that to common work', () => {
    expect(choose(rare(0), 3).selected).toHaveLength(2);
    expect(choose(rare(0, 0, 0, 0), 3).selected).toEqual([]);
    expect(choose(context(), 3).selected).toHaveLength(3);
  });

  it('lets common work past that has waited one step of priority longer', () => {
    expect(choose(rare(0), 1, at(-AGEING_SECONDS)).selected).toEqual([]);
    expect(choose(rare(0), 1, at(-AGEING_SECONDS - 1)).selected).toHaveLength(1);
  });

  it('is the reason why a common job waits, and the rare work placed is what would help', () => {
    const waitingByPool = new Map([['mac', [orderKey(2, Date.parse(NOW))]]]);
    const fleet = [factoryDocument({ ...mac, stations: 1 })];
    const common = entry(1);
    const { holds, factories, change } = placementOf(common, fleet, POOLS, context({ waitingByPool }), NOW);
    expect(factories[0]?.blocks).toEqual([{ kind: 'reserved', pool: 'mac', waiting: 1 }]);
    expect(summaryOfWaiting(common, holds, factories, 1)).toBe(
      'Waits in pool any, place 1: free stations are kept for the work of pool mac.',
    );
    expect(change.map(describeRemedy)).toEqual(['1 job placed first, waiting in pool mac']);
  });

  it('is passed by when a common factory is free', () => {
    const waitingByPool = new Map([['mac', [orderKey(2, Date.parse(NOW))]]]);
    const fleet = [factoryDocument({ ...mac, stations: 1 }), factoryDocument()];
    expect(placementOf(entry(1), fleet, POOLS, context({ waitingByPool }), NOW).change).toEqual([]);
  });
});
