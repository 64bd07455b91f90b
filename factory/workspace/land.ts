/** Merging a reviewed change into its base branch. */
import type { Change } from '../../shared/contract/job.js';
import { pause } from '../pause.js';
import { GitError, type Git } from './git.js';
import { push } from './change.js';
import type { Checkout } from './workspace.js';

/** How often the base may move between our fetch and our push: with a dozen others that land at the same time, seldom. */
const MAX_ATTEMPTS = 12;
/** Longest pause before the second attempt (ms), longer with each: those who land at the same time spread out. */
const PAUSE_MS = 100;

export type Landed =
  | { readonly kind: 'landed'; readonly mergeCommit: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string };

/**
 * Merges exactly the commit that was reviewed, never what the branch may hold by now, and pushes the base. Merging
 * again what was merged already is answered with the first merge: its acknowledgement was lost.
 * @param mayPush throws when the lease is gone
 * @throws GitError when the repository cannot be reached; PreflightError when the base is gone
 */
export async function landChange(
  checkout: Checkout,
  baseBranch: string,
  change: Change,
  message: readonly string[],
  mayPush: () => Promise<void>,
  signal?: AbortSignal,
): Promise<Landed> {
  const { git, mirror } = checkout;
  if (checkout.featureCommit !== undefined) {
    await mirror.ensure(change.branch, checkout.featureCommit, signal);
  }
  if (!(await mirror.has(change.commit))) {
    return { kind: 'refused', message: gone(change, checkout.featureCommit) };
  }
  let base = checkout.baseCommit;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    if (attempt > 1) {
      if (attempt > 2) await pause(Math.random() * PAUSE_MS * attempt, signal);
      base = await follow(checkout, baseBranch, signal);
    }
    const before = await mergeOf(git, change.commit, base);
    if (before !== undefined) return { kind: 'landed', mergeCommit: before };
    if (checkout.featureCommit !== change.commit) {
      return { kind: 'refused', message: gone(change, checkout.featureCommit) };
    }
    const conflicts = await merge(git, change.commit, message, signal);
    if (conflicts.length > 0) return { kind: 'conflict', files: conflicts };
    const mergeCommit = (await git.call(['rev-parse', 'HEAD'])).trim();
    await mayPush();
    const pushed = await push(checkout, { commit: mergeCommit, branch: baseBranch }, signal);
    if (pushed.kind === 'pushed') return { kind: 'landed', mergeCommit };
    if (pushed.kind === 'refused') return pushed;
  }
  return {
    kind: 'refused',
    message: `"${baseBranch}" moved ${MAX_ATTEMPTS} times while the change was being merged: ship it again when it is calmer`,
  };
}

const gone = (change: Change, now: string | undefined): string =>
  now === undefined
    ? `branch "${change.branch}" is gone: requeue the job to make the change again`
    : `branch "${change.branch}" is at ${now.slice(0, 12)} and not at ${change.commit.slice(0, 12)}, which was reviewed: requeue the job, or set the branch back`;

/** Where the base is now, checked out. */
async function follow(checkout: Checkout, baseBranch: string, signal?: AbortSignal): Promise<string> {
  const { git, mirror } = checkout;
  const base = (await mirror.heads([baseBranch], signal)).get(baseBranch);
  if (base === undefined) throw await mirror.missingBranch(baseBranch, signal);
  await mirror.ensure(baseBranch, base, signal);
  await git.call(['checkout', '--quiet', '--detach', '--force', base], { signal });
  return base;
}

/** The commit that brought the change into the base; undefined when it is not in it. */
async function mergeOf(git: Git, commit: string, base: string): Promise<string | undefined> {
  const isIn = ['merge-base', '--is-ancestor', commit, base];
  if ((await git.run(isIn, { allow: [1] })).exitCode !== 0) return undefined;
  const between = async (...how: string[]): Promise<string[]> =>
    (await git.call(['rev-list', ...how, `${commit}..${base}`])).trim().split('\n');
  const after = new Set(await between('--ancestry-path'));
  // On the base's own line, the oldest one that has the change below it.
  return (await between('--first-parent')).findLast((candidate) => after.has(candidate)) || commit;
}

/** Files in conflict; none when the merge was made. */
async function merge(
  git: Git,
  commit: string,
  message: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  try {
    const paragraphs = message.flatMap((paragraph) => ['-m', paragraph]);
    await git.call(['merge', '--quiet', '--no-ff', '--no-verify', ...paragraphs, commit], { signal });
    return [];
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const files = (await git.call(['diff', '--name-only', '--diff-filter=U', '-z']))
      .split('\0')
      .filter(Boolean);
    if (files.length === 0) throw error;
    return files;
  }
}
