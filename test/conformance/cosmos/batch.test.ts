import { randomUUID } from 'node:crypto';
import type { Container, OperationInput } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccount, type Account } from './fixture.js';

let account: Account;
let items: Container;
beforeAll(async () => {
  account = await openAccount();
  items = await account.container();
});
afterAll(() => account.close());

const create = (id: string, fields = {}): OperationInput => ({
  operationType: 'Create',
  resourceBody: { id, pk: 'b', ...fields },
});
const statuses = (result: readonly { statusCode: number }[] | undefined): number[] | undefined =>
  result?.map(({ statusCode }) => statusCode);

describe('a batch', () => {
  // All operations succeed in order, each with its own answer.
  // https://learn.microsoft.com/azure/cosmos-db/transactional-batch
  it('does everything at once and gives each operation its answer', async () => {
    const increment = { operations: [{ op: 'incr' as const, path: '/n', value: 1 }] };
    const { code, result } = await items.items.batch(
      [
        create('b1', { n: 1 }),
        { operationType: 'Upsert', resourceBody: { id: 'b2', pk: 'b' } },
        { operationType: 'Replace', id: 'b1', resourceBody: { id: 'b1', pk: 'b', n: 2 } },
        { operationType: 'Patch', id: 'b1', resourceBody: increment },
        { operationType: 'Read', id: 'b1' },
        { operationType: 'Delete', id: 'b2' },
      ],
      'b',
    );
    expect(code).toBe(200);
    expect(statuses(result)).toEqual([201, 201, 200, 200, 200, 204]);
    expect(result?.[4]).toMatchObject({ resourceBody: { n: 3 } });
    expect((await items.item('b2', 'b').read()).statusCode).toBe(404);
  });

  // One failure rolls all back: the others are 424 (failed dependency).
  // https://learn.microsoft.com/azure/cosmos-db/transactional-batch#how-are-transactional-batch-operations-executed
  it('undoes everything if one fails, unique keys too', async () => {
    const unique = await account.container({ uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/name'] }] } });
    await unique.items.create({ id: 'kept', pk: 'b', name: 'taken' });
    const { code, result } = await unique.items.batch(
      [create('x', { name: 'free' }), { operationType: 'Delete', id: 'kept' }, create('y', { name: 'free' })],
      'b',
    );
    expect(code).toBe(207);
    expect(statuses(result)).toEqual([424, 424, 409]);
    expect((await unique.item('kept', 'b').read()).statusCode).toBe(200);
    expect((await unique.items.create({ id: 'z', pk: 'b', name: 'free' })).statusCode).toBe(201);
    const again = unique.items.create({ id: 'w', pk: 'b', name: 'taken' });
    await expect(again).rejects.toMatchObject({ code: 409 });
  });

  // Each operation of a batch may carry an etag. Microsoft's own emulator ignored it:
  // https://learn.microsoft.com/javascript/api/@azure/cosmos/operationinput
  it('honours If-Match: a stale etag is 412, the rest 424', async () => {
    const id = randomUUID();
    await items.items.create({ id, pk: 'b' });
    const replace = {
      operationType: 'Replace' as const,
      id,
      resourceBody: { id, pk: 'b', n: 9 },
      ifMatch: '"stale"',
    };
    const { code, result } = await items.items.batch([replace, create('never')], 'b');
    expect(code).toBe(207);
    expect(statuses(result)).toEqual([412, 424]);
    expect((await items.item('never', 'b').read()).statusCode).toBe(404);
  });

  // At most 100 operations (the client counts too) and 2 MB. Microsoft's own emulator did not enforce them.
  // https://learn.microsoft.com/azure/cosmos-db/transactional-batch#limitations
  it('is refused above 100 operations and above 2 MiB', async () => {
    const many = Array.from({ length: 101 }, (_, at) => create(`n${at}`));
    await expect(items.items.batch(many, 'b')).rejects.toThrow(/100/);
    const third = 'x'.repeat(750_000);
    const large = [1, 2, 3].map((n) => create(`big${n}`, { third }));
    await expect(items.items.batch(large, 'b')).rejects.toThrow(/large/i);
    expect((await items.item('n0', 'b').read()).statusCode).toBe(404);
    expect((await items.item('big1', 'b').read()).statusCode).toBe(404);
  });

  // All operations of a batch have one partition key.
  // https://learn.microsoft.com/azure/cosmos-db/transactional-batch
  it('refuses an item of another partition, 400', async () => {
    const stranger = { operationType: 'Create' as const, resourceBody: { id: 'c2', pk: 'other' } };
    const { result } = await items.items.batch([create('c1'), stranger], 'b');
    expect(statuses(result)).toEqual([424, 400]);
    expect((await items.item('c1', 'b').read()).statusCode).toBe(404);
  });

  // Batches are isolated: no rollback takes what others wrote meanwhile.
  // https://learn.microsoft.com/azure/cosmos-db/database-transactions-optimistic-concurrency
  it('survives the concurrency of others', async () => {
    const id = randomUUID();
    await items.items.create({ id, pk: 'b', n: 0 });
    const increment = (value: number) => [{ op: 'incr' as const, path: '/n', value }];
    const good = Array.from({ length: 15 }, () => items.item(id, 'b').patch(increment(1)));
    const bad = Array.from({ length: 15 }, () =>
      items.items.batch(
        [
          { operationType: 'Patch', id, resourceBody: { operations: increment(100) } },
          { operationType: 'Delete', id: 'no such item' },
        ],
        'b',
      ),
    );
    await Promise.all([...good, ...bad]);
    expect((await items.item(id, 'b').read()).resource?.n).toBe(15);
  });
});

describe('bulk operations', () => {
  // Bulk is no transaction: each operation has its own outcome, over all partitions.
  // https://learn.microsoft.com/javascript/api/@azure/cosmos/items#@azure-cosmos-items-executebulkoperations
  it('answer each for itself over all partitions', async () => {
    const bulk = await account.container();
    const operations = Array.from({ length: 60 }, (_, n) => ({
      operationType: 'Create' as const,
      partitionKey: `p${n % 7}`,
      resourceBody: { id: `n${n % 50}`, pk: `p${n % 7}` },
    }));
    const codes = async (some: typeof operations): Promise<unknown[]> =>
      (await bulk.items.executeBulkOperations(some)).map(
        ({ response, error }) => response?.statusCode ?? error?.code,
      );
    expect(await codes(operations)).toEqual(operations.map(() => 201));
    expect(await codes(operations.slice(0, 3))).toEqual([409, 409, 409]);
  });
});
