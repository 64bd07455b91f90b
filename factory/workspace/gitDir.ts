/**
 * Repositories on the factory's disk whose settings are always the factory's. Whatever a job runs may write to them:
 * a `url.<other>.insteadOf` would send the next push elsewhere, a filter or a hook would run in the factory's name, a
 * lock would stop the next fetch. So before the factory uses one, what only holds content stays and the rest is
 * written anew: a few small files, well below the cost of starting one git.
 */
import { lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Commits, names of commits, the index; `modules` and `worktrees` hold other repositories. HEAD and the configuration
 * are replaced in one step: a git that only reads may be at work. */
const CONTENT = /^(HEAD|config|objects|refs|packed-refs|index|sharedindex\.[0-9a-f]+|modules|worktrees)$/;
/** Left by a git that was killed while it changed a ref. */
const LOCK = /\.lock$/;

/** A repository that is only fetched into, or one that a work tree belongs to and that borrows objects. */
export type GitDirKind =
  | { readonly kind: 'bare' }
  | { readonly kind: 'worktree'; readonly borrowsFrom: string; readonly commit?: string };

/** Nobody has a file of this name: where it is found, `config` was, whatever its letters. */
const CASE_PROBE = 'CoNfIg';

/**
 * The settings of a repository, as `git init` finds them for a system and a disk. Beyond those: files lie in a worktree
 * as they lie in the commit, whatever the user's own conversion of line ends, and paths may be longer than 260
 * characters.
 * @param ignoresCase the disk takes `A` and `a` for the same name, as those of macOS and Windows usually do
 */
export function settingsOf(
  bare: boolean,
  ignoresCase: boolean,
  platform: NodeJS.Platform = process.platform,
): string {
  const isWindows = platform === 'win32';
  const settings = {
    repositoryformatversion: 0,
    filemode: !isWindows,
    bare,
    autocrlf: false,
    ...(ignoresCase && { ignorecase: true }),
    // Names come decomposed from that disk, and are composed in every other repository.
    ...(platform === 'darwin' && { precomposeunicode: true }),
    // Making a link takes a right there that few users have.
    ...(isWindows && { symlinks: false, longpaths: true }),
  };
  const lines = Object.entries(settings).map(([name, value]) => `\t${name} = ${String(value)}\n`);
  return `[core]\n${lines.join('')}`;
}

/**
 * Makes a repository (gitrepository-layout) or takes an existing one back; what it contains stays.
 * Only while no git writes to it.
 * @param at absolute
 */
export async function claimGitDir(at: string, spec: GitDirKind): Promise<void> {
  const objects = path.join(at, 'objects');
  await Promise.all([mkdir(objects, { recursive: true }), mkdir(path.join(at, 'refs'), { recursive: true })]);
  const [names, refs] = await Promise.all([
    readdir(at),
    readdir(path.join(at, 'refs'), { recursive: true }),
    rm(path.join(objects, 'info'), { recursive: true, force: true }),
  ]);
  const strange = [
    ...names.filter((name) => !CONTENT.test(name)),
    ...refs.filter((name) => LOCK.test(name)).map((name) => path.join('refs', name)),
  ];
  await Promise.all(strange.map((name) => rm(path.join(at, name), { recursive: true, force: true })));
  const head = spec.kind === 'bare' ? 'ref: refs/heads/none' : spec.commit;
  const ignoresCase = await isFolder(path.join(at, CASE_PROBE));
  await Promise.all([
    replace(path.join(at, 'config'), settingsOf(spec.kind === 'bare', ignoresCase)),
    ...(head === undefined ? [] : [replace(path.join(at, 'HEAD'), `${head}\n`)]),
    ...(spec.kind === 'bare' ? [] : [borrow(objects, spec.borrowsFrom)]),
  ]);
}

/** Not written through a link, and never seen half. */
async function replace(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  await writeFile(fresh, text);
  await rename(fresh, file);
}

/** Objects are looked for over there too; nothing is copied. */
async function borrow(objects: string, from: string): Promise<void> {
  await mkdir(path.join(objects, 'info'));
  await writeFile(
    path.join(objects, 'info', 'alternates'),
    `${path.join(from, 'objects').replaceAll(path.sep, '/')}\n`,
  );
}

/** Is it a folder of its own? A file or a link would lead to a place of somebody else's choice. */
export const isFolder = (at: string): Promise<boolean> =>
  lstat(at).then(
    (found) => found.isDirectory(),
    () => false,
  );
