import { randomUUID } from 'node:crypto';
import { CosmosClient, type Container } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccount, type Account } from './fixture.js';

let account: Account;
let items: Container;
beforeAll(async () => {
  account = await openAccount();
  items = await account.container();
});
afterAll(() => account.close());

const ifMatch = (condition: string) => ({ accessCondition: { type: 'IfMatch', condition } });
const ifNoneMatch = (condition: string) => ({ accessCondition: { type: 'IfNoneMatch', condition } });

async function created(fields: Record<string, unknown> = {}) {
  const { resource } = await items.items.create({ id: randomUUID(), pk: 'p', ...fields });
  return resource!;
}

describe('an item', () => {
  // Create 201, replace 200, delete 204, read of what is gone 404; _rid stays, _etag changes with each write.
  // https://learn.microsoft.com/rest/api/cosmos-db/documents
  it('is created with its system properties, read, replaced and deleted', async () => {
    const { resource, statusCode, etag } = await items.items.create({ id: 'one', pk: 'p', n: 1 });
    expect(statusCode).toBe(201);
    expect(resource).toMatchObject({ id: 'one', n: 1, _etag: etag, _attachments: 'attachments/' });
    expect(Math.abs(resource!._ts - account.now() / 1000)).toBeLessThan(120);
    const replaced = await items.item('one', 'p').replace({ id: 'one', pk: 'p', n: 2 });
    expect(replaced.statusCode).toBe(200);
    expect(replaced.etag).not.toBe(etag);
    expect((await items.item('one', 'p').read()).resource).toMatchObject({ n: 2, _rid: resource!._rid });
    expect((await items.item('one', 'p').delete()).statusCode).toBe(204);
    expect((await items.item('one', 'p').read()).statusCode).toBe(404);
  });

  // An id is unique within a logical partition.
  // https://learn.microsoft.com/azure/cosmos-db/resource-model#properties-of-an-item
  it('lives in its partition: the same id in another is another item', async () => {
    await items.items.create({ id: 'twin', pk: 'a', from: 'a' });
    await items.items.create({ id: 'twin', pk: 'b', from: 'b' });
    expect((await items.item('twin', 'b').read()).resource?.from).toBe('b');
    await items.item('twin', 'a').delete();
    expect((await items.item('twin', 'b').read()).statusCode).toBe(200);
  });

  // Partition key values may be strings, numbers, booleans or null; an item may lack the property (None).
  // https://learn.microsoft.com/javascript/api/@azure/cosmos/primitivepartitionkeyvalue
  it('may have a key of any type, null, or none at all', async () => {
    for (const pk of [1.5, true, null]) {
      await items.items.create({ id: 'typed', pk });
      expect((await items.item('typed', pk).read()).resource).toMatchObject({ pk });
    }
    await items.items.create({ id: 'keyless' });
    expect((await items.item('keyless', undefined).read()).statusCode).toBe(200);
    const { resources } = await items.items.query("SELECT * FROM c WHERE c.id = 'keyless'").fetchAll();
    expect(resources).toHaveLength(1);
  });

  // Ids may hold any characters but '/', '\\', '?' and '#'.
  // https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
  it('keeps ids with spaces, dots, plus signs and letters of any script', async () => {
    for (const id of ['with space', 'a.b+c&d=e', 'größe-日本', '100%', "it's", 'a:b;c,d']) {
      await items.items.create({ id, pk: 'odd' });
      expect((await items.item(id, 'odd').read()).resource?.id).toBe(id);
      expect((await items.item(id, 'odd').delete()).statusCode).toBe(204);
    }
  });

  // Creating what exists is 409; an upsert answers 201 or 200.
  // https://learn.microsoft.com/rest/api/cosmos-db/create-a-document
  it('is refused if it exists, 409; upserted with 201 or 200', async () => {
    const { id } = await created();
    await expect(items.items.create({ id, pk: 'p' })).rejects.toMatchObject({ code: 409 });
    expect((await items.items.upsert({ id, pk: 'p', n: 2 })).statusCode).toBe(200);
    expect((await items.items.upsert({ id: `${id}x`, pk: 'p' })).statusCode).toBe(201);
  });

  // Maximum size of an item: 2 MB; levels of nesting: 128. Microsoft's own emulator does not enforce them.
  // https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
  it('is refused over 2 MiB, 413, or nested deeper than 128 levels', async () => {
    const x = 'x'.repeat(2 * 1024 * 1024);
    await expect(items.items.create({ id: 'big', pk: 'p', x })).rejects.toMatchObject({ code: 413 });
    let deep: unknown = 1;
    for (let level = 0; level < 130; level++) deep = [deep];
    await expect(items.items.create({ id: 'deep', pk: 'p', deep })).rejects.toMatchObject({ code: 400 });
  });
});

describe('a condition on an etag', () => {
  // Optimistic concurrency: If-Match with a stale etag is 412 for replace, patch, upsert and delete.
  // https://learn.microsoft.com/azure/cosmos-db/database-transactions-optimistic-concurrency#implementing-optimistic-concurrency-control-using-etag-and-http-headers
  it('lets the first writer win', async () => {
    const item = await created({ n: 0 });
    const handle = items.item(item.id, 'p');
    const stale = ifMatch(item._etag);
    await handle.replace({ id: item.id, pk: 'p', n: 1 }, stale);
    const refused = { code: 412 };
    await expect(handle.replace({ id: item.id, pk: 'p', n: 2 }, stale)).rejects.toMatchObject(refused);
    await expect(handle.patch([{ op: 'set', path: '/n', value: 3 }], stale)).rejects.toMatchObject(refused);
    await expect(items.items.upsert({ id: item.id, pk: 'p' }, stale)).rejects.toMatchObject(refused);
    await expect(handle.delete(stale)).rejects.toMatchObject(refused);
    expect((await handle.read()).resource?.n).toBe(1);
  });

  // If-None-Match on a read: 304 when the item has that etag.
  // https://learn.microsoft.com/rest/api/cosmos-db/get-a-document
  it('answers 304 to a read of what the reader has', async () => {
    const item = await created();
    expect((await items.item(item.id, 'p').read(ifNoneMatch(item._etag))).statusCode).toBe(304);
    expect((await items.item(item.id, 'p').read(ifNoneMatch('"other"'))).statusCode).toBe(200);
  });

  // A replace of what does not exist is 404, whatever its condition.
  // https://learn.microsoft.com/rest/api/cosmos-db/replace-a-document
  it('loses to absence: a conditional write of what is gone is 404', async () => {
    const replacing = items.item('nobody', 'p').replace({ id: 'nobody', pk: 'p' }, ifMatch('"x"'));
    await expect(replacing).rejects.toMatchObject({ code: 404 });
  });

  // Of concurrent writers with one etag exactly one succeeds.
  // https://learn.microsoft.com/azure/cosmos-db/database-transactions-optimistic-concurrency
  it('gives one of many concurrent writers the item', async () => {
    const item = await created();
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        items
          .item(item.id, 'p')
          .replace({ id: item.id, pk: 'p', n }, ifMatch(item._etag))
          .then(
            () => 200,
            (error: { code: number }) => error.code,
          ),
      ),
    );
    expect(codes.filter((code) => code === 200)).toHaveLength(1);
    expect(codes.filter((code) => code === 412)).toHaveLength(19);
  });
});

describe('a patch', () => {
  // Add (also into and at the end of arrays), set, replace, remove, increment (also of what is not there), move.
  // https://learn.microsoft.com/azure/cosmos-db/partial-document-update#supported-operations
  it('adds, sets, replaces, removes, increments and moves', async () => {
    const item = await created({ n: 1, list: [1, 3], gone: 1, inner: { x: 1 } });
    const { resource } = await items
      .item(item.id, 'p')
      .patch([
        { op: 'add', path: '/list/1', value: 2 },
        { op: 'add', path: '/list/-', value: 4 },
        { op: 'set', path: '/inner/y', value: { z: 1 } },
        { op: 'replace', path: '/inner/x', value: 2 },
        { op: 'remove', path: '/gone' },
        { op: 'incr', path: '/n', value: 1.5 },
        { op: 'incr', path: '/fresh', value: 7 },
        { op: 'move', from: '/inner/y', path: '/moved' } as never,
        { op: 'set', path: '/list/0', value: 'first' },
      ]);
    expect(resource).toMatchObject({
      list: ['first', 2, 3, 4],
      inner: { x: 2 },
      n: 2.5,
      fresh: 7,
      moved: { z: 1 },
    });
    expect(resource).not.toHaveProperty('gone');
    expect(resource!.inner).not.toHaveProperty('y');
  });

  // A patch is atomic; replace and remove need their target; system properties, id and key cannot be patched.
  // https://learn.microsoft.com/azure/cosmos-db/partial-document-update#supported-operations
  it('changes nothing if one operation fails, 400', async () => {
    const item = await created({ n: 1 });
    for (const bad of [
      { op: 'replace', path: '/missing', value: 1 },
      { op: 'remove', path: '/missing' },
      { op: 'set', path: '/no/parent', value: 1 },
      { op: 'set', path: '/id', value: 'other' },
      { op: 'set', path: '/pk', value: 'other' },
      { op: 'set', path: '/_ts', value: 1 },
    ])
      await expect(
        items.item(item.id, 'p').patch([{ op: 'incr', path: '/n', value: 1 }, bad as never]),
      ).rejects.toMatchObject({ code: 400 });
    expect((await items.item(item.id, 'p').read()).resource?.n).toBe(1);
  });

  // At most 10 operations in one patch.
  // https://learn.microsoft.com/azure/cosmos-db/partial-document-update-faq
  it('is refused with more than 10 operations, 400', async () => {
    const item = await created();
    const operations = Array.from({ length: 11 }, (_, at) => ({
      op: 'set' as const,
      path: `/f${at}`,
      value: at,
    }));
    await expect(items.item(item.id, 'p').patch(operations)).rejects.toMatchObject({ code: 400 });
  });

  // Conditional patch: a filter predicate that does not hold is 412.
  // https://learn.microsoft.com/azure/cosmos-db/partial-document-update-getting-started
  it('applies under its condition only, 412 otherwise', async () => {
    const item = await created({ epoch: 3, holder: 'me', spent: 4, ceiling: 10 });
    const take = (x: number) => ({
      condition: `FROM c WHERE c.epoch = 3 AND c.holder = "me" AND c.spent + ${x} <= c.ceiling`,
      operations: [{ op: 'incr' as const, path: '/spent', value: x }],
    });
    expect((await items.item(item.id, 'p').patch(take(5))).resource?.spent).toBe(9);
    await expect(items.item(item.id, 'p').patch(take(5))).rejects.toMatchObject({ code: 412 });
    const broken = { ...take(1), condition: 'WHERE c.x' };
    await expect(items.item(item.id, 'p').patch(broken)).rejects.toMatchObject({ code: 400 });
  });
});

describe('time to live', () => {
  // Seconds since the last write; an item's ttl overrides the container's, -1 never expires; expired items are not
  // returned by any read or query, although they are deleted later in the background.
  // https://learn.microsoft.com/azure/cosmos-db/time-to-live
  it('takes an item out of reads and queries when its time has come', async () => {
    const mortal = await account.container({ defaultTtl: 20 });
    await mortal.items.create({ id: 'default', pk: 'p' });
    await mortal.items.create({ id: 'short', pk: 'p', ttl: 4 });
    await mortal.items.create({ id: 'immortal', pk: 'p', ttl: -1 });
    const ids = async (): Promise<string[]> =>
      (await mortal.items.query<string>('SELECT VALUE c.id FROM c', { partitionKey: 'p' }).fetchAll())
        .resources;
    expect((await ids()).toSorted()).toEqual(['default', 'immortal', 'short']);
    await account.pass(6_000);
    expect((await ids()).toSorted()).toEqual(['default', 'immortal']);
    expect((await mortal.item('short', 'p').read()).statusCode).toBe(404);
    await mortal.item('default', 'p').patch([{ op: 'set', path: '/touched', value: true }]);
    await account.pass(16_000);
    expect((await ids()).toSorted()).toEqual(['default', 'immortal']);
    await account.pass(8_000);
    expect(await ids()).toEqual(['immortal']);
  });

  // Without a default on the container an item's own ttl has no effect; zero is no time to live.
  // https://learn.microsoft.com/azure/cosmos-db/time-to-live#time-to-live-for-containers-and-items
  it('is off where the container has none, and a bad one is refused', async () => {
    await items.items.create({ id: 'ttl', pk: 'p', ttl: 1 });
    await account.pass(4_000);
    expect((await items.item('ttl', 'p').read()).statusCode).toBe(200);
    await expect(items.items.create({ id: 'zero', pk: 'p', ttl: 0 })).rejects.toMatchObject({ code: 400 });
  });
});

describe('a unique key', () => {
  // Values are unique per logical partition, over all paths of one key together; violations are 409.
  // https://learn.microsoft.com/azure/cosmos-db/unique-keys
  it('holds within a partition, for replacements too', async () => {
    const unique = await account.container({ uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/a', '/b'] }] } });
    await unique.items.create({ id: '1', pk: 'p', a: 1, b: 1 });
    await expect(unique.items.create({ id: '2', pk: 'p', a: 1, b: 1 })).rejects.toMatchObject({ code: 409 });
    await unique.items.create({ id: '2', pk: 'p', a: 1, b: 2 });
    await unique.items.create({ id: '1', pk: 'q', a: 1, b: 1 });
    const collide = () => unique.item('2', 'p').patch([{ op: 'set', path: '/b', value: 1 }]);
    await expect(collide()).rejects.toMatchObject({ code: 409 });
    await unique.item('1', 'p').delete();
    expect((await collide()).statusCode).toBe(200);
  });
});

describe('an account', () => {
  // Every request is signed with the account's key; another key is 401.
  // https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
  it('lets in the holder of the key only', async () => {
    const stranger = new CosmosClient(
      account.connectionString.replace(
        /AccountKey=[^;]*/,
        `AccountKey=${Buffer.alloc(64).toString('base64')}`,
      ),
    );
    await expect(stranger.databases.create({ id: 'x' })).rejects.toMatchObject({ code: 401 });
    stranger.dispose();
  });

  // A read of 1 KB costs one request unit; writes cost more, larger items too.
  // https://learn.microsoft.com/azure/cosmos-db/request-units
  it('charges request units by size and kind', async () => {
    const small = await items.items.create({ id: 'small', pk: 'ru' });
    const large = await items.items.create({ id: 'large', pk: 'ru', x: 'x'.repeat(100_000) });
    expect(small.requestCharge).toBeGreaterThan(2);
    expect(large.requestCharge).toBeGreaterThan(small.requestCharge);
    expect((await items.item('small', 'ru').read()).requestCharge).toBe(1);
    expect((await items.item('large', 'ru').read()).requestCharge).toBeGreaterThan(5);
  });

  // A client at session consistency reads its own writes.
  // https://learn.microsoft.com/azure/cosmos-db/consistency-levels#session-consistency
  it('gives a client at session consistency its own writes', async () => {
    const client = new CosmosClient({
      connectionString: account.connectionString,
      consistencyLevel: 'Session',
    });
    const mine = client.database(items.database.id).container(items.id);
    for (let n = 0; n < 10; n++) await mine.items.upsert({ id: 'session', pk: 'p', n });
    expect((await mine.item('session', 'p').read()).resource?.n).toBe(9);
    client.dispose();
  });
});
