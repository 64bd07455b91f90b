/**
 * Repositories inside of a worktree (`git init`, `git clone`): of each git would keep the name of a commit that nobody
 * else has, and none of its files.
 */
import { GitError, type Git, type GitCall } from './git.js';

/** The mode of an entry that names a commit of another repository. */
const GITLINK = '160000';
/** What git says of a repository that has no commit to name. */
const WITHOUT_COMMIT = /'(.+?)\/?' does not have a commit checked out/g;

/**
 * Takes everything in the worktree into the index, what git refuses left out.
 * @returns what git says of files that it could not take; undefined when it took all
 * @throws GitError when it took nothing
 */
export async function addAll(git: Git, options: GitCall = {}): Promise<string | undefined> {
  try {
    await git.call(['add', '--all', '--ignore-errors', '--no-warn-embedded-repo'], options);
    return undefined;
  } catch (error) {
    if (!(error instanceof GitError) || error.exitCode !== 1) throw error;
    return error.message;
  }
}

/** Folders that git left out because they are repositories without a commit. @param problem of `addAll` */
export const withoutCommit = (problem: string): string[] =>
  [...problem.matchAll(WITHOUT_COMMIT)].map(([, folder = '']) => folder);

/** Folders in the index that are repositories of their own, where a commit has none. */
export async function newRepositories(git: Git, baseCommit: string): Promise<string[]> {
  const rows = await git.call(['diff-index', '--cached', '--no-renames', '-z', baseCommit]);
  // `:<old mode> <new mode> <old id> <new id> <status>`, then the path.
  const fields = rows.split('\0');
  return fields.flatMap((row, at) =>
    at % 2 === 0 && row.slice(8, 14) === GITLINK && row.slice(1, 7) !== GITLINK ? [fields[at + 1] ?? ''] : [],
  );
}

/** Folders that the `.gitmodules` of the index names: what is there on purpose. */
export async function submodules(git: Git): Promise<string[]> {
  const args = ['config', '--null', '--blob', ':.gitmodules', '--get-regexp', '^submodule\\..*\\.path$'];
  const { stdout } = await git.run(args, { allow: [1, 128] });
  return stdout
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.slice(entry.indexOf('\n') + 1));
}
