/** What a repository asks of factories: `.gigafactory.yaml`, read from the base commit. */
import { RepoSettingsSchema, REPO_SETTINGS_FILE } from '../shared/contract/repoSettings.js';
import type { RepoSettings } from '../shared/contract/repoSettings.js';
import { parseRepoSettings } from '../shared/manifest/repoSettings.js';
import type { Git } from './workspace/git.js';
import { PreflightError } from './workspace/preflight.js';

/** Problems that the message names. */
const PROBLEMS_SHOWN = 5;

/**
 * The settings at a commit; those of a repository without the file ask for nothing. Never read from the worktree: a
 * change would set its own limits.
 * @throws PreflightError when the file is not valid
 */
export async function readRepoSettings(git: Git, commit: string): Promise<RepoSettings> {
  const listed = await git.call([
    'ls-tree',
    '--format=%(objecttype) %(objectname)',
    commit,
    '--',
    REPO_SETTINGS_FILE,
  ]);
  const [type, blob] = listed.trim().split(' ');
  if (type !== 'blob' || blob === undefined) return RepoSettingsSchema.parse({});
  const read = parseRepoSettings(await git.call(['cat-file', 'blob', blob]));
  if (read.kind === 'ok') return read.settings;
  const problems = read.problems
    .slice(0, PROBLEMS_SHOWN)
    .map(({ message, expected, line }) =>
      [`line ${line ?? 1}: ${message}`, ...(expected === undefined ? [] : [`expected ${expected}`])].join(
        '; ',
      ),
    );
  throw new PreflightError(
    `${REPO_SETTINGS_FILE} of the base branch is not valid (aq repo check tells all): ${problems.join(' · ')}`,
  );
}
