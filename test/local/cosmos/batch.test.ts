// Several operations in one request: all or none in a batch, each for itself in bulk.
import { randomUUID } from 'node:crypto';
import type { Container, OperationInput } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCloud, type Cloud } from './fixture.js';

let cloud: Cloud;
let items: Container;

beforeAll(async () => {
  cloud = await startCloud();
  items = await cloud.container();
});
afterAll(() => cloud.close());

async function created(fields: Record<string, unknown> = {}) {
  const id = randomUUID();
  const { resource } = await items.items.create({ id, pk: 'p', ...fields });
  return resource!;
}

describe('a batch', () => {
  const create = (id: string, fields = {}): OperationInput => ({
    operationType: 'Create',
    resourceBody: { id, pk: 'b', ...fields },
  });

  it('does everything at once and gives each operation its answer', async () => {
    const { code, result } = await items.items.batch(
      [
        create('b1', { n: 1 }),
        { operationType: 'Upsert', resourceBody: { id: 'b2', pk: 'b' } },
        { operationType: 'Replace', id: 'b1', resourceBody: { id: 'b1', pk: 'b', n: 2 } },
        {
          operationType: 'Patch',
          id: 'b1',
          resourceBody: { operations: [{ op: 'incr', path: '/n', value: 1 }] },
        },
        { operationType: 'Read', id: 'b1' },
        { operationType: 'Delete', id: 'b2' },
      ],
      'b',
    );
    expect(code).toBe(200);
    expect(result?.map(({ statusCode }) => statusCode)).toEqual([201, 201, 200, 200, 200, 204]);
    expect(result?.[4]).toMatchObject({ resourceBody: { n: 3 } });
    expect((await items.item('b2', 'b').read()).statusCode).toBe(404);
  });

  it('undoes everything if one fails: items, unique keys, and the change feed', async () => {
    const unique = await cloud.container({ uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/name'] }] } });
    await unique.items.create({ id: 'kept', pk: 'b', name: 'taken' });
    const { code, result } = await unique.items.batch(
      [create('x', { name: 'free' }), { operationType: 'Delete', id: 'kept' }, create('y', { name: 'free' })],
      'b',
    );
    expect(code).toBe(207);
    expect(result?.map(({ statusCode }) => statusCode)).toEqual([424, 424, 409]);
    expect((await unique.item('kept', 'b').read()).statusCode).toBe(200);
    expect((await unique.items.create({ id: 'z', pk: 'b', name: 'free' })).statusCode).toBe(201);
    await expect(unique.items.create({ id: 'w', pk: 'b', name: 'taken' })).rejects.toMatchObject({
      code: 409,
    });
    const engine = cloud.server.engine.container('test', unique.id);
    const { documents } = engine.changes({ kind: 'key', key: ['b'] });
    expect(documents.map(({ id, _lsn }) => [id, _lsn])).toEqual([
      ['kept', 1],
      ['z', 2],
    ]);
  });

  it('honours If-Match, which a known emulator ignores', async () => {
    const item = await created();
    const { code, result } = await items.items.batch(
      [
        {
          operationType: 'Replace',
          id: item.id,
          resourceBody: { id: item.id, pk: 'p', n: 9 },
          ifMatch: '"stale"',
        },
        { operationType: 'Create', resourceBody: { id: 'never', pk: 'p' } },
      ],
      'p',
    );
    expect(code).toBe(207);
    expect(result?.map(({ statusCode }) => statusCode)).toEqual([412, 424]);
    expect((await items.item('never', 'p').read()).statusCode).toBe(404);
  });

  it('is refused above 100 operations and above 2 MiB, limits a known emulator does not enforce', async () => {
    const send = async (operations: unknown[]): Promise<number> => {
      const container = cloud.server.engine.container('test', items.id);
      try {
        return container.batch(['b'], operations as never).status;
      } catch (error) {
        return (error as { status: number }).status;
      }
    };
    expect(
      await send(
        Array.from({ length: 101 }, (_, at) => ({ kind: 'create', body: { id: `n${at}`, pk: 'b' } })),
      ),
    ).toBe(400);
    const half = 'x'.repeat(700_000);
    await expect(
      items.items.batch(
        [1, 2, 3].map((n) => create(`big${n}`, { half })),
        'b',
      ),
    ).rejects.toThrow(/too large/);
  });

  it('refuses an item of another partition', async () => {
    const { code, result } = await items.items.batch(
      [create('c1'), { operationType: 'Create', resourceBody: { id: 'c2', pk: 'other' } }],
      'b',
    );
    expect(code).toBe(207);
    expect(result?.map(({ statusCode }) => statusCode)).toEqual([424, 400]);
  });

  it('survives the concurrency of others: no rollback takes their writes', async () => {
    const counter = await created({ n: 0 });
    const good = Array.from({ length: 15 }, () =>
      items.item(counter.id, 'p').patch([{ op: 'incr', path: '/n', value: 1 }]),
    );
    const bad = Array.from({ length: 15 }, () =>
      items.items.batch(
        [
          {
            operationType: 'Patch',
            id: counter.id,
            resourceBody: { operations: [{ op: 'incr', path: '/n', value: 100 }] },
          },
          { operationType: 'Delete', id: 'no such item' },
        ],
        'p',
      ),
    );
    await Promise.all([...good, ...bad]);
    expect((await items.item(counter.id, 'p').read()).resource?.n).toBe(15);
  });
});

describe('bulk operations', () => {
  it('answer each for itself over all partitions', async () => {
    const bulk = await cloud.container();
    const operations = Array.from({ length: 60 }, (_, n) => ({
      operationType: 'Create' as const,
      partitionKey: `p${n % 7}`,
      resourceBody: { id: `n${n % 50}`, pk: `p${n % 7}` },
    }));
    const results = await bulk.items.executeBulkOperations(operations);
    expect(results.map(({ response, error }) => response?.statusCode ?? error?.code)).toEqual(
      operations.map(() => 201),
    );
    const again = await bulk.items.executeBulkOperations(operations.slice(0, 3));
    expect(again.map(({ response, error }) => response?.statusCode ?? error?.code)).toEqual([409, 409, 409]);
  });
});
