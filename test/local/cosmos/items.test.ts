// What test/conformance/cosmos does not say of items: corners that no documentation names.
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

async function created(fields: Record<string, unknown> = {}) {
  const id = randomUUID();
  const { resource } = await items.items.create({ id, pk: 'p', ...fields });
  return resource!;
}

describe('an item', () => {
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
});

describe('a patch', () => {
  it('takes an escaped slash in a path, and refuses odd operations without doing the others', async () => {
    const item = await created({ n: 1, 'a/b': 0 });
    const handle = items.item(item.id, 'p');
    expect((await handle.patch([{ op: 'set', path: '/a~1b', value: 9 }])).resource?.['a/b']).toBe(9);
    for (const bad of [
      { op: 'incr', path: '/other', value: 'x' },
      { op: 'shuffle', path: '/n' },
    ])
      await expect(handle.patch([{ op: 'incr', path: '/n', value: 1 }, bad as never])).rejects.toMatchObject({
        code: 400,
      });
    expect((await handle.read()).resource?.n).toBe(1);
  });
});

describe('time to live', () => {
  it('frees the unique keys of an item when its time has come, to the millisecond', async () => {
    const mortal = await cloud.container({
      defaultTtl: 60,
      uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/name'] }] },
    });
    await mortal.items.create({ id: 'short', pk: 'p', ttl: 5, name: 'b' });
    clock.advanceBy(4_999);
    await expect(mortal.items.create({ id: 'other', pk: 'p', name: 'b' })).rejects.toMatchObject({
      code: 409,
    });
    clock.advanceBy(1);
    expect((await mortal.items.create({ id: 'other', pk: 'p', name: 'b' })).statusCode).toBe(201);
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
