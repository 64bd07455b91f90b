/**
 * What a factory may keep on its disk. Everything that only saves time can go: the least recently used first, never
 * what a run needs.
 */
import { lstat, readdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { PreflightError } from './preflight.js';

/** A run does not begin with less free on the disk of its data folder (bytes): a build that fills it fails them all. */
export const MIN_FREE_BYTES = 512 * 1024 * 1024;
/** A run that leaves less than this share of it free while its engine works is ended. */
const LAST_SHARE = 0.5;
/** A folder is walked through so many entries at a time. */
const LOOKED_AT_TOGETHER = 64;
/** What a file takes on the disk comes in blocks of this size, whatever the disk's own are (stat(2)). */
const BLOCK_BYTES = 512;

/** This factory has no room for a run now; another one may have. */
export class NoSpaceError extends PreflightError {
  override readonly name = 'NoSpaceError';
}

/** Something that can be removed, as others can make it again. */
export interface Evictable {
  /** Absolute. */
  readonly path: string;
  /** As `Date.now()`. */
  readonly usedAt: number;
  remove(): Promise<void>;
}

export interface DiskLimits {
  readonly minFreeBytes: number;
  /** What the data folder may take in all. */
  readonly maxBytes: number;
}

export interface DiskSpaceSpec extends DiskLimits {
  /** The data folder, absolute. */
  readonly root: string;
  /** What can go now. */
  readonly evictable: () => Promise<readonly Evictable[]>;
  /** Bytes that this user may still write where a folder lies. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

export class DiskSpace {
  private readonly spec: DiskSpaceSpec;
  private readonly freeBytes: (folder: string) => Promise<number>;
  /** As measured last, less what was removed since. */
  private usedBytes = 0;
  private measuring: Promise<void> | undefined;

  constructor(spec: DiskSpaceSpec) {
    this.spec = spec;
    this.freeBytes = spec.freeBytes ?? freeBytesOf;
  }

  /**
   * Makes room for a run.
   * @throws NoSpaceError when everything that can go is gone and it still is too little
   */
  async require(): Promise<void> {
    if ((await this.shortage()) === undefined) return;
    const candidates = await this.spec.evictable();
    for (const one of candidates.toSorted((a, b) => a.usedAt - b.usedAt)) {
      const bytes = await bytesBelow(one.path);
      await one.remove();
      this.usedBytes = Math.max(0, this.usedBytes - bytes);
      if ((await this.shortage()) === undefined) return;
    }
    await this.measure();
    const shortage = await this.shortage();
    if (shortage !== undefined) throw new NoSpaceError(shortage);
  }

  /** Why a run that is under way must end before the disk is full; undefined when it need not. */
  async emergency(): Promise<string | undefined> {
    const { minFreeBytes, root } = this.spec;
    const free = await this.freeBytes(root);
    return free < minFreeBytes * LAST_SHARE
      ? `the disk of ${root} was filled while the engine worked: ${megabytes(free)} are free`
      : undefined;
  }

  /** Looks how much is used, once at a time; the next `require` goes by it. */
  async measure(): Promise<void> {
    this.measuring ??= bytesBelow(this.spec.root).then((bytes) => {
      this.usedBytes = bytes;
      this.measuring = undefined;
    });
    await this.measuring;
  }

  /** Resolves when nothing is being measured. */
  async settled(): Promise<void> {
    await this.measuring;
  }

  private async shortage(): Promise<string | undefined> {
    const { maxBytes, minFreeBytes, root } = this.spec;
    const free = await this.freeBytes(root);
    if (free < minFreeBytes) {
      return `the disk of ${root} has ${megabytes(free)} free, and a run needs ${megabytes(minFreeBytes)}: free some, or give the factory another folder with --data`;
    }
    if (this.usedBytes > maxBytes) {
      return `${root} takes ${megabytes(this.usedBytes)}, and may take ${megabytes(maxBytes)}: raise diskGigabytes in factory.yaml, or give the factory fewer stations`;
    }
    return undefined;
  }
}

const megabytes = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MB`;

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** What a folder and everything below takes on the disk (bytes); what goes away meanwhile counts nothing. */
export async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  const folders = [folder];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    for (let n = 0; n < entries.length; n += LOOKED_AT_TOGETHER) {
      const batch = entries.slice(n, n + LOOKED_AT_TOGETHER).map((entry) => {
        const file = path.join(at, entry.name);
        if (entry.isDirectory()) folders.push(file);
        return lstat(file).then(
          ({ blocks, size }) => (process.platform === 'win32' ? size : blocks * BLOCK_BYTES),
          () => 0,
        );
      });
      for (const size of await Promise.all(batch)) bytes += size;
    }
  }
  return bytes;
}
