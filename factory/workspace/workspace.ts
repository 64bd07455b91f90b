/**
 * Where runs work: a bare mirror a repository; a worktree, a small repository behind it, and a scratch folder a run.
 * Of a run nothing stays but the files that the commit has too (warmWorktrees.ts); what a crash left is removed at the
 * next start.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Checkpoint } from '../../shared/contract/job.js';
import { globalConfig, includeUserConfig } from '../processes/environment.js';
import { DiskSpace, MIN_FREE_BYTES, type DiskSpaceSpec, type Evictable } from './diskSpace.js';
import { Git } from './git.js';
import { claimGitDir, isFolder } from './gitDir.js';
import { mirrorOf, repoOf, usedAt, type Mirror, type RemoteRef } from './mirror.js';
import { SetupCache } from './setupCache.js';
import { tend, type Abandoned } from './tend.js';
import { removeTree } from './trees.js';
import { WarmWorktrees } from './warmWorktrees.js';

/** A station works in two worktrees of a run: the engine's, and the one where its change is verified. */
const WORKTREES_A_STATION = 2;

export interface CheckoutSpec {
  /** `<jobId>.<epoch>` */
  readonly run: string;
  readonly repo: string;
  readonly baseBranch: string;
  /** Asked for together with the base; need not exist. */
  readonly featureBranch: string;
  /** Unfinished work to begin with, on its own base, when it is still there. */
  readonly checkpoint?: Checkpoint | undefined;
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
  /** The checkpoint's changes are in it, not committed. */
  readonly resumed: boolean;
  /** Where the feature branch was when the run began; undefined when there was none. */
  readonly featureCommit: string | undefined;
}

export interface WorkspaceOptions {
  /** Below this no run begins (bytes). */
  readonly minFreeBytes?: number;
  /** What the folder may take in all (bytes). */
  readonly maxBytes?: number;
  readonly freeBytes?: DiskSpaceSpec['freeBytes'];
  /** Feature branches on a remote whose last commit is so old are deleted; absent: never. */
  readonly abandonedBranchDays?: number | undefined;
  /** Runs at the same time, at most. */
  readonly stations?: number;
}

export class Workspace {
  /** What setups of checkouts brought. */
  readonly setupCache: SetupCache;
  private readonly warmWorktrees: WarmWorktrees;
  private readonly folders: Readonly<Record<'repos' | 'worktrees' | 'scratch' | 'stamps', string>>;
  private readonly abandoned: Abandoned;
  private tending: Promise<void> = Promise.resolve();
  /** Room on the disk. */
  readonly disk: DiskSpace;
  private readonly git: Git;
  private readonly env: Readonly<Record<string, string>>;
  private readonly onDisk = new Set<string>();
  private readonly mirrors = new Map<string, Mirror>();
  /** The mirrors that runs borrow from, by run. */
  private readonly busy = new Map<string, string>();
  /** Worktrees of runs that are under way. */
  private readonly inUse = new Map<
    string,
    { readonly mirror: Mirror; readonly commit: string; readonly worktrees: string[] }
  >();

  /**
   * @param root the factory's own folder, absolute
   * @param env a clean environment for git
   */
  constructor(
    root: string,
    env: Readonly<Record<string, string>>,
    {
      minFreeBytes = MIN_FREE_BYTES,
      maxBytes = Infinity,
      stations = 1,
      freeBytes,
      abandonedBranchDays,
    }: WorkspaceOptions = {},
  ) {
    const evictable = (): Promise<Evictable[]> => this.evictable();
    this.disk = new DiskSpace({ root, minFreeBytes, maxBytes, evictable, ...(freeBytes && { freeBytes }) });
    this.abandoned = { branchDays: abandonedBranchDays };
    this.folders = {
      repos: path.join(root, 'repos'),
      worktrees: path.join(root, 'worktrees'),
      scratch: path.join(root, 'tmp'),
      stamps: path.join(root, 'tended'),
    };
    this.setupCache = new SetupCache(path.join(root, 'cache'));
    this.git = new Git(root, env);
    const kept = stations * WORKTREES_A_STATION;
    this.warmWorktrees = new WarmWorktrees(path.join(root, 'warm'), this.git, kept);
    this.env = env;
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
   * @throws PreflightError when the repository or the branch cannot be had; NoSpaceError
   */
  async checkout(spec: CheckoutSpec, signal?: AbortSignal): Promise<Checkout> {
    const mirror = this.mirror(spec.repo);
    await mkdir(this.folders.worktrees, { recursive: true });
    this.busy.set(spec.run, mirror.path);
    await this.disk.require();
    const at = this.worktreePath(spec.run);
    await removeTree(at);
    const [heads, scratch, present] = await allOf([
      mirror.heads([spec.baseBranch, spec.featureBranch], signal),
      this.freshScratch(spec.run),
      this.warmWorktrees.take(mirror, at, signal),
    ]);
    const head = heads.get(spec.baseBranch);
    if (head === undefined) throw await mirror.missingBranch(spec.baseBranch, signal);
    const git = this.git.in(path.join(at, '.git'), at);
    const { checkpoint } = spec;
    const resumed = checkpoint !== undefined && (await mirror.fetchCheckpoint(checkpoint, signal));
    const baseCommit = resumed ? checkpoint.baseCommit : head;
    if (resumed) {
      await fill(git, at, checkpoint.commit, mirror.path, signal);
      await git.call(['reset', '--quiet', '--mixed', baseCommit], { signal });
    } else if (present !== baseCommit) {
      try {
        await mirror.ensure(spec.baseBranch, baseCommit, signal);
        await fill(git, at, baseCommit, mirror.path, signal);
      } catch {
        signal?.throwIfAborted();
        await mirror.mend(spec.baseBranch, baseCommit, signal);
        await removeTree(at);
        await fill(git, at, baseCommit, mirror.path, signal);
      }
    }
    await mirror.touch();
    this.inUse.set(spec.run, { mirror, commit: baseCommit, worktrees: [at] });
    return {
      repo: spec.repo,
      mirror,
      git,
      path: at,
      scratch,
      baseCommit,
      resumed,
      featureCommit: heads.get(spec.featureBranch),
    };
  }

  /**
   * A second worktree of the run with nothing but a commit in it, and an empty scratch folder: what an engine left
   * behind, ignored files and settings included, says nothing about the change.
   * @param commit in the run's own repository
   */
  async cleanCheckout(
    checkout: Checkout,
    run: string,
    commit: string,
    signal: AbortSignal,
  ): Promise<Checkout> {
    const at = this.cleanPath(run);
    const git = checkout.git.in(path.join(at, '.git'), at);
    await removeTree(at);
    const [scratch] = await allOf([
      this.freshScratch(run),
      this.warmWorktrees.take(checkout.mirror, at, signal),
    ]);
    await fill(git, at, commit, path.join(checkout.path, '.git'), signal);
    this.inUse.get(run)?.worktrees.push(at);
    return { ...checkout, git, path: at, scratch };
  }

  /** Never while a run borrows from it; what fails today is tried tomorrow. */
  private async tend(mirror: Mirror): Promise<void> {
    if ([...this.busy.values()].includes(mirror.path)) return;
    await tend(mirror, this.folders.stamps, this.abandoned).catch(() => {});
  }

  /** What only saves time: setups, worktrees that nobody has, mirrors that no run borrows from. */
  private async evictable(): Promise<Evictable[]> {
    const busy = new Set(this.busy.values());
    const idle = (await list(this.folders.repos))
      .map((name) => path.join(this.folders.repos, name))
      .filter((mirror) => !busy.has(mirror));
    const mirrors = idle.map(async (at) => ({
      path: at,
      usedAt: await usedAt(at),
      remove: () => this.removeMirror(at),
    }));
    return [
      ...(await this.setupCache.evictable()),
      ...this.warmWorktrees.evictable(),
      ...(await Promise.all(mirrors)),
    ];
  }

  private async removeMirror(at: string): Promise<void> {
    // A run may have begun with it meanwhile.
    if ([...this.busy.values()].includes(at)) return;
    await this.warmWorktrees.removeOf(at);
    for (const [repo, mirror] of this.mirrors) if (mirror.path === at) this.mirrors.delete(repo);
    this.onDisk.delete(await repoOf(at).catch(() => ''));
    await removeTree(at);
  }

  /** Removes what a run had; fine when it had nothing. What of it can serve the next run is made clean for it. */
  async remove(run: string): Promise<void> {
    const scratch = path.join(this.folders.scratch, run);
    const had = this.inUse.get(run);
    this.inUse.delete(run);
    if (had)
      await Promise.all(had.worktrees.map((at) => this.warmWorktrees.give(at, had.mirror, had.commit)));
    await Promise.all([this.worktreePath(run), this.cleanPath(run), scratch].map(removeTree));
    this.busy.delete(run);
    void this.disk.measure();
    if (had) this.tending = this.tend(had.mirror);
  }

  /** Removes what a job has left in its repository. @throws GitError when the repository does not let it */
  deleteRefs(repo: string, refs: readonly RemoteRef[], signal?: AbortSignal): Promise<void> {
    return this.mirror(repo).deleteRefs(refs, signal);
  }

  /** The factory goes away: what runs leave is removed at once. */
  close(): void {
    this.warmWorktrees.close();
  }

  /** Resolves when nothing is being done in the background. */
  async settled(): Promise<void> {
    await Promise.all([this.warmWorktrees.settled(), this.disk.settled(), this.tending]);
  }

  private cleanPath(run: string): string {
    return `${this.worktreePath(run)}.clean`;
  }

  private async freshScratch(run: string): Promise<string> {
    const scratch = path.join(this.folders.scratch, run);
    await removeTree(scratch);
    await mkdir(scratch, { recursive: true });
    await writeFile(globalConfig(scratch), includeUserConfig(this.env));
    return scratch;
  }

  /**
   * After a crash: removes every worktree and scratch folder, and half-written files of git. Only while no run is under way.
   * @returns the runs that were found
   */
  async removeLeftovers(): Promise<string[]> {
    const runs = await list(this.folders.worktrees);
    await Promise.all([removeTree(this.folders.worktrees), removeTree(this.folders.scratch)]);
    for (const name of await list(this.folders.repos)) {
      const mirror = path.join(this.folders.repos, name);
      const repo = name.endsWith('.git') && (await tidy(mirror));
      if (repo) this.onDisk.add(repo);
      else await removeTree(mirror);
    }
    const mirrors = await list(this.folders.repos);
    await this.warmWorktrees.adopt(mirrors.map((name) => path.join(this.folders.repos, name)));
    return runs;
  }

  private mirror(repo: string): Mirror {
    const mirror = this.mirrors.get(repo) ?? mirrorOf(this.folders.repos, repo, this.git);
    this.mirrors.set(repo, mirror);
    return mirror;
  }
}

/**
 * A worktree with its repository, and the commit in it. What is there is taken for a clean worktree of another commit.
 * @param borrowsFrom the repository that has the commit, absolute
 */
async function fill(
  git: Git,
  at: string,
  commit: string,
  borrowsFrom: string,
  signal?: AbortSignal,
): Promise<void> {
  await claimGitDir(path.join(at, '.git'), { kind: 'worktree', borrowsFrom, commit });
  await git.call(['reset', '--quiet', '--hard'], { signal });
}

/**
 * After an engine worked in it: its commits and its index stay, its settings go (see claimGitDir).
 * @throws Error when the engine removed the repository or put another in its place
 */
export async function reclaim({ path: at, mirror }: Checkout): Promise<void> {
  const gitDir = path.join(at, '.git');
  for (const folder of [at, gitDir])
    if (!(await isFolder(folder)))
      throw new Error(`${folder} is not a git repository of the run’s own any more`);
  await claimGitDir(gitDir, { kind: 'worktree', borrowsFrom: mirror.path });
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Whose mirror it is; undefined when it is none. */
async function tidy(mirror: string): Promise<string | undefined> {
  try {
    const halves = (await readdir(mirror, { recursive: true })).filter((file) =>
      /[/\\]tmp_[\w-]+$/.test(file),
    );
    await Promise.all(halves.map((file) => rm(path.join(mirror, file), { recursive: true, force: true })));
    return await repoOf(mirror);
  } catch {
    return undefined;
  }
}

/** As Promise.all, but nothing is under way any more when it throws. */
async function allOf<const T extends readonly Promise<unknown>[]>(
  tasks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}
