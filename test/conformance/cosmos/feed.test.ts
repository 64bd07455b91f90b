import { ChangeFeedStartFrom, type ChangeFeedIteratorOptions, type Container } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drain, openAccount, type Account } from './fixture.js';

let account: Account;
beforeAll(async () => {
  account = await openAccount();
});
afterAll(() => account.close());

interface Doc {
  id: string;
  pk: string;
  n: number;
}

async function filled(count: number): Promise<Container> {
  const container = await account.container();
  for (let n = 0; n < count; n++) await container.items.create({ id: `d${n}`, pk: `p${n % 6}`, n });
  return container;
}

const from = (start: ChangeFeedStartFrom, maxItemCount = 4): ChangeFeedIteratorOptions => ({
  changeFeedStartFrom: start,
  maxItemCount,
});
const numbers = (documents: readonly Doc[]): number[] =>
  documents.map(({ n }) => n).toSorted((a, b) => a - b);

describe('the change feed', () => {
  // Every change appears once, in the order of modification within a partition key.
  // https://learn.microsoft.com/azure/cosmos-db/change-feed#change-feed-and-different-operations
  it('gives every item once from the beginning, in order within a partition', async () => {
    const container = await filled(30);
    const { documents } = await drain<Doc>(container, from(ChangeFeedStartFrom.Beginning()));
    expect(numbers(documents)).toEqual(Array.from({ length: 30 }, (_, n) => n));
    for (let p = 0; p < 6; p++) {
      const ordered = documents.filter(({ pk }) => pk === `p${p}`).map(({ n }) => n);
      expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
    }
  });

  // A saved continuation goes on where it was, without gaps under load. Microsoft's own emulator had gaps.
  // https://learn.microsoft.com/azure/cosmos-db/change-feed-pull-model#save-continuation-tokens
  it('goes on from a continuation, and has no gap', async () => {
    const container = await account.container();
    const seen: Doc[] = [];
    let start = ChangeFeedStartFrom.Beginning();
    for (let round = 0; round < 6; round++) {
      const writes = Array.from({ length: 10 }, (_, at) =>
        container.items.create({ id: `r${round}-${at}`, pk: `p${at}`, n: round * 10 + at }),
      );
      const [{ documents, continuation }] = await Promise.all([
        drain<Doc>(container, from(start, 3)),
        ...writes,
      ]);
      seen.push(...documents);
      start = ChangeFeedStartFrom.Continuation(continuation);
    }
    seen.push(...(await drain<Doc>(container, from(start, 3))).documents);
    expect([...new Set(numbers(seen))]).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  // Latest version mode: only the last change of an item, and no deletes.
  // https://learn.microsoft.com/azure/cosmos-db/change-feed-modes#latest-version-change-feed-mode
  it('shows the latest version only, and no deletes', async () => {
    const container = await filled(12);
    await container.item('d0', 'p0').patch([{ op: 'set', path: '/n', value: 100 }]);
    await container.item('d6', 'p0').delete();
    const { documents } = await drain<Doc>(container, from(ChangeFeedStartFrom.Beginning('p0')));
    expect(documents.map(({ id, n }) => [id, n])).toEqual([['d0', 100]]);
  });

  // A feed starts now, at a time, or for one partition key.
  // https://learn.microsoft.com/azure/cosmos-db/change-feed-pull-model#using-startfrom
  it('starts now, at a time, or for one key', async () => {
    const container = await filled(6);
    const now = await drain<Doc>(container, from(ChangeFeedStartFrom.Now()));
    expect(now.documents).toEqual([]);
    await account.pass(10_000);
    const time = new Date(account.now() - 3_000);
    await container.items.create({ id: 'later', pk: 'p1', n: 7 });
    const ids = async (start: ChangeFeedStartFrom): Promise<string[]> =>
      (await drain<Doc>(container, from(start))).documents.map(({ id }) => id);
    expect(await ids(ChangeFeedStartFrom.Time(time))).toEqual(['later']);
    expect(await ids(ChangeFeedStartFrom.Continuation(now.continuation))).toEqual(['later']);
    expect(await ids(ChangeFeedStartFrom.Beginning('p1'))).toEqual(['d1', 'later']);
  });

  // Feed ranges together cover the container, so that several processors share it.
  // https://learn.microsoft.com/azure/cosmos-db/change-feed-pull-model#use-feedrange-for-parallelization
  it('is read range by range', async () => {
    const container = await filled(30);
    const ranges = await container.getFeedRanges();
    const parts = await Promise.all(
      ranges.map((range) => drain<Doc>(container, from(ChangeFeedStartFrom.Beginning(range)))),
    );
    const all = parts.flatMap(({ documents }) => documents);
    expect(numbers(all)).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  // A prefix of a hierarchical key addresses all that begin with it.
  // https://learn.microsoft.com/azure/cosmos-db/hierarchical-partition-keys
  it('is read for the first level of a hierarchical key', async () => {
    const container = await account.container({
      partitionKey: { paths: ['/a', '/b'], kind: 'MultiHash' as never, version: 2 },
    });
    for (let n = 0; n < 20; n++) await container.items.create({ id: `${n}`, a: `a${n % 2}`, b: `b${n}`, n });
    const { documents } = await drain<Doc>(container, from(ChangeFeedStartFrom.Beginning(['a1']), 3));
    expect(numbers(documents)).toEqual(Array.from({ length: 10 }, (_, n) => 2 * n + 1));
  });

  // The changes of one transaction come in one page.
  // https://learn.microsoft.com/azure/cosmos-db/change-feed-modes
  it('never cuts a transaction in two', async () => {
    const container = await account.container();
    for (let batch = 0; batch < 3; batch++)
      await container.items.batch(
        Array.from({ length: 5 }, (_, at) => ({
          operationType: 'Create' as const,
          resourceBody: { id: `${batch}-${at}`, pk: 'p', n: batch },
        })),
        'p',
      );
    const { pages } = await drain<Doc>(container, from(ChangeFeedStartFrom.Beginning('p'), 2));
    for (const n of [0, 1, 2])
      expect(pages.filter((page) => page.some((document) => document.n === n))).toHaveLength(1);
  });
});
