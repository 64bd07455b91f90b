// What test/conformance/cosmos does not say of the change feed: ranges, pages and memory of this engine.
import { ChangeFeedStartFrom, type Container } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drain } from '../../conformance/cosmos/fixture.js';
import { startCloud, type Cloud } from './fixture.js';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({ partitions: 3 });
});
afterAll(() => cloud.close());

interface Doc {
  id: string;
  pk: string;
  n: number;
  _lsn: number;
}

async function filled(count = 30): Promise<Container> {
  const container = await cloud.container();
  for (let n = 0; n < count; n++) await container.items.create({ id: `d${n}`, pk: `p${n % 6}`, n });
  return container;
}

describe('the change feed', () => {
  it('has as many ranges as physical partitions, none of them empty', async () => {
    const container = await filled();
    const ranges = await container.getFeedRanges();
    expect(ranges).toHaveLength(3);
    const parts = await Promise.all(
      ranges.map((range) =>
        drain<Doc>(container, { changeFeedStartFrom: ChangeFeedStartFrom.Beginning(range) }),
      ),
    );
    expect(parts.flatMap(({ documents }) => documents)).toHaveLength(30);
    expect(parts.every(({ documents }) => documents.length > 0)).toBe(true);
  });

  it('gives a transaction whole in one page, larger than asked for, under one sequence number', async () => {
    const container = await cloud.container();
    for (let batch = 0; batch < 3; batch++)
      await container.items.batch(
        Array.from({ length: 5 }, (_, at) => ({
          operationType: 'Create' as const,
          resourceBody: { id: `${batch}-${at}`, pk: 'p', n: at },
        })),
        'p',
      );
    const { documents, pages } = await drain<Doc>(container, {
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning('p'),
      maxItemCount: 2,
    });
    expect(pages.map((page) => page.length)).toEqual([5, 5, 5]);
    expect(new Set(documents.map(({ _lsn }) => _lsn)).size).toBe(3);
  });

  it('keeps its memory in bounds when few items are written often', async () => {
    const container = cloud.server.engine.createContainer('test', {
      id: 'hot',
      partitionKey: { paths: ['/pk'] },
    });
    for (let n = 0; n < 20_000; n++)
      container.execute(['p'], { kind: 'upsert', body: { id: `${n % 3}`, pk: 'p', n } });
    const { documents } = container.changes({ kind: 'key', key: ['p'] });
    expect(documents.map(({ n }) => n)).toEqual([19_997, 19_998, 19_999]);
  });

  it('refuses all versions and deletes by name', async () => {
    const container = await filled(1);
    await expect(drain<Doc>(container, { changeFeedMode: 'Full-Fidelity Feed' as never })).rejects.toThrow(
      /embedded cloud has no change feed mode/,
    );
  });
});
