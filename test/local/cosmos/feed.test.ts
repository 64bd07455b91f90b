import { ChangeFeedStartFrom, type ChangeFeedIteratorOptions, type Container } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { startCloud, type Cloud } from './fixture.js';

let cloud: Cloud;
const clock = new VirtualClock();
beforeAll(async () => {
  cloud = await startCloud({ clock, partitions: 3 });
});
afterAll(() => cloud.close());

interface Doc {
  id: string;
  pk: string;
  n: number;
  _lsn: number;
}

/** Reads until nothing is new; gives the documents and the continuation. */
async function drain(
  container: Container,
  options: ChangeFeedIteratorOptions,
): Promise<{ docs: Doc[]; continuation: string; pages: number[] }> {
  const docs: Doc[] = [];
  const pages: number[] = [];
  const iterator = container.items.getChangeFeedIterator<Doc>(options);
  for (;;) {
    const page = await iterator.readNext();
    if (page.statusCode === 304) return { docs, continuation: page.continuationToken, pages };
    docs.push(...page.result);
    pages.push(page.count);
  }
}

async function filled(count = 30): Promise<Container> {
  const container = await cloud.container();
  for (let n = 0; n < count; n++) await container.items.create({ id: `d${n}`, pk: `p${n % 6}`, n });
  return container;
}

const beginning = (maxItemCount = 4): ChangeFeedIteratorOptions => ({
  changeFeedStartFrom: ChangeFeedStartFrom.Beginning(),
  maxItemCount,
});

describe('the change feed', () => {
  it('gives every item once from the beginning, in order within a partition', async () => {
    const container = await filled();
    const { docs, pages } = await drain(container, beginning());
    expect(docs.map(({ id }) => id).sort()).toEqual(Array.from({ length: 30 }, (_, n) => `d${n}`).sort());
    expect(Math.max(...pages)).toBeLessThanOrEqual(4);
    for (let p = 0; p < 6; p++) {
      const ordered = docs.filter(({ pk }) => pk === `p${p}`).map(({ n }) => n);
      expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
    }
  });

  it('goes on from a continuation, and has no gap: a known emulator has', async () => {
    const container = await cloud.container();
    const seen: number[] = [];
    let options = beginning(3);
    for (let round = 0; round < 10; round++) {
      const writes = Array.from({ length: 10 }, (_, at) =>
        container.items.create({ id: `r${round}-${at}`, pk: `p${at}`, n: round * 10 + at }),
      );
      const [{ docs, continuation }] = await Promise.all([drain(container, options), ...writes]);
      seen.push(...docs.map(({ n }) => n));
      options = { changeFeedStartFrom: ChangeFeedStartFrom.Continuation(continuation), maxItemCount: 3 };
    }
    seen.push(...(await drain(container, options)).docs.map(({ n }) => n));
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  it('shows the latest version only, in its new place, and no deletes', async () => {
    const container = await filled(12);
    await container.item('d0', 'p0').patch([{ op: 'set', path: '/n', value: 100 }]);
    await container.item('d6', 'p0').delete();
    const { docs } = await drain(container, { changeFeedStartFrom: ChangeFeedStartFrom.Beginning('p0') });
    expect(docs.map(({ id, n }) => [id, n])).toEqual([['d0', 100]]);
  });

  it('starts now, at a time, or for one key', async () => {
    const container = await filled(6);
    const now = await drain(container, { changeFeedStartFrom: ChangeFeedStartFrom.Now() });
    expect(now.docs).toEqual([]);
    clock.advanceBy(10_000);
    const time = new Date(clock.now());
    await container.items.create({ id: 'later', pk: 'p1', n: 7 });
    const since = await drain(container, { changeFeedStartFrom: ChangeFeedStartFrom.Time(time) });
    expect(since.docs.map(({ id }) => id)).toEqual(['later']);
    const resumed = await drain(container, {
      changeFeedStartFrom: ChangeFeedStartFrom.Continuation(now.continuation),
    });
    expect(resumed.docs.map(({ id }) => id)).toEqual(['later']);
    const key = await drain(container, { changeFeedStartFrom: ChangeFeedStartFrom.Beginning('p1') });
    expect(key.docs.map(({ id }) => id)).toEqual(['d1', 'later']);
  });

  it('is read range by range, as a processor with leases does', async () => {
    const container = await filled();
    const ranges = await container.getFeedRanges();
    expect(ranges).toHaveLength(3);
    const parts = await Promise.all(
      ranges.map((range) => drain(container, { changeFeedStartFrom: ChangeFeedStartFrom.Beginning(range) })),
    );
    expect(parts.flatMap(({ docs }) => docs)).toHaveLength(30);
    expect(parts.every(({ docs }) => docs.length > 0)).toBe(true);
  });

  it('is read for the first level of a hierarchical key', async () => {
    const container = await cloud.container({
      partitionKey: { paths: ['/a', '/b'], kind: 'MultiHash' as never },
    });
    for (let n = 0; n < 20; n++) await container.items.create({ id: `${n}`, a: `a${n % 2}`, b: `b${n}`, n });
    const { docs } = await drain(container, {
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning(['a1']),
      maxItemCount: 3,
    });
    expect(docs.map(({ n }) => n)).toEqual(Array.from({ length: 10 }, (_, n) => 2 * n + 1));
  });

  it('never cuts a transaction in two', async () => {
    const container = await cloud.container();
    for (let batch = 0; batch < 3; batch++)
      await container.items.batch(
        Array.from({ length: 5 }, (_, at) => ({
          operationType: 'Create' as const,
          resourceBody: { id: `${batch}-${at}`, pk: 'p', n: at },
        })),
        'p',
      );
    const { docs, pages } = await drain(container, {
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning('p'),
      maxItemCount: 2,
    });
    expect(pages).toEqual([5, 5, 5]);
    expect(new Set(docs.map(({ _lsn }) => _lsn)).size).toBe(3);
  });

  it('keeps its memory in bounds when few items are written often', async () => {
    const container = cloud.server.engine.createContainer('test', {
      id: 'hot',
      partitionKey: { paths: ['/pk'] },
    });
    for (let n = 0; n < 20_000; n++)
      container.execute(['p'], { kind: 'upsert', body: { id: `${n % 3}`, pk: 'p', n } });
    const { documents } = container.changes({ kind: 'key', key: ['p'] });
    expect(documents.map(({ n }) => n)).toEqual([19_997, 19_998, 19_999]);
  });

  it('refuses all versions and deletes by name', async () => {
    const container = await filled(1);
    await expect(drain(container, { changeFeedMode: 'Full-Fidelity Feed' as never })).rejects.toThrow(
      /embedded cloud has no change feed mode/,
    );
  });
});
