// What test/conformance/cosmos does not say of batches: what they leave in the engine.
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

describe('a batch', () => {
  const create = (id: string, fields = {}): OperationInput => ({
    operationType: 'Create',
    resourceBody: { id, pk: 'b', ...fields },
  });

  it('leaves nothing in the change feed if one operation fails', async () => {
    const unique = await cloud.container();
    await unique.items.create({ id: 'kept', pk: 'b' });
    const absent = { operationType: 'Delete' as const, id: 'absent' };
    expect((await unique.items.batch([create('x'), absent], 'b')).code).toBe(207);
    await unique.items.create({ id: 'z', pk: 'b' });
    const { documents } = cloud.server.engine
      .container('test', unique.id)
      .changes({ kind: 'key', key: ['b'] });
    expect(documents.map(({ id, _lsn }) => [id, _lsn])).toEqual([
      ['kept', 1],
      ['z', 2],
    ]);
  });

  it('is refused above 100 operations by the engine too, not by the client alone', () => {
    const operations = Array.from({ length: 101 }, (_, at) => ({
      kind: 'create' as const,
      body: { id: `n${at}`, pk: 'b' },
    }));
    const container = cloud.server.engine.container('test', items.id);
    expect(() => container.batch(['b'], operations)).toThrow(expect.objectContaining({ status: 400 }));
  });

  it('is refused above 2 MiB in words', async () => {
    const third = 'x'.repeat(700_000);
    const operations = [1, 2, 3].map((n) => create(`big${n}`, { third }));
    await expect(items.items.batch(operations, 'b')).rejects.toThrow(/too large/);
  });
});
