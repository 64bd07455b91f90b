/**
 * Worktrees that ended runs have left, made clean for the next ones: to check ten thousand files takes a fraction of
 * the time that it takes to remove and to write them. Nothing is believed of what a run left: its repository is
 * thrown away, every file is held against the commit by its content, and what the commit does not have goes.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { devNull } from 'node:os';
import path from 'node:path';
import type { Evictable } from './diskSpace.js';
import type { Git } from './git.js';
import { claimGitDir, isFolder } from './gitDir.js';
import type { Mirror } from './mirror.js';
import { oddFiles, removeTree } from './trees.js';

/** Between the parts of a folder's name: mirror, commit, and something unique. */
const SEPARATOR = '~';
/** No conversion on the way between file and object: contents are compared byte by byte. */
const RAW = ['-c', 'core.autocrlf=false', '-c', `core.attributesFile=${devNull}`];
/** Paths in one call of git: a command line is short on some systems. */
const PATHS_TOGETHER = 200;

interface WarmWorktree {
  readonly path: string;
  readonly commit: string;
  readonly since: number;
  /** What its index was like when it was clean (see stampOf); undefined when it could not be made clean. */
  readonly ready: Promise<string | undefined>;
  /** `ready` has been answered. */
  isReady: boolean;
}

export class WarmWorktrees {
  private readonly folder: string;
  private readonly git: Git;
  private readonly perMirror: number;
  /** By the mirror's path; the last one was given last. */
  private readonly kept = new Map<string, WarmWorktree[]>();
  private closed = false;

  /**
   * @param folder where they are kept, absolute; nothing else may be there
   * @param git outside of any repository
   * @param perMirror how many are kept of one repository
   */
  constructor(folder: string, git: Git, perMirror: number) {
    this.folder = folder;
    this.git = git;
    this.perMirror = perMirror;
  }

  /**
   * Moves a worktree of this mirror to a place of the caller's own. One that is being cleaned is waited for, unless
   * somebody else waits for it.
   * @param to absolute; nothing is there
   * @returns its commit, which is checked out; undefined when there is none
   */
  async take({ path: mirror }: Mirror, to: string, signal?: AbortSignal): Promise<string | undefined> {
    for (;;) {
      const all = this.kept.get(mirror) ?? [];
      const next = all.findLast(({ isReady }) => isReady) ?? all[0];
      if (next === undefined) return undefined;
      this.forget(mirror, next);
      const stamp = await next.ready;
      if (stamp === undefined) continue;
      try {
        if ((await stampOf(next.path)) !== stamp) throw new Error('somebody has worked in it');
        await rename(next.path, to);
        const git = await this.claim(to, mirror, next.commit);
        // Whatever was changed since then, by whomever: git knows by the times of the files.
        await git.call(['reset', '--quiet', '--hard'], { signal });
        await git.call(['clean', '-ffdxq'], { signal });
        return next.commit;
      } catch {
        signal?.throwIfAborted();
        await Promise.all([next.path, to].map(removeTree));
      }
    }
  }

  /**
   * Takes the folder of a run that has ended; it is made clean in the background.
   * @param commit in the mirror
   * @returns false when there are enough already: the folder is still where it was
   */
  async give(from: string, { path: mirror }: Mirror, commit: string): Promise<boolean> {
    if (this.closed || (this.kept.get(mirror) ?? []).length >= this.perMirror) return false;
    const name = [path.basename(mirror, '.git'), commit, randomUUID()].join(SEPARATOR);
    const at = path.join(this.folder, name);
    const moved = mkdir(this.folder, { recursive: true }).then(() => rename(from, at));
    // At once, so that nobody else takes the place.
    this.keep(at, mirror, commit, moved);
    return moved.then(
      () => true,
      () => false,
    );
  }

  /**
   * After a start: what an earlier process kept is made clean once more, in the background.
   * @param mirrors the paths of all mirrors
   */
  async adopt(mirrors: readonly string[]): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const [of, commit] = name.split(SEPARATOR);
      const mirror = mirrors.find((one) => path.basename(one, '.git') === of);
      const full = (this.kept.get(mirror ?? '') ?? []).length >= this.perMirror;
      const at = path.join(this.folder, name);
      if (mirror === undefined || commit === undefined || full) await removeTree(at);
      else this.keep(at, mirror, commit);
    }
  }

  /** What can go for want of space. */
  evictable(): Evictable[] {
    return [...this.kept].flatMap(([mirror, worktrees]) =>
      worktrees.map((worktree) => ({
        path: worktree.path,
        usedAt: worktree.since,
        remove: async () => this.discard(mirror, worktree),
      })),
    );
  }

  /** Before a mirror goes that they borrow from. */
  async removeOf(mirror: string): Promise<void> {
    await Promise.all((this.kept.get(mirror) ?? []).map(async (one) => this.discard(mirror, one)));
  }

  private async discard(mirror: string, worktree: WarmWorktree): Promise<void> {
    // Somebody may have taken it meanwhile.
    if (!(this.kept.get(mirror) ?? []).includes(worktree)) return;
    this.forget(mirror, worktree);
    await worktree.ready;
    await removeTree(worktree.path);
  }

  /** Takes no more: the factory goes away. */
  close(): void {
    this.closed = true;
  }

  /** Resolves when none is being cleaned. */
  async settled(): Promise<void> {
    await Promise.all([...this.kept.values()].flat().map(({ ready }) => ready));
  }

  private keep(at: string, mirror: string, commit: string, moved: Promise<void> = Promise.resolve()): void {
    const worktree: WarmWorktree = {
      path: at,
      commit,
      since: Date.now(),
      ready: moved
        .then(() => this.clean(at, mirror, commit))
        .catch(async () => {
          this.forget(mirror, worktree);
          await removeTree(at).catch(() => {});
          return undefined;
        }),
      isReady: false,
    };
    void worktree.ready.then(() => {
      worktree.isReady = true;
    });
    this.kept.set(mirror, [...(this.kept.get(mirror) ?? []), worktree]);
  }

  private forget(mirror: string, worktree: WarmWorktree): void {
    const rest = (this.kept.get(mirror) ?? []).filter((one) => one !== worktree);
    if (rest.length > 0) this.kept.set(mirror, rest);
    else this.kept.delete(mirror);
  }

  private async claim(at: string, mirror: string, commit: string): Promise<Git> {
    const gitDir = path.join(at, '.git');
    await claimGitDir(gitDir, { kind: 'worktree', borrowsFrom: mirror, commit });
    return this.git.in(gitDir, at);
  }

  private async clean(at: string, mirror: string, commit: string): Promise<string> {
    // A run may have put a link there, to a folder that is none of ours.
    if (!(await isFolder(at))) throw new Error(`${at} is no folder`);
    await removeTree(path.join(at, '.git'));
    const git = await this.claim(at, mirror, commit);
    await git.call(['read-tree', commit]);
    const entries = entriesOf(await git.call(['ls-files', '--stage', '-z']));
    // Out of the index, so that the folder's own attributes convert nothing, and that submodules are in the way.
    const aside = entries.filter(
      ({ mode, file }) => mode === '160000' || path.posix.basename(file) === '.gitattributes',
    );
    for (let n = 0; n < aside.length; n += PATHS_TOGETHER) {
      const paths = aside.slice(n, n + PATHS_TOGETHER).map(({ file }) => file);
      await git.call(['update-index', '--force-remove', '--', ...paths]);
    }
    await git.call(['clean', '-ffdxq']);
    await git.call([...RAW, 'update-index', '-q', '--refresh'], { allow: [1] });
    await git.call(['reset', '--quiet', '--hard', commit]);
    const files = entries.filter(({ mode }) => mode !== '160000').map(({ file }) => file);
    const odd = await oddFiles(at, files);
    if (odd.length > 0) {
      await Promise.all(odd.map((file) => rm(path.join(at, file))));
      await git.call(['reset', '--quiet', '--hard', commit]);
    }
    return stampOf(at);
  }
}

const entriesOf = (listing: string): { mode: string; file: string }[] =>
  listing
    .split('\0')
    .filter(Boolean)
    .map((line) => ({ mode: line.slice(0, 6), file: line.slice(line.indexOf('\t') + 1) }));

/** Changes with every writing to the index of a worktree. */
async function stampOf(at: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path.join(at, '.git', 'index'), { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}
