import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Documents } from '../../../shared/cloud/documents.js';
import { CONTROL, JOBS } from '../../../shared/topology.js';
import { startTestCloud, type TestCloud } from '../../support/cloud.js';

let cloud: TestCloud;
let documents: Documents;
const charges: { operation: string; requestUnits: number }[] = [];
beforeAll(async () => {
  cloud = await startTestCloud({ meter: (charge) => charges.push(charge) });
  documents = cloud.documents;
});
afterAll(() => cloud.close());

let productId: string;
beforeEach(() => {
  productId = randomUUID();
  cloud.cosmos.faults.clear();
});

const jobDocument = (id: string, value = 1) => ({ id, productId, jobId: 'j', value });
const key = (): [string, string] => [productId, 'j'];

describe('documents', () => {
  it('come back as they were written, without what the database adds', async () => {
    const created = await documents.create(JOBS, jobDocument('a'));
    expect(created.document).toEqual(jobDocument('a'));
    expect((await documents.read(JOBS, key(), 'a'))?.document).toEqual(jobDocument('a'));
    expect(await documents.read(JOBS, key(), 'b')).toBeUndefined();
  });

  it('fail with a kind that tells what was wrong', async () => {
    const { etag } = await documents.create(JOBS, jobDocument('a'));
    await expect(documents.create(JOBS, jobDocument('a'))).rejects.toMatchObject({ kind: 'exists' });
    await documents.replace(JOBS, key(), jobDocument('a', 2), etag);
    await expect(documents.replace(JOBS, key(), jobDocument('a', 3), etag)).rejects.toMatchObject({
      kind: 'precondition',
    });
    await expect(documents.remove(JOBS, key(), 'a', etag)).rejects.toMatchObject({ kind: 'precondition' });
    await expect(
      documents.patch(JOBS, key(), 'b', [{ op: 'incr', path: '/value', value: 1 }]),
    ).rejects.toMatchObject({
      kind: 'not-found',
    });
    expect(await documents.remove(JOBS, key(), 'b')).toBe(false);
  });

  it('are patched on a condition, or not at all', async () => {
    await documents.create(JOBS, jobDocument('a'));
    const add = [{ op: 'incr', path: '/value', value: 5 }] as const;
    const patched = await documents.patch(JOBS, key(), 'a', add, 'FROM c WHERE c.value = 1');
    expect(patched.document).toEqual(jobDocument('a', 6));
    await expect(documents.patch(JOBS, key(), 'a', add, 'FROM c WHERE c.value = 1')).rejects.toMatchObject({
      kind: 'precondition',
    });
  });

  it('are written as a batch or not at all', async () => {
    const first = await documents.create(JOBS, jobDocument('a'));
    const steps = [
      { kind: 'replace', document: jobDocument('a', 2), ifMatch: first.etag },
      { kind: 'create', document: jobDocument('b') },
    ] as const;
    await documents.batch(JOBS, key(), steps);
    await expect(
      documents.batch(JOBS, key(), [{ kind: 'create', document: jobDocument('c') }, ...steps]),
    ).rejects.toMatchObject({ kind: 'precondition' });
    expect(await documents.read(JOBS, key(), 'c')).toBeUndefined();
    const large = { ...jobDocument('d'), text: 'x'.repeat(2 * 1024 * 1024) };
    await expect(documents.batch(JOBS, key(), [{ kind: 'create', document: large }])).rejects.toMatchObject({
      kind: 'too-large',
    });
  });

  it('are found in one partition or in all of them', async () => {
    for (const id of ['a', 'b', 'c']) await documents.create(JOBS, { ...jobDocument(id), jobId: id });
    const text = 'SELECT * FROM c WHERE c.productId = @productId ORDER BY c.id DESC';
    const all = await documents.query(JOBS, { text, parameters: { productId } });
    expect(all.map(({ document }) => document.id)).toEqual(['c', 'b', 'a']);
    const one = await documents.query(JOBS, { text, parameters: { productId }, partition: [productId, 'b'] });
    expect(one.map(({ document }) => document.id)).toEqual(['b']);
    const count = {
      text: 'SELECT VALUE COUNT(1) FROM c WHERE c.productId = @productId',
      parameters: { productId },
    };
    expect(await documents.select(JOBS, count)).toEqual([3]);
  });

  it.each([408, 410, 429, 449, 503] as const)('survive %i in every operation', async (status) => {
    const fail = (): void => {
      cloud.cosmos.faults.clear();
      cloud.cosmos.faults.add({ kind: 'refuse', status, times: 2 });
    };
    fail();
    const { etag } = await documents.create(JOBS, jobDocument('a'));
    fail();
    await documents.replace(JOBS, key(), jobDocument('a', 2), etag);
    fail();
    await documents.patch(JOBS, key(), 'a', [{ op: 'set', path: '/value', value: 3 }]);
    fail();
    await documents.batch(JOBS, key(), [{ kind: 'create', document: jobDocument('b') }]);
    fail();
    await documents.upsert(JOBS, jobDocument('c'));
    fail();
    const found = await documents.query<{ id: string; value: number }>(JOBS, {
      text: 'SELECT * FROM c ORDER BY c.id',
      partition: key(),
    });
    expect(found.map(({ document }) => [document.id, document.value])).toEqual([
      ['a', 3],
      ['b', 1],
      ['c', 1],
    ]);
    fail();
    expect(await documents.remove(JOBS, key(), 'a')).toBe(true);
  });

  it('give up after some tries, and say that the service is away', async () => {
    cloud.cosmos.faults.add({ kind: 'refuse', status: 503 });
    await expect(documents.upsert(CONTROL, { id: 'x', productId })).rejects.toMatchObject({
      kind: 'unavailable',
    });
    await expect(
      documents.batch(CONTROL, [productId], [{ kind: 'create', document: { id: 'y' } }]),
    ).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });

  it('report what each call cost', async () => {
    charges.length = 0;
    await documents.create(CONTROL, { id: 'x', productId });
    await documents.read(CONTROL, [productId], 'x');
    await documents.batch(
      CONTROL,
      [productId],
      [{ kind: 'upsert', document: { id: 'x' } }].map((step) => ({
        kind: 'upsert' as const,
        document: { ...step.document, productId },
      })),
    );
    expect(charges.map(({ operation }) => operation)).toEqual(['create', 'read', 'batch']);
    for (const { requestUnits } of charges) expect(requestUnits).toBeGreaterThan(0);
  });
});
