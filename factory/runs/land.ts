/** A land run: a person said ship; the change is merged into its base. */
import type { RunReport } from '../../shared/contract/api.js';
import { assertExhaustive } from '../../shared/errors.js';
import { refuseInstallation } from '../workspace/installation.js';
import { landChange } from '../workspace/land.js';
import { PreflightError } from '../workspace/preflight.js';
import { commitMessage, repoOf, type RunContext } from './context.js';

/** Files in conflict that the message names. */
const FILES_SHOWN = 20;

/**
 * Works until the last report of the run is known.
 * @throws PreflightError when it cannot begin; GitError; the signal's reason when it is stopped
 */
export async function landRun(context: RunContext): Promise<RunReport> {
  const { claim, log, signal } = context;
  const { change, manifest, title } = claim.job;
  const repo = repoOf(claim);
  if (repo === undefined) throw new PreflightError('the job names no repository to merge into (`repo`)');
  await refuseInstallation(repo);
  if (!change) throw new PreflightError('the job has no change to merge');
  const baseBranch = manifest['base-branch'];
  const checkout = await context.workspace.checkout(
    { run: context.run, repo, baseBranch, featureBranch: change.branch },
    signal,
  );
  await context.report.send({ kind: 'started' }, signal);
  log.note(`merging ${change.branch} (${change.commit.slice(0, 12)}) into ${baseBranch}`);
  const message = commitMessage(`Merge ${change.branch}: ${title}`, claim);
  const landed = await landChange(checkout, baseBranch, change, message, context.mayPush, signal);
  switch (landed.kind) {
    case 'landed':
      log.note(`${baseBranch} has it with ${landed.mergeCommit.slice(0, 12)}`);
      return { kind: 'landed', mergeCommit: landed.mergeCommit, baseBranch };
    case 'conflict':
      return failed(
        'merge_conflict',
        `"${baseBranch}" has changed in the same places: ${list(landed.files)}. Requeue the job to make the change again on the new base, or merge by hand.`,
      );
    case 'refused':
      return failed('refused', landed.message);
    default:
      return assertExhaustive(landed);
  }
}

const list = (files: readonly string[]): string =>
  files.length <= FILES_SHOWN
    ? files.join(', ')
    : `${files.slice(0, FILES_SHOWN).join(', ')} and ${files.length - FILES_SHOWN} more`;

const failed = (reason: 'merge_conflict' | 'refused', message: string): RunReport => ({
  kind: 'failed',
  reason,
  message,
  exitCode: null,
});
