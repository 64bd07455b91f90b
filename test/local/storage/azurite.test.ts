import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { describe, expect, it } from 'vitest';
import { startBlobs } from '../../../local/storage/azurite.js';

const container = (connectionString: string) =>
  BlobServiceClient.fromConnectionString(connectionString).getContainerClient('things');

describe('Blob Storage', () => {
  it('keeps blobs over a restart on the same port', async () => {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'blobs-'));
    let blobs = await startBlobs({ dataDir });
    try {
      const things = container(blobs.connectionString);
      await things.create();
      await things.getAppendBlobClient('log').create();
      await things.getAppendBlobClient('log').appendBlock('line', 4);
      await blobs.close();
      blobs = await startBlobs({ dataDir, port: blobs.port });
      const found = await container(blobs.connectionString).getBlobClient('log').downloadToBuffer();
      expect(found.toString()).toBe('line');
    } finally {
      await blobs.close();
      await rm(dataDir, { recursive: true });
    }
  });

  it('is started again on the same port when it dies, and says so', { timeout: 60_000 }, async () => {
    const crashes: string[] = [];
    const blobs = await startBlobs({ onCrash: (message) => crashes.push(message) });
    try {
      const { pid = 0 } = blobs;
      process.kill(pid, 'SIGKILL');
      await expect
        .poll(() => crashes, { timeout: 10_000 })
        .toEqual(['Blob Storage ended with SIGKILL; starting it again in 0.5 s']);
      const isThere = (): Promise<boolean> =>
        fetch(`http://127.0.0.1:${blobs.port}/`).then(
          () => true,
          () => false,
        );
      await expect.poll(isThere, { timeout: 50_000 }).toBe(true);
      await container(blobs.connectionString).create();
      expect(blobs.pid).not.toBe(pid);
    } finally {
      await blobs.close();
    }
  });

  it('names a taken port and its cure, and ends when closed', async () => {
    const blobs = await startBlobs();
    await expect(startBlobs({ port: blobs.port })).rejects.toThrow(
      `Port ${blobs.port} for Blob Storage is taken: stop what listens there, or choose another port.`,
    );
    await blobs.close();
    expect(() => process.kill(blobs.pid ?? 0, 0)).toThrow('ESRCH');
  });
});
