import { randomUUID } from 'node:crypto';
import type { Container } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { startCloud, type Cloud } from './fixture.js';

let cloud: Cloud;
let items: Container;
const clock = new VirtualClock();

beforeAll(async () => {
  cloud = await startCloud({ clock });
  items = await cloud.container();
});
afterAll(() => cloud.close());

const ifMatch = (condition: string) => ({ accessCondition: { type: 'IfMatch', condition } });
const ifNoneMatch = (condition: string) => ({ accessCondition: { type: 'IfNoneMatch', condition } });

async function created(fields: Record<string, unknown> = {}) {
  const id = randomUUID();
  const { resource } = await items.items.create({ id, pk: 'p', ...fields });
  return resource!;
}

describe('an item', () => {
  it('is created with its system properties, read, replaced and deleted', async () => {
    const { resource, statusCode, etag } = await items.items.create({ id: 'one', pk: 'p', n: 1 });
    expect(statusCode).toBe(201);
    expect(resource).toMatchObject({ id: 'one', n: 1, _etag: etag, _attachments: 'attachments/' });
    expect(resource!._ts).toBe(Math.floor(clock.now() / 1000));
    expect(Buffer.from(resource!._rid.replaceAll('-', '/'), 'base64')).toHaveLength(16);
    const replaced = await items.item('one', 'p').replace({ id: 'one', pk: 'p', n: 2 });
    expect(replaced.statusCode).toBe(200);
    expect(replaced.etag).not.toBe(etag);
    expect((await items.item('one', 'p').read()).resource).toMatchObject({ n: 2, _rid: resource!._rid });
    expect((await items.item('one', 'p').delete()).statusCode).toBe(204);
    expect((await items.item('one', 'p').read()).statusCode).toBe(404);
  });

  it('lives in its partition: the same id in another is another item', async () => {
    await items.items.create({ id: 'twin', pk: 'a', from: 'a' });
    await items.items.create({ id: 'twin', pk: 'b', from: 'b' });
    expect((await items.item('twin', 'b').read()).resource?.from).toBe('b');
    await items.item('twin', 'a').delete();
    expect((await items.item('twin', 'b').read()).statusCode).toBe(200);
  });

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

  it('keeps ids with spaces, dots, plus signs and letters of any script', async () => {
    for (const id of ['with space', 'a.b+c&d=e', 'größe-日本', '100%', "it's", 'a:b;c,d']) {
      await items.items.create({ id, pk: 'odd' });
      expect((await items.item(id, 'odd').read()).resource?.id).toBe(id);
      expect((await items.item(id, 'odd').delete()).statusCode).toBe(204);
    }
  });

  it('keeps properties named like those of every object', async () => {
    const body = JSON.parse('{"id":"proto","pk":"p","__proto__":{"x":1},"constructor":2}') as { id: string };
    await items.items.create(body);
    const { resource } = await items.item('proto', 'p').read<Record<string, unknown>>();
    expect(Object.hasOwn(resource!, '__proto__')).toBe(true);
    const { resources } = await items.items
      .query('SELECT VALUE c.id FROM c WHERE IS_DEFINED(c.constructor) OR IS_DEFINED(c.toString)', {
        partitionKey: 'p',
      })
      .fetchAll();
    expect(resources).toEqual(['proto']);
  });

  it('is refused if it exists, 409; upserted with 201 or 200', async () => {
    const { id } = await created();
    await expect(items.items.create({ id, pk: 'p' })).rejects.toMatchObject({ code: 409 });
    expect((await items.items.upsert({ id, pk: 'p', n: 2 })).statusCode).toBe(200);
    expect((await items.items.upsert({ id: `${id}x`, pk: 'p' })).statusCode).toBe(201);
  });

  it('is refused over 2 MiB, 413, or nested deeper than 128 levels', async () => {
    await expect(
      items.items.create({ id: 'big', pk: 'p', x: 'x'.repeat(2 * 1024 * 1024) }),
    ).rejects.toMatchObject({ code: 413 });
    let deep: unknown = 1;
    for (let level = 0; level < 130; level++) deep = [deep];
    await expect(items.items.create({ id: 'deep', pk: 'p', deep })).rejects.toMatchObject({ code: 400 });
  });
});

describe('a condition on an etag', () => {
  it('lets the first writer win', async () => {
    const item = await created({ n: 0 });
    const handle = items.item(item.id, 'p');
    await handle.replace({ id: item.id, pk: 'p', n: 1 }, ifMatch(item._etag));
    await expect(handle.replace({ id: item.id, pk: 'p', n: 2 }, ifMatch(item._etag))).rejects.toMatchObject({
      code: 412,
    });
    await expect(
      handle.patch([{ op: 'set', path: '/n', value: 3 }], ifMatch(item._etag)),
    ).rejects.toMatchObject({ code: 412 });
    await expect(items.items.upsert({ id: item.id, pk: 'p' }, ifMatch(item._etag))).rejects.toMatchObject({
      code: 412,
    });
    await expect(handle.delete(ifMatch(item._etag))).rejects.toMatchObject({ code: 412 });
    expect((await handle.read()).resource?.n).toBe(1);
  });

  it('answers 304 to a read of what the reader has', async () => {
    const item = await created();
    expect((await items.item(item.id, 'p').read(ifNoneMatch(item._etag))).statusCode).toBe(304);
    expect((await items.item(item.id, 'p').read(ifNoneMatch('"other"'))).statusCode).toBe(200);
  });

  it('loses to absence: a conditional write of what is gone is 404', async () => {
    await expect(
      items.item('nobody', 'p').replace({ id: 'nobody', pk: 'p' }, ifMatch('"x"')),
    ).rejects.toMatchObject({ code: 404 });
  });

  it('gives one of many concurrent writers the item', async () => {
    const item = await created();
    const attempts = Array.from({ length: 20 }, (_, n) =>
      items
        .item(item.id, 'p')
        .replace({ id: item.id, pk: 'p', n }, ifMatch(item._etag))
        .then(
          () => 200,
          (error: { code: number }) => error.code,
        ),
    );
    const codes = await Promise.all(attempts);
    expect(codes.filter((code) => code === 200)).toHaveLength(1);
    expect(codes.filter((code) => code === 412)).toHaveLength(19);
  });
});

describe('a patch', () => {
  it('adds, sets, replaces, removes, increments and moves', async () => {
    const item = await created({ n: 1, list: [1, 3], gone: 1, inner: { x: 1 }, 'a/b': 0 });
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
        { op: 'set', path: '/a~1b', value: 9 },
        { op: 'move', from: '/inner/y', path: '/moved' } as never,
        { op: 'set', path: '/list/0', value: 'first' },
      ]);
    expect(resource).toMatchObject({
      list: ['first', 2, 3, 4],
      inner: { x: 2 },
      n: 2.5,
      fresh: 7,
      moved: { z: 1 },
      'a/b': 9,
    });
    expect(resource).not.toHaveProperty('gone');
    expect(resource!.inner).not.toHaveProperty('y');
  });

  it('changes nothing if one operation fails', async () => {
    const item = await created({ n: 1 });
    for (const bad of [
      { op: 'replace', path: '/missing', value: 1 },
      { op: 'remove', path: '/missing' },
      { op: 'set', path: '/no/parent', value: 1 },
      { op: 'incr', path: '/id2', value: 'x' },
      { op: 'set', path: '/id', value: 'other' },
      { op: 'set', path: '/pk', value: 'other' },
      { op: 'set', path: '/_ts', value: 1 },
      { op: 'shuffle', path: '/n' },
    ])
      await expect(
        items.item(item.id, 'p').patch([{ op: 'incr', path: '/n', value: 1 }, bad as never]),
      ).rejects.toMatchObject({ code: 400 });
    expect((await items.item(item.id, 'p').read()).resource?.n).toBe(1);
  });

  it('is refused with more than 10 operations', async () => {
    const item = await created();
    const operations = Array.from({ length: 11 }, (_, at) => ({
      op: 'set' as const,
      path: `/f${at}`,
      value: at,
    }));
    await expect(items.item(item.id, 'p').patch(operations)).rejects.toMatchObject({ code: 400 });
  });

  it('applies under its condition only, 412 otherwise', async () => {
    const item = await created({ epoch: 3, holder: 'me', spent: 4, ceiling: 10 });
    const take = (x: number) => ({
      condition: `FROM c WHERE c.epoch = 3 AND c.holder = "me" AND c.spent + ${x} <= c.ceiling`,
      operations: [{ op: 'incr' as const, path: '/spent', value: x }],
    });
    expect((await items.item(item.id, 'p').patch(take(5))).resource?.spent).toBe(9);
    await expect(items.item(item.id, 'p').patch(take(5))).rejects.toMatchObject({ code: 412 });
    await expect(
      items.item(item.id, 'p').patch({ ...take(1), condition: 'WHERE c.x' }),
    ).rejects.toMatchObject({ code: 400 });
  });
});

describe('time to live', () => {
  it('takes an item out of reads, queries, the feed and unique keys when its time has come', async () => {
    const mortal = await cloud.container({
      defaultTtl: 60,
      uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/name'] }] },
    });
    await mortal.items.create({ id: 'default', pk: 'p', name: 'a' });
    await mortal.items.create({ id: 'short', pk: 'p', ttl: 5, name: 'b' });
    await mortal.items.create({ id: 'immortal', pk: 'p', ttl: -1, name: 'c' });
    const ids = async (): Promise<unknown[]> =>
      (await mortal.items.query('SELECT VALUE c.id FROM c', { partitionKey: 'p' }).fetchAll()).resources;
    clock.advanceBy(4_000);
    await mortal.item('default', 'p').patch([{ op: 'set', path: '/touched', value: true }]);
    expect(await ids()).toHaveLength(3);
    clock.advanceBy(1_000);
    expect(await ids()).toEqual(['default', 'immortal']);
    expect((await mortal.item('short', 'p').read()).statusCode).toBe(404);
    expect((await mortal.items.create({ id: 'short', pk: 'p', name: 'b' })).statusCode).toBe(201);
    clock.advanceBy(58_000);
    expect(await ids()).toEqual(['default', 'immortal', 'short']);
    clock.advanceBy(2_000);
    expect(await ids()).toEqual(['immortal']);
  });

  it('is off where the container has none, and a bad one is refused', async () => {
    await items.items.create({ id: 'ttl', pk: 'p', ttl: 1 });
    clock.advanceBy(10_000);
    expect((await items.item('ttl', 'p').read()).statusCode).toBe(200);
    await expect(items.items.create({ id: 'zero', pk: 'p', ttl: 0 })).rejects.toMatchObject({ code: 400 });
  });

  it('follows a change of the container', async () => {
    const changed = await cloud.container();
    await changed.items.create({ id: 'x', pk: 'p' });
    const { resource } = await changed.read();
    await changed.replace({ ...resource!, defaultTtl: 30 });
    clock.advanceBy(31_000);
    expect((await changed.item('x', 'p').read()).statusCode).toBe(404);
  });
});

describe('a unique key', () => {
  it('holds within a partition, for replacements too', async () => {
    const unique = await cloud.container({ uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/a', '/b'] }] } });
    await unique.items.create({ id: '1', pk: 'p', a: 1, b: 1 });
    await expect(unique.items.create({ id: '2', pk: 'p', a: 1, b: 1 })).rejects.toMatchObject({ code: 409 });
    await unique.items.create({ id: '2', pk: 'p', a: 1, b: 2 });
    await unique.items.create({ id: '1', pk: 'q', a: 1, b: 1 });
    await expect(unique.item('2', 'p').patch([{ op: 'set', path: '/b', value: 1 }])).rejects.toMatchObject({
      code: 409,
    });
    await unique.item('1', 'p').delete();
    expect((await unique.item('2', 'p').patch([{ op: 'set', path: '/b', value: 1 }])).statusCode).toBe(200);
  });
});
