import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobTimerStorage } from '../../../../local/host/timer/storage.js';
import { startBlobs } from '../../../../local/storage/azurite.js';
import type { Blobs } from '../../../../local/storage/azurite.js';

describe('what timers keep in blobs', () => {
  let blobs: Blobs;
  beforeAll(async () => {
    blobs = await startBlobs();
  });
  afterAll(() => blobs.close());

  const storage = (instanceId: string): BlobTimerStorage =>
    new BlobTimerStorage({
      container: BlobServiceClient.fromConnectionString(blobs.connectionString).getContainerClient(
        'azure-webjobs-hosts',
      ),
      hostId: 'host',
      instanceId,
      lockPeriod: 15_000,
      recoveryInterval: 10,
    });
  const go = new AbortController().signal;

  it('keeps a status under the name that the real host gives it', async () => {
    const status = { last: new Date(1_000), next: new Date(2_000), lastUpdated: new Date(1_000) };
    expect(await storage('a').readStatus('tick')).toBeUndefined();
    await storage('a').writeStatus('tick', status);
    expect(await storage('b').readStatus('tick')).toEqual(status);
    const blob = BlobServiceClient.fromConnectionString(blobs.connectionString)
      .getContainerClient('azure-webjobs-hosts')
      .getBlobClient('timers/host/Host.Functions.tick/status');
    expect(JSON.parse((await blob.downloadToBuffer()).toString())).toHaveProperty('Next');
  });

  it('gives the lock to one instance at a time', async () => {
    const first = await storage('a').lock('tick', go);
    const events: string[] = [];
    const second = storage('b')
      .lock('tick', go)
      .then((held) => {
        events.push('taken');
        return held;
      });
    await expect(storage('c').lock('tick', AbortSignal.timeout(50))).rejects.toThrow('aborted');
    events.push('released');
    await first.release();
    await (await second).release();
    expect(events).toEqual(['released', 'taken']);
  });

  it('lets an instance that comes back take its own lock over at once', async () => {
    const abandoned = await storage('a').lock('tock', go);
    const again = await storage('a').lock('tock', go);
    expect(again.lost.aborted).toBe(false);
    await again.release();
    await abandoned.release();
  });
});
