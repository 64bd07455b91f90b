/**
 * Where runs work: a bare mirror a repository, a worktree and a scratch folder a run. Nothing of a run stays after
 * it; what a crash left is removed at the next start.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Git } from './git.js';
import { openMirror, repoOf, STAGING, type Mirror } from './mirror.js';

export interface CheckoutSpec {
  /** `<jobId>.<epoch>` */
  readonly run: string;
  readonly repo: string;
  readonly baseBranch: string;
  /** Asked for together with the base; need not exist. */
  readonly featureBranch: string;
}

/** A worktree of one run, at the head of the base branch, on no branch of its own. */
export interface Checkout {
  readonly repo: string;
  readonly mirror: Mirror;
  readonly git: Git;
  readonly path: string;
  /** A folder for temporary files. */
  readonly scratch: string;
  readonly baseCommit: string;
  /** Where the feature branch was when the run began; undefined when there was none. */
  readonly featureCommit: string | undefined;
}

export class Workspace {
  private readonly folders: { readonly repos: string; readonly worktrees: string; readonly scratch: string };
  private readonly git: Git;
  private readonly onDisk = new Set<string>();
  private readonly mirrors = new Map<string, Promise<Mirror>>();

  /**
   * @param root the factory's own folder, absolute
   * @param env a clean environment for git
   */
  constructor(root: string, env: Readonly<Record<string, string>>) {
    this.folders = {
      repos: path.join(root, 'repos'),
      worktrees: path.join(root, 'worktrees'),
      scratch: path.join(root, 'tmp'),
    };
    // An engine may delete its `.git`: git must then fail, not find a repository that the folder happens to lie in.
    this.git = new Git(root, { ...env, GIT_CEILING_DIRECTORIES: root });
  }

  /** Repositories that need no first fetch. */
  get warm(): string[] {
    return [...new Set([...this.mirrors.keys(), ...this.onDisk])];
  }

  /** The folder of a run's worktree. */
  worktreePath(run: string): string {
    return path.join(this.folders.worktrees, run);
  }

  /**
   * A fresh worktree at the head of the base branch.
   * @throws PreflightError when the repository or the branch cannot be had
   */
  async checkout(spec: CheckoutSpec, signal?: AbortSignal): Promise<Checkout> {
    const mirror = await this.mirror(spec.repo);
    const heads = await mirror.heads([spec.baseBranch, spec.featureBranch], signal);
    const baseCommit = heads.get(spec.baseBranch);
    if (baseCommit === undefined) throw await mirror.missingBranch(spec.baseBranch, signal);
    const at = this.worktreePath(spec.run);
    const scratch = path.join(this.folders.scratch, spec.run);
    await mkdir(this.folders.worktrees, { recursive: true });
    await mkdir(scratch, { recursive: true });
    await mirror.ensure(spec.baseBranch, baseCommit, signal);
    const git = await mirror.addWorktree(at, baseCommit, signal);
    return {
      repo: spec.repo,
      mirror,
      git,
      path: at,
      scratch,
      baseCommit,
      featureCommit: heads.get(spec.featureBranch),
    };
  }

  /** Removes what a run had; fine when it had nothing. */
  async remove(run: string, repo: string | undefined): Promise<void> {
    await Promise.all([removeTree(this.worktreePath(run)), removeTree(path.join(this.folders.scratch, run))]);
    const mirror = repo === undefined ? undefined : await this.mirrors.get(repo)?.catch(() => undefined);
    await mirror?.forgetWorktree(run);
  }

  /**
   * After a crash: removes every worktree and scratch folder, half-written files of git, and branches that engines
   * made. Only while no run is under way.
   * @returns the runs that were found
   */
  async removeLeftovers(): Promise<string[]> {
    const runs = await list(this.folders.worktrees);
    await Promise.all([removeTree(this.folders.worktrees), removeTree(this.folders.scratch)]);
    for (const name of await list(this.folders.repos)) {
      const mirror = path.join(this.folders.repos, name);
      const repo = name.endsWith('.git') && (await mend(this.git.at(mirror)));
      if (repo) this.onDisk.add(repo);
      else await removeTree(mirror);
    }
    return runs;
  }

  private mirror(repo: string): Promise<Mirror> {
    const known = this.mirrors.get(repo);
    if (known) return known;
    const opening = openMirror(this.folders.repos, repo, this.git);
    this.mirrors.set(repo, opening);
    opening.catch(() => this.mirrors.delete(repo));
    return opening;
  }
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Whose mirror it is; undefined when it is beyond repair, to be fetched anew. */
async function mend(git: Git): Promise<string | undefined> {
  try {
    const locks = (await readdir(git.cwd, { recursive: true })).filter((file) =>
      /\.lock$|\/tmp_\w+$/.test(file),
    );
    await Promise.all(locks.map((file) => rm(path.join(git.cwd, file), { force: true })));
    await rm(path.join(git.cwd, STAGING), { recursive: true, force: true });
    await git.call(['worktree', 'prune', '--expire=now']);
    const branches = (await git.call(['for-each-ref', '--format=%(refname:short)', 'refs/heads'])).split(
      '\n',
    );
    const made = branches.filter(Boolean);
    if (made.length > 0) await git.call(['branch', '--quiet', '-D', '--', ...made]);
    return await repoOf(git.cwd);
  } catch {
    return undefined;
  }
}

/** Removes a tree also where it holds folders without write permission, as package caches do. */
async function removeTree(folder: string): Promise<void> {
  const remove = (): Promise<void> =>
    rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  try {
    await remove();
  } catch (error) {
    if (process.platform === 'win32') throw error;
    await promisify(execFile)('chmod', ['-R', 'u+rwX', '--', folder]).catch(() => {});
    await remove();
  }
}
