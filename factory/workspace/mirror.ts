/** A bare copy of a repository on the factory's disk: fetched into, never worked in; every run gets a worktree of it. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Mutex } from '../mutex.js';
import { ASK_TIMEOUT_MS, GitError, TRANSFER_TIMEOUT_MS, withoutCredentials, type Git } from './git.js';
import { PreflightError } from './preflight.js';

/** Branches named in the message about one that is missing. */
const BRANCHES_SHOWN = 8;
/** The configuration as it was made: an engine that runs `git config` in its worktree writes into the mirror's. */
const PRISTINE_CONFIG = 'config.pristine';
/** The repository's address, so that a mirror on the disk can be recognised. */
const ADDRESS = 'address';

/** Entries of worktrees that come or go; emptied after a crash. */
export const STAGING = 'staging';

/** Anything but a path: `https://…`, `ssh://…`, `file://…`, `git@host:owner/name`. */
const isAddress = (repo: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(repo) || /^[^/\\]+@?[^/\\]*:[^\\]/.test(repo);

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
export const mirrorPath = (repos: string, repo: string): string =>
  path.join(repos, `${slug(repo)}-${createHash('sha256').update(repo).digest('hex').slice(0, 12)}.git`);

/** Heads of a remote by branch name. */
export type Heads = ReadonlyMap<string, string>;

export class Mirror {
  /** What git can clone. */
  readonly repo: string;
  readonly git: Git;
  /** Two fetches would change the same refs. */
  private readonly fetching = new Mutex();
  /** Commits that are known to be here. */
  private readonly here = new Set<string>();

  constructor(repo: string, git: Git) {
    this.repo = repo;
    this.git = git;
  }

  get path(): string {
    return this.git.cwd;
  }

  /**
   * Asks the remote where these branches are; those that it lacks are missing from the answer.
   * @throws PreflightError when it cannot be reached
   */
  async heads(branches: readonly string[], signal?: AbortSignal): Promise<Heads> {
    const refs = branches.map((branch) => `refs/heads/${branch}`);
    try {
      const answer = await this.git.call(['ls-remote', '--', this.repo, ...refs], {
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
    if (this.here.has(commit)) return;
    await this.fetching.run(async () => {
      if (!(await this.has(commit))) await this.fetch(branch, signal);
    });
    this.here.add(commit);
  }

  /** Is this commit here? */
  async has(commit: string): Promise<boolean> {
    const { exitCode } = await this.git.run(['cat-file', '-e', `${commit}^{commit}`], { allow: [1, 128] });
    return exitCode === 0;
  }

  private async fetch(branch: string, signal?: AbortSignal): Promise<void> {
    // A flat name: with a folder a branch that was `a` and is now `a/b` would be in its own way.
    const ref = `refs/gigafactory/${branch.replaceAll('/', '%')}`;
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

  /**
   * A new worktree at a commit that is here, on no branch. Its entry is written by hand (gitrepository-layout) and
   * moved into place, because `git worktree add` starts three processes, and every other git that looks at the
   * worktrees meanwhile trips over the half-written entry.
   * @param at where, absolute; its last part names it
   */
  async addWorktree(at: string, commit: string, signal?: AbortSignal): Promise<Git> {
    const name = path.basename(at);
    const entry = path.join(this.path, 'worktrees', name);
    const fresh = path.join(this.path, STAGING, `${name}.new`);
    await mkdir(at);
    await Promise.all([
      mkdir(fresh, { recursive: true }),
      mkdir(path.dirname(entry), { recursive: true }),
      writeFile(path.join(at, '.git'), `gitdir: ${entry}\n`),
    ]);
    await Promise.all([
      writeFile(path.join(fresh, 'HEAD'), `${commit}\n`),
      writeFile(path.join(fresh, 'commondir'), '../..\n'),
      writeFile(path.join(fresh, 'gitdir'), `${path.join(at, '.git')}\n`),
    ]);
    await rename(fresh, entry);
    const worktree = this.git.at(at);
    await worktree.call(['reset', '--quiet', '--hard'], { signal });
    return worktree;
  }

  /** Forgets a worktree whose folder is gone: moved out of git's sight first, for the same reason. */
  async forgetWorktree(name: string): Promise<void> {
    const gone = path.join(this.path, STAGING, `${name}.gone`);
    await rename(path.join(this.path, 'worktrees', name), gone).catch(() => {});
    await rm(gone, { recursive: true, force: true });
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
 * The mirror of a repository, made empty when it is not there yet.
 * @param repos the folder of all mirrors
 * @throws PreflightError for a path that is not absolute: it would mean another place on every factory
 */
export async function openMirror(repos: string, repo: string, git: Git): Promise<Mirror> {
  if (!isAddress(repo) && !path.isAbsolute(repo)) {
    throw new PreflightError(
      `the repository "${repo}" is a relative path: name an absolute one, or an address`,
    );
  }
  const at = mirrorPath(repos, repo);
  const pristine = path.join(at, PRISTINE_CONFIG);
  if (await exists(pristine)) {
    await copyFile(pristine, path.join(at, 'config'));
  } else {
    // Made aside and moved: a crash never leaves half a mirror.
    const fresh = `${at}.new`;
    await rm(fresh, { recursive: true, force: true });
    await rm(at, { recursive: true, force: true });
    await mkdir(repos, { recursive: true });
    await git.at(repos).call(['init', '--quiet', '--bare', '--template=', '--', fresh]);
    await copyFile(path.join(fresh, 'config'), path.join(fresh, PRISTINE_CONFIG));
    await writeFile(path.join(fresh, ADDRESS), repo, { mode: 0o600 });
    await rename(fresh, at);
  }
  return new Mirror(repo, git.at(at));
}

/** Whose mirror a folder is. */
export const repoOf = (mirror: string): Promise<string> => readFile(path.join(mirror, ADDRESS), 'utf8');

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
