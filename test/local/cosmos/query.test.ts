// Queries with the real client: in one partition, and over several by the client's own merge.
import type { Container, FeedOptions, SqlQuerySpec } from '@azure/cosmos';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCloud, type Cloud } from './fixture.js';

const PARTITIONS = ['red', 'green', 'blue', 'white', 'black'];
const COUNT = 60;

interface Doc {
  id: string;
  pk: string;
  n: number;
  half?: number;
  tags: string[];
  inner: { deep: { x: number } };
  nothing: null;
}

let cloud: Cloud;
let container: Container;
const docs: Doc[] = [];

beforeAll(async () => {
  cloud = await startCloud({ partitions: 3 });
  container = await cloud.container({
    indexingPolicy: {
      includedPaths: [{ path: '/*' }],
      excludedPaths: [{ path: '/inner/*' }],
      compositeIndexes: [
        [
          { path: '/pk', order: 'ascending' },
          { path: '/n', order: 'descending' },
        ],
      ],
    },
  });
  for (let n = 0; n < COUNT; n++) {
    const doc: Doc = {
      id: `d${n}`,
      pk: PARTITIONS[n % 5]!,
      n: (n * 7) % COUNT,
      tags: [`t${n % 3}`, 'all'],
      inner: { deep: { x: n } },
      nothing: null,
    };
    if (n % 2 === 0) doc.half = n / 2;
    docs.push(doc);
    await container.items.create(doc);
  }
});
afterAll(() => cloud.close());

async function rows(query: string | SqlQuerySpec, options: FeedOptions = {}): Promise<unknown[]> {
  return (await container.items.query<unknown>(query, options).fetchAll()).resources;
}

const refused = async (query: string | SqlQuerySpec, options: FeedOptions = {}): Promise<string> =>
  rows(query, options).then(
    () => 'accepted',
    (error: { code: number; message: string }) => `${error.code} ${error.message}`,
  );

const red = docs.filter.bind(docs, ({ pk }: Doc) => pk === 'red');

describe('a query in one partition', () => {
  const inRed = { partitionKey: 'red' };

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

  it('knows undefined from null', async () => {
    const count = async (where: string): Promise<number> =>
      (await rows(`SELECT c.id FROM c WHERE ${where}`, inRed)).length;
    expect(await count('c.nothing = null')).toBe(12);
    expect(await count('c.missing = null')).toBe(0);
    expect(await count('c.missing != 1')).toBe(0);
    expect(await count('NOT (c.missing = 1)')).toBe(0);
    expect(await count('c.n != null')).toBe(12);
    expect(await count("c.n < 'a'")).toBe(0);
    expect(await count('IS_DEFINED(c.half)')).toBe(red().filter(({ half }) => half !== undefined).length);
    expect(await count('c.missing = 1 OR c.n >= 0')).toBe(12);
    expect(await count('(c.half ?? -1) = -1')).toBe(red().filter(({ half }) => half === undefined).length);
  });

  it('takes parameters of any type', async () => {
    const query = (text: string, value: unknown): SqlQuerySpec => ({
      query: text,
      parameters: [{ name: '@v', value: value as never }],
    });
    expect(
      await rows(
        query('SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(@v, c.id)', ['d5', 'd10', 'd1']),
        inRed,
      ),
    ).toEqual(['d5', 'd10']);
    expect(
      await rows(query('SELECT VALUE c.id FROM c WHERE c.inner = @v', { deep: { x: 5 } }), inRed),
    ).toEqual(['d5']);
    expect(await rows(query('SELECT TOP @v VALUE c.id FROM c', 2), inRed)).toHaveLength(2);
    expect(await refused('SELECT * FROM c WHERE c.n = @unknown', inRed)).toMatch(/400 .*@unknown/);
  });

  it('orders, also by two properties with their composite index', async () => {
    expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.n DESC OFFSET 1 LIMIT 3', inRed)).toEqual(
      red()
        .map(({ n }) => n)
        .sort((a, b) => b - a)
        .slice(1, 4),
    );
    expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.pk DESC, c.n ASC', inRed)).toEqual(
      red()
        .map(({ n }) => n)
        .sort((a, b) => a - b),
    );
  });

  it('is refused an order that its indexes do not serve, as on Azure', async () => {
    expect(await refused('SELECT * FROM c ORDER BY c.n, c.pk', inRed)).toMatch(
      /400 .*corresponding composite index/,
    );
    expect(await refused('SELECT * FROM c ORDER BY c.pk ASC, c.n ASC', inRed)).toMatch(
      /400 .*composite index/,
    );
    expect(await refused('SELECT * FROM c ORDER BY c.inner.deep.x', inRed)).toMatch(
      /400 .*order-by item is excluded/,
    );
  });

  it('pages by a continuation that a second client can take up', async () => {
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
    expect(seen).toEqual(
      red()
        .map(({ n }) => n)
        .sort((a, b) => a - b),
    );
    expect(await refused('SELECT * FROM c', { ...inRed, continuationToken: 'nonsense' })).toMatch(
      /400 .*Continuation/,
    );
  });
});

describe('a query over all partitions', () => {
  it('without order or aggregate is served by the gateway, page by page', async () => {
    const iterator = container.items.query<Doc>('SELECT * FROM c WHERE c.n < 30', { maxItemCount: 7 });
    const ids: string[] = [];
    while (iterator.hasMoreResults())
      ids.push(...((await iterator.fetchNext()).resources ?? []).map(({ id }) => id));
    expect(new Set(ids)).toEqual(new Set(docs.filter(({ n }) => n < 30).map(({ id }) => id)));
    expect(ids).toHaveLength(30);
  });

  it('is merged by the client: order, limits, aggregates, groups, distinct', async () => {
    const sorted = docs.map(({ n }) => n).sort((a, b) => a - b);
    for (const maxItemCount of [1, 4, 100]) {
      const options = { maxItemCount };
      expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.n', options)).toEqual(sorted);
      expect(await rows('SELECT c.pk, c.n FROM c ORDER BY c.pk ASC, c.n DESC', options)).toHaveLength(COUNT);
      expect(await rows('SELECT TOP 5 VALUE c.n FROM c ORDER BY c.n DESC', options)).toEqual(
        sorted.toReversed().slice(0, 5),
      );
      expect(await rows('SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 10 LIMIT 7', options)).toEqual(
        sorted.slice(10, 17),
      );
      expect(await rows('SELECT VALUE c.id FROM c WHERE c.n < 40 OFFSET 3 LIMIT 9', options)).toHaveLength(9);
      expect(await rows('SELECT TOP 7 * FROM c', options)).toHaveLength(7);
    }
    expect(await rows('SELECT VALUE COUNT(1) FROM c')).toEqual([COUNT]);
    expect(await rows('SELECT VALUE SUM(c.n) FROM c')).toEqual([(COUNT * (COUNT - 1)) / 2]);
    expect(await rows('SELECT VALUE AVG(c.half) FROM c WHERE c.half < 4')).toEqual([1.5]);
    expect(await rows('SELECT VALUE MIN(c.n) FROM c WHERE c.n > 3')).toEqual([4]);
    expect(await rows('SELECT VALUE MAX(c.id) FROM c')).toEqual(['d9']);
    expect(await rows('SELECT VALUE COUNT(1) FROM c WHERE c.n > 1000')).toEqual([0]);
    expect(await rows('SELECT COUNT(1) AS n, MAX(c.n) AS most FROM c')).toEqual([
      { n: COUNT, most: COUNT - 1 },
    ]);
    const groups = (await rows('SELECT c.pk, COUNT(1) AS n, SUM(c.n) AS sum FROM c GROUP BY c.pk')) as {
      pk: string;
      n: number;
      sum: number;
    }[];
    expect(groups.toSorted((a, b) => (a.pk < b.pk ? -1 : 1)).map(({ pk, n }) => [pk, n])).toEqual([
      ['black', 12],
      ['blue', 12],
      ['green', 12],
      ['red', 12],
      ['white', 12],
    ]);
    expect(groups.reduce((sum, group) => sum + group.sum, 0)).toBe((COUNT * (COUNT - 1)) / 2);
    expect(new Set(await rows('SELECT DISTINCT VALUE c.tags[0] FROM c'))).toEqual(
      new Set(['t0', 't1', 't2']),
    );
    expect(await rows('SELECT DISTINCT VALUE c.pk FROM c ORDER BY c.pk')).toEqual([...PARTITIONS].sort());
    expect(await rows('SELECT DISTINCT TOP 2 VALUE c.pk FROM c ORDER BY c.pk')).toEqual(['black', 'blue']);
  });

  it('gives a page per continuation with enableQueryControl', async () => {
    const seen: unknown[] = [];
    let continuationToken: string | undefined;
    for (let page = 0; page < 40; page++) {
      const result = await container.items
        .query('SELECT VALUE c.n FROM c ORDER BY c.n', {
          maxItemCount: 9,
          enableQueryControl: true,
          ...(continuationToken ? { continuationToken } : {}),
        })
        .fetchNext();
      seen.push(...(result.resources ?? []));
      ({ continuationToken } = result);
      if (!continuationToken) break;
    }
    expect(seen).toEqual(docs.map(({ n }) => n).sort((a, b) => a - b));
  });

  it('gives the same rows as the same query in each partition', async () => {
    const predicate = fc.constantFrom(
      'c.n > 20',
      'c.half < 10',
      'NOT IS_DEFINED(c.half)',
      "ARRAY_CONTAINS(c.tags, 't1')",
      "c.id IN ('d1', 'd30', 'd59')",
      'c.n BETWEEN 5 AND 25',
      'c.pk != "red"',
    );
    await fc.assert(
      fc.asyncProperty(
        predicate,
        predicate,
        fc.constantFrom('AND', 'OR'),
        fc.integer({ min: 1, max: 20 }),
        async (left, right, operator, maxItemCount) => {
          const text = `SELECT VALUE c.id FROM c WHERE ${left} ${operator} ${right}`;
          const parts = await Promise.all(PARTITIONS.map((partitionKey) => rows(text, { partitionKey })));
          expect(new Set(await rows(`${text} ORDER BY c.n`, { maxItemCount }))).toEqual(
            new Set(parts.flat()),
          );
        },
      ),
      { numRuns: 8 },
    );
  });
});

describe('a query by the first level of a hierarchical key', () => {
  it('finds what begins with it, in order and counted, and nothing else', async () => {
    const tree = await cloud.container({ partitionKey: { paths: ['/a', '/b'], kind: 'MultiHash' as never } });
    for (let n = 0; n < 40; n++) await tree.items.create({ id: `${n}`, a: `a${n % 2}`, b: `b${n % 8}`, n });
    const ask = async (query: string): Promise<unknown[]> =>
      (await tree.items.query(query, { partitionKey: ['a1'], maxItemCount: 3 }).fetchAll()).resources;
    expect(await ask('SELECT VALUE c.n FROM c ORDER BY c.n DESC')).toEqual(
      Array.from({ length: 20 }, (_, n) => 39 - 2 * n),
    );
    expect(await ask('SELECT VALUE COUNT(1) FROM c')).toEqual([20]);
    expect(await ask('SELECT VALUE c.n FROM c WHERE c.n < 6')).toEqual([1, 3, 5]);
  });
});

describe('what the subset lacks or the grammar does not allow', () => {
  it('is refused by name and place', async () => {
    const inRed = { partitionKey: 'red' };
    expect(await refused('SELECT * FROM c JOIN t IN c.tags', inRed)).toMatch(
      /400 .*column 17: the embedded cloud has no JOIN/,
    );
    expect(await refused("SELECT * FROM c WHERE c.id LIKE 'd%'", inRed)).toMatch(
      /column 28: the embedded cloud has no LIKE/,
    );
    expect(await refused('SELECT * FROM c WHERE c.x\n  = FUZZ(1)', inRed)).toMatch(
      /line 2, column 5: 'FUZZ' is not a recognized/,
    );
    expect(await refused('SELECT (SELECT 1) FROM c', inRed)).toMatch(/no subqueries/);
    expect(await refused('SELEC * FROM c', inRed)).toMatch(/column 1: expected 'SELECT'/);
    expect(await refused('SELECT x.id FROM c', inRed)).toMatch(/Identifier 'x' could not be resolved/);
    expect(await refused('SELECT * FROM c WHERE c.id = "open', inRed)).toMatch(/column 30: invalid token/);
    expect(await refused('SELECT * FROM c ORDER BY c.n + 1', inRed)).toMatch(
      /could not be mapped to a document path/,
    );
    expect(await refused('SELECT c.n, COUNT(1) FROM c GROUP BY c.pk', inRed)).toMatch(
      /'c.n' is invalid in the select list/,
    );
    expect(await refused('SELECT TOP 1 * FROM c OFFSET 1 LIMIT 1', inRed)).toMatch(/TOP cannot be combined/);
    expect(await refused(`SELECT * FROM c WHERE ${'('.repeat(5000)}1${')'.repeat(5000)}`, inRed)).toMatch(
      /nested too deeply/,
    );
    expect(
      await refused(`SELECT * FROM c WHERE ${Array.from({ length: 9000 }, () => 'c.n').join(' + ')}`, inRed),
    ).toMatch(/more than 2000 operators/);
    expect(await refused(`SELECT * FROM c WHERE c${'.x'.repeat(9000)} = 1`, inRed)).toMatch(
      /more than 2000 operators/,
    );
  });
});

describe('an account', () => {
  it('lists and queries its databases and containers', async () => {
    const { resources } = await cloud.client.databases
      .query({ query: 'SELECT * FROM root r WHERE r.id = @id', parameters: [{ name: '@id', value: 'test' }] })
      .fetchAll();
    expect(resources.map(({ id }) => id)).toEqual(['test']);
    const all = await cloud.database.containers.readAll().fetchAll();
    expect(all.resources.map(({ id }) => id)).toContain(container.id);
    expect((await container.items.readAll<Doc>({ partitionKey: 'red' }).fetchAll()).resources).toHaveLength(
      12,
    );
  });
});
