/**
 * A bare copy of a repository on the factory's disk: fetched into, never worked in. Every run gets a small repository
 * of its own that borrows the mirror's objects, so that what an engine sets, locks or names there ends with the run.
 */
import { createHash } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import path from 'node:path';
import type { Checkpoint } from '../../shared/contract/job.js';
import { Mutex } from '../mutex.js';
import { ASK_TIMEOUT_MS, GitError, TRANSFER_TIMEOUT_MS, withoutCredentials, type Git } from './git.js';
import { claimGitDir } from './gitDir.js';
import { PreflightError } from './preflight.js';

/** Branches named in the message about one that is missing. */
const BRANCHES_SHOWN = 8;
/** Looking for missing objects after a failure (ms). */
const WALK_TIMEOUT_MS = 120_000;
/** No run and no kept worktree needs an object longer that no ref leads to. */
const BORROWED_AT_MOST = '2.weeks.ago';
/** The repository's address, so that a mirror on the disk can be recognised. */
const ADDRESS = 'address';

/** `C:\\work`, `c:/work`, `\\\\server\\share`: paths, on whatever system they were written. */
const WINDOWS_PATH = /^([a-z]:[/\\]|\\\\)/i;
/** Anything but a path: `https://…`, `ssh://…`, `file://…`, `git@host:owner/name`, `host:name`. */
const ADDRESS_FORMS = /^([a-z][a-z0-9+.-]*:\/\/|[^/\\:]+:[^\\])/i;

/** Why a factory of this system has no such repository; undefined where it may. */
export function whyNoPlace(repo: string, platform: NodeJS.Platform = process.platform): string | undefined {
  const isWindows = platform === 'win32';
  if (WINDOWS_PATH.test(repo))
    return isWindows ? undefined : 'is a path of Windows, and this factory runs elsewhere';
  // `c:work` means the folder that was the last one on that drive there, and a host elsewhere.
  const isAddress = ADDRESS_FORMS.test(repo) && !(isWindows && /^[a-z]:/i.test(repo));
  if (isAddress || (isWindows ? path.win32 : path.posix).isAbsolute(repo)) return undefined;
  return 'is a relative path: name an absolute one, or an address';
}

const slug = (repo: string): string =>
  withoutCredentials(repo)
    .replace(/\.git\/?$/, '')
    .split(/[/\\:]/)
    .filter(Boolean)
    .slice(-2)
    .join('-')
    .replace(/[^\w.-]/g, '-')
    .slice(-60);

/** Where the mirror of a repository lies: readable, and different for every address. */
const mirrorPath = (repos: string, repo: string): string =>
  path.join(repos, `${slug(repo)}-${createHash('sha256').update(repo).digest('hex').slice(0, 12)}.git`);

export interface RemoteRef {
  readonly ref: string;
  readonly commit: string;
}

/** Heads of a remote by branch name. */
export type Heads = ReadonlyMap<string, string>;

export class Mirror {
  /** What git can clone. */
  readonly repo: string;
  readonly path: string;
  private readonly git: Git;
  /** For questions to the remote: in no repository, so that no repository's settings change the answer. */
  private readonly nowhere: Git;
  /** Two fetches would change the same refs. */
  private readonly fetching = new Mutex();

  /**
   * @param at where it lies or will lie, absolute
   * @param git outside of any repository
   */
  constructor(repo: string, at: string, git: Git) {
    this.repo = repo;
    this.path = at;
    this.git = git.in(at);
    this.nowhere = git.in(devNull);
  }

  /**
   * Asks the remote where these branches are; those that it lacks are missing from the answer.
   * @throws PreflightError when it cannot be reached
   */
  async heads(branches: readonly string[], signal?: AbortSignal): Promise<Heads> {
    const refs = branches.map((branch) => `refs/heads/${branch}`);
    try {
      const answer = await this.nowhere.call(['ls-remote', '--', this.repo, ...refs], {
        timeoutMs: ASK_TIMEOUT_MS,
        signal,
      });
      return headsOf(answer);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      throw new PreflightError(
        `the repository ${withoutCredentials(this.repo)} cannot be reached from this factory: ${error.message}`,
      );
    }
  }

  /** The error for a branch that the remote lacks, with the ones that it has. */
  async missingBranch(branch: string, signal?: AbortSignal): Promise<PreflightError> {
    const known = [...(await this.heads(['*'], signal)).keys()].filter((name) => !name.startsWith('aq/'));
    const others =
      known.length === 0
        ? 'it has no branches yet'
        : `it has ${known.slice(0, BRANCHES_SHOWN).join(', ')}${known.length > BRANCHES_SHOWN ? ', …' : ''}`;
    return new PreflightError(
      `the repository ${withoutCredentials(this.repo)} has no branch "${branch}": ${others}`,
    );
  }

  /**
   * Makes sure that a branch's commit is here; nothing is transferred when it is already.
   * @throws PreflightError when the fetch fails
   */
  async ensure(branch: string, commit: string, signal?: AbortSignal): Promise<void> {
    if (await this.has(commit)) return;
    await this.fetching.run(async () => {
      if (!(await this.has(commit))) await this.fetch(branch, signal);
    });
  }

  /**
   * After a failure that the mirror may be the reason for: when objects are missing in it, it is emptied and the
   * branch fetched anew. Runs that borrow from it lacked these objects before.
   * @throws PreflightError when the fetch fails
   */
  async mend(branch: string, commit: string, signal?: AbortSignal): Promise<void> {
    await this.fetching.run(async () => {
      if (await this.isBroken(commit, signal)) await rm(this.path, { recursive: true, force: true });
      if (!(await this.has(commit))) await this.fetch(branch, signal);
    });
  }

  /** Walks everything that should be here; a walk that takes too long proves nothing. */
  private async isBroken(commit: string, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.claim();
    } catch {
      return true;
    }
    const tips = (await this.has(commit)) ? ['--all', commit] : ['--all'];
    try {
      await this.git.call(['rev-list', '--quiet', '--objects', ...tips], {
        timeoutMs: WALK_TIMEOUT_MS,
        signal,
      });
      return false;
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      return error.exitCode !== null;
    }
  }

  /** Makes it when it is missing, and takes it back from whatever a job wrote there. */
  private async claim(): Promise<void> {
    await claimGitDir(this.path, { kind: 'bare' });
    await writeFile(path.join(this.path, ADDRESS), this.repo, { mode: 0o600 });
  }

  /** It serves a run: what nobody uses goes first when space is short. */
  async touch(): Promise<void> {
    const now = new Date();
    await utimes(path.join(this.path, ADDRESS), now, now).catch(() => {});
  }

  /** Is this commit here? */
  async has(commit: string): Promise<boolean> {
    const { exitCode } = await this.git.run(['cat-file', '-e', `${commit}^{commit}`], { allow: [1, 128] });
    return exitCode === 0;
  }

  /**
   * Gets a checkpoint.
   * @returns false when it is not there any more, or another one is
   */
  async fetchCheckpoint({ ref, commit }: Checkpoint, signal?: AbortSignal): Promise<boolean> {
    return this.fetching.run(async () => {
      if (await this.has(commit)) return true;
      await this.claim();
      const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', this.repo, ref];
      try {
        await this.git.call(args, { timeoutMs: TRANSFER_TIMEOUT_MS, signal });
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        return false;
      }
      return this.has(commit);
    });
  }

  /**
   * Deletes refs of the remote, each only while it is at its commit.
   * @throws GitError also when one of them is not
   */
  async deleteRefs(refs: readonly RemoteRef[], signal?: AbortSignal): Promise<void> {
    await this.fetching.run(async () => {
      await this.claim();
      const leases = refs.map(({ ref, commit }) => `--force-with-lease=${ref}:${commit}`);
      const gone = refs.map(({ ref }) => `:${ref}`);
      const args = ['push', '--quiet', '--no-verify', ...leases, '--', this.repo, ...gone];
      await this.git.call(args, { timeoutMs: ASK_TIMEOUT_MS, signal });
    });
  }

  /**
   * Refs of the remote whose commit is older than so many days.
   * @param prefix such as `refs/heads/aq/`
   */
  async refsOlderThan(prefix: string, days: number): Promise<RemoteRef[]> {
    const here = `refs/tend/${prefix.split('/').filter(Boolean).join('-')}/`;
    const listed = await this.fetching.run(async () => {
      await this.claim();
      const args = ['fetch', '--quiet', '--no-tags', '--prune', '--no-write-fetch-head', '--', this.repo];
      await this.git.call([...args, `+${prefix}*:${here}*`], { timeoutMs: TRANSFER_TIMEOUT_MS });
      const format = '%(refname) %(objectname) %(committerdate:unix)';
      return this.git.call(['for-each-ref', `--format=${format}`, here]);
    });
    const oldest = Date.now() / 1000 - days * 24 * 3600;
    return listed
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '))
      .filter(([, , seconds]) => Number(seconds) < oldest)
      .map(([ref = '', commit = '']) => ({ ref: prefix + ref.slice(here.length), commit }));
  }

  /** Packs it, and removes what nobody could have borrowed for weeks. */
  async collectGarbage(): Promise<void> {
    await this.git.call(['gc', '--quiet', `--prune=${BORROWED_AT_MOST}`], {
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
  }

  private async fetch(branch: string, signal?: AbortSignal): Promise<void> {
    // A flat name: with a folder a branch that was `a` and is now `a/b` would be in its own way.
    const ref = `refs/gigafactory/${branch.replaceAll('/', '%')}`;
    await this.claim();
    const quietly = ['--quiet', '--no-tags', '--no-write-fetch-head'];
    try {
      await this.git.call(['fetch', ...quietly, '--', this.repo, `+refs/heads/${branch}:${ref}`], {
        timeoutMs: TRANSFER_TIMEOUT_MS,
        signal,
      });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      throw new PreflightError(
        `branch "${branch}" of ${withoutCredentials(this.repo)} could not be fetched: ${error.message}`,
      );
    }
  }
}

const headsOf = (listing: string): Heads =>
  new Map(
    listing
      .split('\n')
      .map((line) => line.split('\t'))
      .flatMap(([commit, ref]) =>
        commit && ref?.startsWith('refs/heads/') ? [[ref.slice('refs/heads/'.length), commit] as const] : [],
      ),
  );

/**
 * The mirror of a repository; made when it is first fetched into.
 * @param repos the folder of all mirrors
 * @throws PreflightError for a path that is not absolute, or of another system: it would mean another place on every factory
 */
export function mirrorOf(repos: string, repo: string, git: Git): Mirror {
  const why = whyNoPlace(repo);
  if (why !== undefined) throw new PreflightError(`the repository "${repo}" ${why}`);
  return new Mirror(repo, mirrorPath(repos, repo), git);
}

/** When a mirror was last used (as `Date.now()`). */
export const usedAt = async (mirror: string): Promise<number> =>
  (await stat(path.join(mirror, ADDRESS)).catch(() => undefined))?.mtimeMs ?? 0;

/** Whose mirror a folder is. */
export const repoOf = (mirror: string): Promise<string> => readFile(path.join(mirror, ADDRESS), 'utf8');
