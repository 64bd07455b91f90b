import type { Blobs } from '../../shared/cloud/blobs.js';

/** Logs in memory. What is in them proves nothing about jobs, so no weather reaches them. */
export function memoryBlobs(): Blobs {
  const logs = new Map<string, { bytes: Buffer; closed: boolean }>();
  const logAt = (container: string, name: string): { bytes: Buffer; closed: boolean } => {
    const key = `${container}/${name}`;
    const known = logs.get(key) ?? { bytes: Buffer.alloc(0), closed: false };
    logs.set(key, known);
    return known;
  };
  return {
    append: (container, name, offset, bytes) => {
      const log = logAt(container, name);
      if (offset === log.bytes.length) log.bytes = Buffer.concat([log.bytes, bytes]);
      return Promise.resolve(log.bytes.length);
    },
    closeLog: (container, name) => {
      logAt(container, name).closed = true;
      return Promise.resolve();
    },
    log: (container, name) => {
      const log = logs.get(`${container}/${name}`);
      return Promise.resolve(log && { length: log.bytes.length, closed: log.closed });
    },
    read: (container, name, offset, length) =>
      Promise.resolve(logAt(container, name).bytes.subarray(offset, offset + length)),
    put: (container, name, bytes) => {
      logAt(container, name).bytes = Buffer.from(bytes);
      return Promise.resolve();
    },
  };
}
