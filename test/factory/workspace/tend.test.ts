import { execFileSync } from 'node:child_process';
import { readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cleanEnvironment } from '../../../factory/processes/environment.js';
import { Workspace } from '../../../factory/workspace/workspace.js';
import { createRepository, git, TemporaryFolder } from '../support/repository.js';

const env = cleanEnvironment({ ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' });
const DAY_MS = 24 * 3600 * 1000;

/** Pushes a commit of so many days ago to a ref. */
function push(repo: string, ref: string, daysAgo: number): void {
  const date = new Date(Date.now() - daysAgo * DAY_MS).toISOString();
  const options = { cwd: repo, encoding: 'utf8' as const, env: { ...env, GIT_COMMITTER_DATE: date } };
  const commit = execFileSync('git', ['commit-tree', 'main^{tree}', '-p', 'main', '-m', ref], options);
  git(repo, 'update-ref', ref, commit.trim());
}

/** A day passes for a factory. */
function dayPasses(root: string): void {
  const yesterday = new Date(Date.now() - DAY_MS);
  const stamps = path.join(root, 'tended');
  for (const name of readdirSync(stamps)) utimesSync(path.join(stamps, name), yesterday, yesterday);
}

test.each([
  [undefined, ['refs/aq/checkpoint/job-a/2', 'refs/heads/aq/new', 'refs/heads/aq/old']],
  [60, ['refs/aq/checkpoint/job-a/2', 'refs/heads/aq/new']],
])(
  'once a day deletes old checkpoints, and branches when they are abandoned after %s days',
  async (days, stay) => {
    using folder = new TemporaryFolder();
    const { path: repo } = createRepository(folder.path);
    push(repo, 'refs/aq/checkpoint/job-a/1', 40);
    push(repo, 'refs/aq/checkpoint/job-a/2', 20);
    push(repo, 'refs/heads/aq/old', 70);
    push(repo, 'refs/heads/aq/new', 10);
    push(repo, 'refs/heads/theirs', 700);
    const root = path.join(folder.path, 'factory');
    const workspace = new Workspace(root, env, { abandonedBranchDays: days });
    const refs = (): string[] => git(repo, 'for-each-ref', '--format=%(refname)').split('\n');
    const visit = async (run: string): Promise<string> => {
      const { mirror } = await workspace.checkout({ run, repo, baseBranch: 'main', featureBranch: 'aq/x' });
      await workspace.remove(run);
      await workspace.settled();
      return mirror.path;
    };
    await visit('job-1.1');
    await visit('job-2.1');
    expect(refs()).toHaveLength(6);
    dayPasses(root);
    const mirror = await visit('job-3.1');
    expect(refs()).toEqual([...stay, 'refs/heads/main', 'refs/heads/theirs']);
    // Packed, and whole.
    expect(readdirSync(path.join(mirror, 'objects'))).not.toContain('tmp');
    expect(git(mirror, 'count-objects')).toMatch(/^0 objects/);
    expect(git(mirror, 'fsck')).toBe('');
  },
);
