/** What a run made of its worktree: committed, described, and pushed as the job's feature branch. */
import path from 'node:path';
import type { Change } from '../../shared/contract/job.js';
import { pause } from '../pause.js';
import { GitError, TRANSFER_TIMEOUT_MS, withoutCredentials, type Git } from './git.js';
import { addAll, newRepositories, submodules, withoutCommit } from './nested.js';
import { reclaim, type Checkout } from './workspace.js';

/** Paths named in a change: the contract takes no more … */
const MAX_FILES = 2000;
/** … and a report takes 256 KB in all (characters of all paths together). */
const MAX_PATH_CHARS = 96 * 1024;
/** A finished run must not be lost because a network blinked. */
const PUSH_ATTEMPTS = 3;
const PUSH_RETRY_MS = 1000;

/**
 * On this machine the repository may have a work tree with the pushed branch checked out. It then follows along when
 * it is clean, as after a `git pull`, and refuses when it is not (see refusal()); git's default is to refuse always.
 */
const FOLLOW_ALONG = '--receive-pack=git -c receive.denyCurrentBranch=updateInstead receive-pack';

/** The branch that a job's runs push; each run starts from the base again. */
export const featureBranch = (jobId: string): string => `aq/${jobId}`;

export type Committed =
  /** With the paths of the whole diff; the contract's list is cut. */
  | { readonly kind: 'committed'; readonly change: Change; readonly files: readonly string[] }
  /** The result is the same as the base. */
  | { readonly kind: 'nothing' }
  /** Folders of it are repositories of their own, and no submodules: their files would be in no commit of this one. */
  | { readonly kind: 'nested'; readonly folders: readonly string[] };

/**
 * Commits everything in the worktree (also what the engine committed itself stays).
 * @throws Error when the worktree is no repository any more; GitError when a file cannot be taken
 */
export async function commitChange(
  checkout: Checkout,
  branch: string,
  message: readonly string[],
): Promise<Committed> {
  const { git, baseCommit } = checkout;
  await reclaim(checkout);
  const problem = await addAll(git);
  const declared = await submodules(git);
  const nested = [...withoutCommit(problem ?? ''), ...(await newRepositories(git, baseCommit))];
  const folders = nested.filter((folder) => !declared.includes(folder));
  if (folders.length > 0) return { kind: 'nested', folders };
  if (problem !== undefined) throw new Error(problem);
  if (await differs(git, ['--cached', 'HEAD'])) {
    await git.call([
      'commit',
      '--quiet',
      '--no-verify',
      ...message.flatMap((paragraph) => ['-m', paragraph]),
    ]);
  }
  if (!(await differs(git, [baseCommit, 'HEAD']))) return { kind: 'nothing' };
  const commit = (await git.call(['rev-parse', 'HEAD'])).trim();
  const stat = await git.call(['diff', '--numstat', '-z', '--no-renames', baseCommit, commit]);
  const rows = stat
    .split('\0')
    .filter(Boolean)
    .map((row) => row.split('\t'));
  const files = rows.map(([, , file]) => file ?? '');
  const change = {
    branch,
    commit,
    baseCommit,
    filesChanged: firstFiles(files),
    insertions: sum(rows.map(([added]) => added)),
    deletions: sum(rows.map(([, removed]) => removed)),
  };
  return { kind: 'committed', change, files };
}

const differs = async (git: Git, what: readonly string[]): Promise<boolean> =>
  (await git.run(['diff', '--quiet', '--no-ext-diff', ...what], { allow: [1] })).exitCode === 1;

function firstFiles(files: readonly string[]): string[] {
  let chars = 0;
  return files.slice(0, MAX_FILES).filter((file) => (chars += file.length) <= MAX_PATH_CHARS);
}

/** Binary files count as `-`. */
const sum = (counts: readonly (string | undefined)[]): number =>
  counts.reduce((total, count) => total + (Number.parseInt(count ?? '', 10) || 0), 0);

export type Pushed =
  | { readonly kind: 'pushed' }
  /** Somebody else moved the branch since `expected`. */
  | { readonly kind: 'moved' }
  /** The other side does not want it: a protected branch, a hook, a checked-out branch. */
  | { readonly kind: 'refused'; readonly message: string };

export interface PushSpec {
  readonly commit: string;
  readonly branch: string;
  /** Overwrite the branch if it is still there; undefined: if it is still missing. Absent: fast-forward only. */
  readonly replaces?: { readonly expected: string | undefined };
}

/**
 * Pushes one commit as one branch.
 * @throws GitError when the repository cannot be reached, also after a few attempts
 */
export async function push(
  checkout: Checkout,
  { commit, branch, replaces }: PushSpec,
  signal?: AbortSignal,
): Promise<Pushed> {
  const ref = `refs/heads/${branch}`;
  const args = [
    'push',
    '--porcelain',
    '--no-verify',
    ...(path.isAbsolute(checkout.repo) ? [FOLLOW_ALONG] : []),
    ...(replaces ? [`--force-with-lease=${ref}:${replaces.expected ?? ''}`] : []),
    '--',
    checkout.repo,
    `${commit}:${ref}`,
  ];
  for (let attempt = 1; ; attempt += 1) {
    try {
      await checkout.git.call(args, { timeoutMs: TRANSFER_TIMEOUT_MS, signal });
      return { kind: 'pushed' };
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      const verdict = verdictOf(error, branch, checkout.repo);
      if (verdict) return verdict;
      if (attempt === PUSH_ATTEMPTS) throw error;
      await pause(PUSH_RETRY_MS * attempt, signal);
    }
  }
}

/** What the porcelain output says of the ref; undefined when the push never came that far. */
function verdictOf(error: GitError, branch: string, repo: string): Pushed | undefined {
  const summary = error.stdout
    .split('\n')
    .find((line) => line.startsWith('!\t'))
    ?.split('\t')[2];
  if (summary === undefined) return undefined;
  if (summary.startsWith('[rejected]')) return { kind: 'moved' };
  // Two pushes at the same moment: the second finds the ref locked or changed.
  if (/failed to (update ref|lock)|cannot lock ref|reference already exists/.test(summary))
    return { kind: 'moved' };
  return { kind: 'refused', message: refusal(summary, branch, withoutCredentials(repo)) };
}

function refusal(summary: string, branch: string, repo: string): string {
  if (/unstaged changes|uncommitted changes|untracked|Working directory/i.test(summary)) {
    return `${repo} has "${branch}" checked out with changes that are not committed: commit or stash them there, then try again`;
  }
  return `${repo} refused the push to "${branch}": ${summary.replace(/^\[remote rejected\]\s*/, '')}`;
}
