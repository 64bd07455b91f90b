/** The unfinished work of a run as one commit, kept in the job's repository outside of its branches. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Checkpoint } from '../../shared/contract/job.js';
import { describeFindings, secretsInCommits, type SecretFinding } from '../gates/secrets.js';
import { TRANSFER_TIMEOUT_MS, type Git } from './git.js';
import { claimGitDir } from './gitDir.js';
import { addAll, newRepositories } from './nested.js';
import type { Checkout } from './workspace.js';

export type Saved =
  | {
      readonly kind: 'saved';
      readonly checkpoint: Checkpoint;
      readonly notKept: readonly string[];
      readonly problem: string | undefined;
    }
  /** Nothing has changed since the base, or since what the run began with. */
  | { readonly kind: 'nothing new' }
  | { readonly kind: 'refused'; readonly why: string; readonly secrets: readonly SecretFinding[] };

export interface CheckpointSpec {
  readonly ref: string;
  /** The commit that needs no second copy: what the run began with, or saved last. */
  readonly known: string | undefined;
  /** Throws when the lease is gone. */
  readonly mayPush: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Commits every file that is not ignored and pushes that commit to `ref`, without folders that are repositories of
 * their own (`notKept`): of those git would keep a commit that only they have. The engine may be at work: neither its index
 * nor its branch is touched, and its git settings have no say.
 * @throws GitError; what `mayPush` throws; the signal's reason
 */
export async function saveCheckpoint(checkout: Checkout, spec: CheckpointSpec): Promise<Saved> {
  const { baseCommit, mirror, path: worktree, repo, scratch } = checkout;
  const { known, mayPush, ref, signal } = spec;
  const gitDir = path.join(scratch, 'checkpoint.git');
  // An index that an engine wrote would say what has changed.
  await rm(path.join(gitDir, 'index'), { force: true });
  await claimGitDir(gitDir, { kind: 'worktree', borrowsFrom: mirror.path, commit: baseCommit });
  const git = checkout.git.in(gitDir, worktree);
  await git.call(['read-tree', baseCommit], { signal });
  const problem = await addAll(git, { signal });
  const notKept = await newRepositories(git, baseCommit);
  if (notKept.length > 0)
    await git.call(['rm', '--cached', '--quiet', '-f', '--', ...notKept.map((at) => `:(literal)${at}`)], {
      signal,
    });
  const tree = (await git.call(['write-tree'], { signal })).trim();
  if (tree === (await treeOf(git, known ?? baseCommit))) return { kind: 'nothing new' };
  const message = `Unfinished work, not for review`;
  const commit = (await git.call(['commit-tree', tree, '-p', baseCommit, '-m', message], { signal })).trim();
  const secrets = await secretsInCommits(git, baseCommit, commit);
  if (secrets.length > 0) return { kind: 'refused', why: `it holds ${describeFindings(secrets)}`, secrets };
  await mayPush();
  await git.call(['push', '--quiet', '--no-verify', '--', repo, `+${commit}:${ref}`], {
    timeoutMs: TRANSFER_TIMEOUT_MS,
    signal,
  });
  return { kind: 'saved', checkpoint: { ref, commit, baseCommit }, notKept, problem };
}

const treeOf = async (git: Git, commit: string): Promise<string> =>
  (await git.call(['rev-parse', `${commit}^{tree}`])).trim();
