import type { Container, FeedOptions, SqlQuerySpec } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccount, type Account } from './fixture.js';
import { COUNT, docs, indexed, PARTITIONS, type Doc } from './queryDocs.js';

const inRed = { partitionKey: 'red' };
const red = docs.filter(({ pk }) => pk === 'red');
const ascending = (some: readonly Doc[]): number[] => some.map(({ n }) => n).toSorted((a, b) => a - b);

let account: Account;
let container: Container;
beforeAll(async () => {
  account = await openAccount();
  container = await account.container(indexed);
  for (const doc of docs) await container.items.create(doc);
});
afterAll(() => account.close());

async function rows(query: string | SqlQuerySpec, options: FeedOptions = {}): Promise<unknown[]> {
  return (await container.items.query<unknown>(query, options).fetchAll()).resources;
}
const refusal = async (query: string, options: FeedOptions = {}): Promise<string> =>
  rows(query, options).then(
    () => 'accepted',
    (error: { code: number; message: string }) => `${error.code} ${error.message}`,
  );

describe('a query in one partition', () => {
  // SELECT: paths, expressions with aliases, quoted properties, object and array literals, VALUE; what is undefined
  // is left out; an expression without alias is $1.
  // https://learn.microsoft.com/cosmos-db/query/select
  it('selects, projects and names', async () => {
    expect(
      await rows("SELECT c.id, c.inner.deep.x, c.n * 2 AS twice, c['n'] FROM c WHERE c.id = 'd5'", inRed),
    ).toEqual([{ id: 'd5', x: 5, twice: 70, n: 35 }]);
    expect(
      await rows('SELECT VALUE [r.n, {"tags": r.tags[0]}] FROM root AS r WHERE r.n = 35', inRed),
    ).toEqual([[35, { tags: 't2' }]]);
    expect(await rows("SELECT c.missing, 1, 'x' FROM c WHERE c.id = 'd5'", inRed)).toEqual([
      { $1: 1, $2: 'x' },
    ]);
    expect(await rows("SELECT c FROM c WHERE c.id = 'd5'", inRed)).toMatchObject([{ c: { id: 'd5' } }]);
  });

  // A comparison of different types, or with what is undefined, is undefined, and undefined is not true; null is a
  // value of its own; ?? coalesces what is undefined.
  // https://learn.microsoft.com/cosmos-db/query/equality-comparison-operators
  it('knows undefined from null', async () => {
    const count = async (where: string): Promise<number> =>
      (await rows(`SELECT c.id FROM c WHERE ${where}`, inRed)).length;
    const halves = red.filter(({ half }) => half !== undefined).length;
    expect(await count('c.nothing = null')).toBe(12);
    expect(await count('c.missing = null')).toBe(0);
    expect(await count('c.missing != 1')).toBe(0);
    expect(await count('NOT (c.missing = 1)')).toBe(0);
    expect(await count("c.n < 'a'")).toBe(0);
    expect(await count('IS_DEFINED(c.half)')).toBe(halves);
    expect(await count('c.missing = 1 OR c.n >= 0')).toBe(12);
    expect(await count('(c.half ?? -1) = -1')).toBe(12 - halves);
  });

  // IN, BETWEEN (both ends included), ARRAY_CONTAINS, STARTSWITH and CONTAINS (with an ignore-case argument).
  // https://learn.microsoft.com/cosmos-db/query/keywords
  it('filters by lists, ranges, arrays and parts of strings', async () => {
    const ids = (where: string): Promise<unknown[]> =>
      rows(`SELECT VALUE c.id FROM c WHERE ${where} ORDER BY c.id`);
    expect(await ids("c.id IN ('d1', 'd30', 'none')")).toEqual(['d1', 'd30']);
    expect(await ids('c.n BETWEEN 0 AND 2')).toHaveLength(3);
    expect(await ids("ARRAY_CONTAINS(c.tags, 't1')")).toHaveLength(20);
    expect(await ids("STARTSWITH(c.id, 'd5')")).toHaveLength(11);
    expect(await ids("CONTAINS(c.id, 'D59', true)")).toEqual(['d59']);
  });

  // Parameters take any JSON value.
  // https://learn.microsoft.com/cosmos-db/query/parameterized-queries
  it('takes parameters of any type', async () => {
    const ask = (query: string, value: unknown): Promise<unknown[]> =>
      rows({ query, parameters: [{ name: '@v', value: value as never }] }, inRed);
    const among = 'SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(@v, c.id)';
    expect(new Set(await ask(among, ['d5', 'd10', 'd1']))).toEqual(new Set(['d5', 'd10']));
    expect(await ask('SELECT VALUE c.id FROM c WHERE c.inner = @v', { deep: { x: 5 } })).toEqual(['d5']);
    expect(await ask('SELECT TOP @v VALUE c.id FROM c', 2)).toHaveLength(2);
  });

  // ORDER BY one property by its range index, by several with a composite index of the same or the reverse order.
  // https://learn.microsoft.com/azure/cosmos-db/index-policy#composite-indexes
  it('orders, also by two properties with their composite index', async () => {
    expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.n DESC OFFSET 1 LIMIT 3', inRed)).toEqual(
      ascending(red).toReversed().slice(1, 4),
    );
    expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.pk DESC, c.n ASC', inRed)).toEqual(ascending(red));
  });

  // Without its composite index, or over an excluded path, an ORDER BY is refused.
  // https://learn.microsoft.com/azure/cosmos-db/index-policy#composite-indexes
  it('is refused an order that its indexes do not serve', async () => {
    expect(await refusal('SELECT * FROM c ORDER BY c.n, c.pk', inRed)).toMatch(/400 .*composite index/s);
    expect(await refusal('SELECT * FROM c ORDER BY c.pk ASC, c.n ASC', inRed)).toMatch(
      /400 .*composite index/s,
    );
    expect(await refusal('SELECT * FROM c ORDER BY c.inner.deep.x', inRed)).toMatch(/400 .*excluded/s);
  });

  // Pages have at most maxItemCount rows and a continuation that another query can take up.
  // https://learn.microsoft.com/cosmos-db/query/pagination
  it('pages by a continuation', async () => {
    const seen: unknown[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await container.items
        .query('SELECT VALUE c.n FROM c ORDER BY c.n', {
          ...inRed,
          maxItemCount: 5,
          ...(continuationToken ? { continuationToken } : {}),
        })
        .fetchNext();
      expect(page.resources.length).toBeLessThanOrEqual(5);
      seen.push(...page.resources);
      ({ continuationToken } = page);
    } while (continuationToken);
    expect(seen).toEqual(ascending(red));
  });

  // A query that cannot be parsed is 400.
  // https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
  it('is refused with 400 when it makes no sense', async () => {
    for (const query of [
      'SELEC * FROM c',
      'SELECT * FROM c WHERE c.x = FUZZ(1)',
      'SELECT x.id FROM c',
      'SELECT c.n, COUNT(1) FROM c GROUP BY c.pk',
    ])
      expect(await refusal(query, inRed)).toMatch(/^400/);
  });
});

describe('a query over all partitions', () => {
  // Without order or aggregate the pages of the partitions follow one another.
  // https://learn.microsoft.com/azure/cosmos-db/how-to-query-container#cross-partition-query
  it('gives every row once, page by page', async () => {
    const iterator = container.items.query<Doc>('SELECT * FROM c WHERE c.n < 30', { maxItemCount: 7 });
    const ids: string[] = [];
    while (iterator.hasMoreResults())
      ids.push(...((await iterator.fetchNext()).resources ?? []).map(({ id }) => id));
    expect(ids.toSorted()).toEqual(
      docs
        .filter(({ n }) => n < 30)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  // ORDER BY, TOP and OFFSET/LIMIT hold over the whole container, whatever the page size.
  // https://learn.microsoft.com/cosmos-db/query/order-by
  it.each([1, 4, 100])('is ordered and limited, with pages of %i', async (maxItemCount) => {
    const sorted = ascending(docs);
    const options = { maxItemCount };
    expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.n', options)).toEqual(sorted);
    expect(await rows('SELECT c.pk, c.n FROM c ORDER BY c.pk ASC, c.n DESC', options)).toHaveLength(COUNT);
    expect(await rows('SELECT TOP 5 VALUE c.n FROM c ORDER BY c.n DESC', options)).toEqual(
      sorted.toReversed().slice(0, 5),
    );
    expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 10 LIMIT 7', options)).toEqual(
      sorted.slice(10, 17),
    );
    expect(await rows('SELECT TOP 7 * FROM c', options)).toHaveLength(7);
  });

  // COUNT, SUM, AVG, MIN, MAX; what is undefined does not count.
  // https://learn.microsoft.com/cosmos-db/query/aggregate-functions
  it('aggregates', async () => {
    const sum = (COUNT * (COUNT - 1)) / 2;
    expect(await rows('SELECT VALUE COUNT(1) FROM c')).toEqual([COUNT]);
    expect(await rows('SELECT VALUE SUM(c.n) FROM c')).toEqual([sum]);
    expect(await rows('SELECT VALUE AVG(c.half) FROM c WHERE c.half < 4')).toEqual([1.5]);
    expect(await rows('SELECT VALUE MIN(c.n) FROM c WHERE c.n > 3')).toEqual([4]);
    expect(await rows('SELECT VALUE MAX(c.id) FROM c')).toEqual(['d9']);
    expect(await rows('SELECT VALUE COUNT(1) FROM c WHERE c.n > 1000')).toEqual([0]);
    expect(await rows('SELECT COUNT(1) AS n, MAX(c.n) AS most FROM c')).toEqual([
      { n: COUNT, most: COUNT - 1 },
    ]);
  });

  // GROUP BY with aggregates for each group.
  // https://learn.microsoft.com/cosmos-db/query/group-by
  it('groups', async () => {
    const groups = (await rows('SELECT c.pk, COUNT(1) AS n, SUM(c.n) AS sum FROM c GROUP BY c.pk')) as {
      pk: string;
      n: number;
      sum: number;
    }[];
    expect(groups.map(({ pk, n }) => `${pk} ${n}`).toSorted()).toEqual(
      PARTITIONS.map((pk) => `${pk} 12`).toSorted(),
    );
    expect(groups.reduce((total, { sum }) => total + sum, 0)).toBe((COUNT * (COUNT - 1)) / 2);
  });

  // DISTINCT removes duplicates over all partitions.
  // https://learn.microsoft.com/cosmos-db/query/keywords#distinct
  it('gives distinct rows', async () => {
    const first = await rows('SELECT DISTINCT VALUE c.tags[0] FROM c');
    expect([first.length, new Set(first)]).toEqual([3, new Set(['t0', 't1', 't2'])]);
    expect(await rows('SELECT DISTINCT VALUE c.pk FROM c ORDER BY c.pk')).toEqual(PARTITIONS.toSorted());
  });

  // A prefix of a hierarchical key is routed to what begins with it.
  // https://learn.microsoft.com/azure/cosmos-db/hierarchical-partition-keys
  it('by the first level of a hierarchical key finds what begins with it, and nothing else', async () => {
    const tree = await account.container({
      partitionKey: { paths: ['/a', '/b'], kind: 'MultiHash' as never, version: 2 },
    });
    for (let n = 0; n < 40; n++) await tree.items.create({ id: `${n}`, a: `a${n % 2}`, b: `b${n % 8}`, n });
    const ask = async (query: string): Promise<unknown[]> =>
      (await tree.items.query(query, { partitionKey: ['a1'], maxItemCount: 3 }).fetchAll()).resources;
    expect(await ask('SELECT VALUE c.n FROM c ORDER BY c.n DESC')).toEqual(
      Array.from({ length: 20 }, (_, n) => 39 - 2 * n),
    );
    expect(await ask('SELECT VALUE COUNT(1) FROM c')).toEqual([20]);
  });
});
