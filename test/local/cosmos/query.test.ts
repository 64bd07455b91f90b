// What test/conformance/cosmos does not say of queries: properties, refusals by name, and places in messages.
import type { Container, FeedOptions, SqlQuerySpec } from '@azure/cosmos';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docs, indexed, PARTITIONS, type Doc } from '../../conformance/cosmos/queryDocs.js';
import { startCloud, type Cloud } from './fixture.js';

let cloud: Cloud;
let container: Container;

beforeAll(async () => {
  cloud = await startCloud({ partitions: 3 });
  container = await cloud.container(indexed);
  for (const doc of docs) await container.items.create(doc);
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

describe('a query in one partition', () => {
  const inRed = { partitionKey: 'red' };

  it('is refused with a continuation that is none', async () => {
    const nonsense = { ...inRed, continuationToken: 'nonsense' };
    expect(await refused('SELECT * FROM c', nonsense)).toMatch(/400 .*Continuation/);
  });

  it('is refused with a parameter that nobody gave', async () => {
    expect(await refused('SELECT * FROM c WHERE c.n = @unknown', inRed)).toMatch(/400 .*@unknown/);
  });
});

describe('a query over all partitions', () => {
  it('is limited by the client without an order, and with distinct rows', async () => {
    for (const maxItemCount of [1, 4, 100])
      expect(
        await rows('SELECT VALUE c.id FROM c WHERE c.n < 40 OFFSET 3 LIMIT 9', { maxItemCount }),
      ).toHaveLength(9);
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
