/**
 * What the setup of a base branch brought, kept by the content of its lock files. It is saved only from a checkout that
 * holds nothing but a commit of that branch (prepare.ts), and copied out of here again: what a job changed, its setup
 * script included, never becomes what other jobs get.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { cp, lstat, mkdir, readFile, readdir, realpath, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { RepoSettings } from '../../shared/contract/repoSettings.js';
import type { Evictable } from './diskSpace.js';

/** Kept for one repository; the ones that were used last stay. */
const MAX_ENTRIES = 3;

export interface SetupSpec {
  readonly repo: string;
  /** Another branch, such as that of a change that nobody shipped, has setups of its own. */
  readonly baseBranch: string;
  readonly settings: RepoSettings;
}

/** Shares the blocks on file systems that can, and copies elsewhere. */
const COPY = { recursive: true, mode: constants.COPYFILE_FICLONE, verbatimSymlinks: true } as const;

export class SetupCache {
  private readonly root: string;

  /** @param root the folder of all caches, absolute */
  constructor(root: string) {
    this.root = root;
  }

  /**
   * Copies what is kept into a checkout.
   * @returns false when there is nothing for this setup: it has to run
   */
  async restore(checkout: string, spec: SetupSpec): Promise<boolean> {
    const { settings } = spec;
    const entry = await this.entryOf(checkout, spec);
    if (entry === undefined || !settings.cache || !(await exists(entry))) return false;
    for (const folder of settings.cache.folders) if (await hasLink(checkout, folder)) return false;
    try {
      for (const folder of settings.cache.folders) {
        const kept = path.join(entry, folder);
        if (await exists(kept)) await cp(kept, path.join(checkout, folder), COPY);
      }
      await utimes(entry, new Date(), new Date());
      return true;
    } catch {
      // Cleared meanwhile, for want of space: what was copied so far goes, and the setup runs.
      for (const folder of settings.cache.folders)
        await rm(path.join(checkout, folder), { recursive: true, force: true });
      return false;
    }
  }

  /** Keeps what a setup brought; only where nothing else worked in the checkout, and no change of a job is in it. */
  async save(checkout: string, spec: SetupSpec): Promise<void> {
    const { settings } = spec;
    const entry = await this.entryOf(checkout, spec);
    if (entry === undefined || !settings.cache || (await exists(entry))) return;
    for (const folder of settings.cache.folders) if (await hasLink(checkout, folder)) return;
    const fresh = `${entry}.${process.pid}.${Math.random().toString(36).slice(2)}.new`;
    await mkdir(fresh, { recursive: true });
    for (const folder of settings.cache.folders) {
      const brought = path.join(checkout, folder);
      if (await exists(brought)) await cp(brought, path.join(fresh, folder), COPY);
    }
    // Never seen half; somebody who was faster kept the same.
    await rename(fresh, entry).catch(() => rm(fresh, { recursive: true, force: true }));
    await this.forgetOld(path.dirname(entry));
  }

  /** What can go for want of space: the setup runs again then. */
  async evictable(): Promise<Evictable[]> {
    const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
    const repos = (await names(this.root)).map((repo) => path.join(this.root, repo));
    const entries = await Promise.all(
      repos.map(async (repo) => (await names(repo)).map((name) => path.join(repo, name))),
    );
    return Promise.all(
      entries.flat().map(async (entry) => ({
        path: entry,
        usedAt: (await stat(entry).catch(() => undefined))?.mtimeMs ?? 0,
        remove: () => rm(entry, { recursive: true, force: true }),
      })),
    );
  }

  /** Undefined without a cache, or when no lock file is there. */
  private async entryOf(
    checkout: string,
    { repo, baseBranch, settings }: SetupSpec,
  ): Promise<string | undefined> {
    if (!settings.cache || settings.setup.length === 0) return undefined;
    const hash = createHash('sha256').update(
      JSON.stringify([
        process.platform,
        process.arch,
        process.version,
        baseBranch,
        settings.setup,
        settings.cache,
      ]),
    );
    let found = false;
    for (const lock of settings.cache.locks) {
      const content = await readWithin(checkout, lock);
      found ||= content !== undefined;
      hash.update(`\0${lock}\0${content?.length ?? -1}\0`).update(content ?? '');
    }
    const repoHash = createHash('sha256').update(repo).digest('hex').slice(0, 16);
    return found ? path.join(this.root, repoHash, hash.digest('hex').slice(0, 32)) : undefined;
  }

  private async forgetOld(folder: string): Promise<void> {
    const entries = await Promise.all(
      (await readdir(folder))
        .filter((name) => !name.endsWith('.new'))
        .map(async (name) => ({ name, at: (await stat(path.join(folder, name))).mtimeMs })),
    );
    const old = entries.toSorted((one, other) => other.at - one.at).slice(MAX_ENTRIES);
    await Promise.all(old.map(({ name }) => rm(path.join(folder, name), { recursive: true, force: true })));
  }
}

/** Does a link, or a file, stand on the way to this place? What goes through it would be written or read elsewhere. */
async function hasLink(root: string, name: string): Promise<boolean> {
  let at = root;
  for (const part of name.split('/').filter(Boolean)) {
    at = path.join(at, part);
    const found = await lstat(at).catch(() => undefined);
    if (found === undefined) return false;
    if (!found.isDirectory()) return true;
  }
  return false;
}

/** A regular file of the checkout; undefined for what is elsewhere, behind a link too. */
async function readWithin(root: string, name: string): Promise<Buffer | undefined> {
  try {
    const [from, file] = await Promise.all([realpath(root), realpath(path.join(root, name))]);
    return file.startsWith(from + path.sep) && (await stat(file)).isFile() ? await readFile(file) : undefined;
  } catch {
    return undefined;
  }
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
