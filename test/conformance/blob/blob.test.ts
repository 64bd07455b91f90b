// Blob Storage as the product and the Functions host use it. The embedded cloud's is Azurite; CONFORMANCE_BLOB names
// a real account.
import { randomUUID } from 'node:crypto';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startBlobs, type Blobs } from '../../../local/storage/azurite.js';
import { REAL_CASE_TIMEOUT_MS, realService } from '../environment.js';

const real = realService('CONFORMANCE_BLOB');
if (real) vi.setConfig({ testTimeout: REAL_CASE_TIMEOUT_MS });

let embedded: Blobs | undefined;
let container: ContainerClient;
beforeAll(async () => {
  embedded = real ? undefined : await startBlobs();
  const service = BlobServiceClient.fromConnectionString(embedded?.connectionString ?? real ?? '');
  container = service.getContainerClient(`conformance-${randomUUID()}`);
  await container.createIfNotExists();
});
afterAll(async () => {
  await container.delete();
  await embedded?.close();
});

const text = async (name: string, from = 0, length?: number): Promise<string> =>
  (await container.getBlobClient(name).downloadToBuffer(from, length)).toString();

describe('an append blob', () => {
  // Blocks are added at the end; x-ms-blob-condition-appendpos fails with 412 unless the blob ends there, which makes
  // a repeated append harmless.
  // https://learn.microsoft.com/rest/api/storageservices/append-block
  it('takes a block at the position named only, 412 otherwise', async () => {
    const log = container.getAppendBlobClient('log');
    await log.create();
    await log.appendBlock('one ', 4, { conditions: { appendPosition: 0 } });
    const again = log.appendBlock('one ', 4, { conditions: { appendPosition: 0 } });
    await expect(again).rejects.toMatchObject({ statusCode: 412, code: 'AppendPositionConditionNotMet' });
    await log.appendBlock('two', 3, { conditions: { appendPosition: 4 } });
    expect(await text('log')).toBe('one two');
    expect((await log.getProperties()).contentLength).toBe(7);
  });

  // If-None-Match: * makes creation safe against a second creator: 409.
  // https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
  it('is created once: a conditional creation of what exists is 409 and keeps the content', async () => {
    const log = container.getAppendBlobClient('once');
    const create = () => log.create({ conditions: { ifNoneMatch: '*' } });
    await create();
    await log.appendBlock('kept', 4);
    await expect(create()).rejects.toMatchObject({ statusCode: 409 });
    expect(await text('once')).toBe('kept');
  });

  // Appending to what does not exist is 404.
  // https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
  it('that is not there is 404', async () => {
    const appending = container.getAppendBlobClient('absent').appendBlock('x', 1);
    await expect(appending).rejects.toMatchObject({ statusCode: 404, code: 'BlobNotFound' });
  });

  // Metadata is replaced as a whole and does not touch the content.
  // https://learn.microsoft.com/rest/api/storageservices/set-blob-metadata
  it('keeps metadata beside its content', async () => {
    const log = container.getAppendBlobClient('marked');
    await log.create({ blobHTTPHeaders: { blobContentType: 'text/plain; charset=utf-8' } });
    await log.appendBlock('body', 4);
    await log.setMetadata({ closed: 'true' });
    expect(await log.getProperties()).toMatchObject({
      metadata: { closed: 'true' },
      contentType: 'text/plain; charset=utf-8',
      contentLength: 4,
    });
  });
});

describe('a download', () => {
  // Range: bytes=from-to gives that part alone; one that starts behind the end is 416 (at the end: on Azure alone).
  // https://learn.microsoft.com/rest/api/storageservices/get-blob
  it('of a range gives those bytes', async () => {
    await container.getBlockBlobClient('range').upload('0123456789', 10);
    expect(await text('range', 3, 4)).toBe('3456');
    const behind = container.getBlobClient('range').download(20, 1);
    await expect(behind).rejects.toMatchObject({ statusCode: 416 });
  });
});

describe('a block blob', () => {
  // Put Blob replaces the whole content; If-Match guards against a writer that saw an older one.
  // https://learn.microsoft.com/rest/api/storageservices/put-blob
  it('is replaced as a whole, under a condition if asked', async () => {
    const blob = container.getBlockBlobClient('whole');
    const { etag } = await blob.upload('first', 5);
    await blob.upload('second', 6, { conditions: { ifMatch: etag! } });
    const stale = blob.upload('third', 5, { conditions: { ifMatch: etag! } });
    await expect(stale).rejects.toMatchObject({ statusCode: 412, code: 'ConditionNotMet' });
    expect(await text('whole')).toBe('second');
  });
});

describe('a lease', () => {
  // One holder at a time; a write needs its id; a released lease is free at once. The host's singletons rest on it.
  // https://learn.microsoft.com/rest/api/storageservices/lease-blob
  it('keeps others out until it is released', async () => {
    const blob = container.getBlockBlobClient('singleton');
    await blob.upload('', 0);
    const mine = blob.getBlobLeaseClient();
    const theirs = blob.getBlobLeaseClient();
    await mine.acquireLease(15);
    await expect(theirs.acquireLease(15)).rejects.toMatchObject({
      statusCode: 409,
      code: 'LeaseAlreadyPresent',
    });
    await expect(blob.upload('x', 1)).rejects.toMatchObject({ statusCode: 412, code: 'LeaseIdMissing' });
    await mine.renewLease();
    await mine.releaseLease();
    await expect(theirs.acquireLease(15)).resolves.toBeDefined();
    await theirs.releaseLease();
  });
});
