import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cleanEnvironment } from '../../../factory/processes/environment.js';
import { reclaim, Workspace, type Checkout } from '../../../factory/workspace/workspace.js';
import { createRepository, git, TemporaryFolder, type Repository } from '../support/repository.js';

const env = cleanEnvironment({ ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' });
const FILES = {
  'a.txt': 'one\n',
  'src/b.txt': 'two\n',
  'src/c.sh': 'echo three\n',
  '.gitattributes': '*.lf text eol=lf\n',
  'd.lf': 'four\n',
  '.gitignore': 'ignored/\n',
};

class Fixture implements AsyncDisposable {
  private readonly temporary = new TemporaryFolder();
  readonly folder = this.temporary.path;
  readonly root = path.join(this.folder, 'factory');
  readonly repository: Repository = createRepository(this.folder, FILES);
  readonly workspace = new Workspace(this.root, env);

  checkout(run: string, workspace = this.workspace): Promise<Checkout> {
    const { path: repo } = this.repository;
    return workspace.checkout({ run, repo, baseBranch: 'main', featureBranch: 'aq/job' });
  }

  /** The worktrees that are kept. */
  kept(): string[] {
    const folder = path.join(this.root, 'warm');
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace.settled();
    this.temporary[Symbol.dispose]();
  }
}

/** The same when nobody has written the file in the meantime. */
const writing = (checkout: Checkout, file: string): string => {
  const { ino, mtimeNs } = lstatSync(path.join(checkout.path, file), { bigint: true });
  return `${ino} at ${mtimeNs}`;
};

test('gives the files of an ended run to the next one, which writes only what differs', async () => {
  await using fixture = new Fixture();
  const first = await fixture.checkout('job-1.1');
  const [a, b] = ['a.txt', 'src/b.txt'].map((file) => writing(first, file));
  await fixture.workspace.remove('job-1.1');
  expect(existsSync(first.path)).toBe(false);
  const head = fixture.repository.commit({ 'src/b.txt': 'changed\n', 'new.txt': 'new\n' });
  const next = await fixture.checkout('job-2.1');
  expect(writing(next, 'a.txt')).toBe(a);
  expect(writing(next, 'src/b.txt')).not.toBe(b);
  expect(await next.git.call(['rev-parse', 'HEAD'])).toBe(`${head}\n`);
  expect(readFileSync(path.join(next.path, 'new.txt'), 'utf8')).toBe('new\n');
  expect(fixture.kept()).toEqual([]);
});

/** The permissions of a file as git writes it. */
const PLAIN = 0o666 & ~process.umask();

/** What a run may do to its worktree, by accident or on purpose. */
const MESSES: readonly (readonly [string, string])[] = [
  ['changed and removed files', 'echo x > a.txt; rm src/b.txt'],
  ['left new files, ignored ones too', 'mkdir ignored other; echo x > ignored/x; echo x > other/x'],
  [
    'changed a file and kept its size and its times',
    'touch -r a.txt t; echo 0ne > a.txt; touch -r t a.txt; rm t',
  ],
  ['told the index that nothing changed', 'git update-index --assume-unchanged a.txt; echo x > a.txt'],
  ['told the index to look away', 'git update-index --skip-worktree a.txt; echo x > a.txt'],
  ['made commits', 'echo x > a.txt; git -c user.name=x -c user.email=x@x commit -qam x'],
  ['left a lock', 'touch .git/index.lock'],
  [
    'put a filter in between',
    'git config filter.f.smudge "sed s/one/evil/"; mkdir .git/info; echo "*.txt filter=f" > .git/info/attributes',
  ],
  ['changed what counts as the same', 'printf "* text=auto\\n" > .gitattributes; printf "one\\r\\n" > a.txt'],
  ['gave a file a second name', 'ln a.txt ../../outside'],
  ['took a permission away', 'chmod 400 a.txt; chmod +x src/b.txt'],
  ['gave permissions', 'chmod 666 a.txt; chmod 4755 src/c.sh; chmod 2777 src'],
  ['put a link in place of a folder', 'mv src ../../moved; ln -s ../../moved src'],
  ['put a link in place of a file', 'rm a.txt; ln -s /etc/passwd a.txt'],
  ['left a repository inside', 'git init -q inner; echo x > inner/x'],
  ['put another repository in its place', 'rm -rf .git; git init -q .'],
];
test.each(MESSES)('gives the next run a fresh worktree although this one %s', async (_, mess) => {
  await using fixture = new Fixture();
  const first = await fixture.checkout('job-1.1');
  execFileSync('sh', ['-c', mess], { cwd: first.path, stdio: 'pipe' });
  await fixture.workspace.remove('job-1.1');
  const next = await fixture.checkout('job-2.1');
  const files = readdirSync(next.path, { recursive: true, encoding: 'utf8' });
  expect(
    files.filter((file) => !file.startsWith('.git/') && file !== '.git' && file !== 'src').sort(),
  ).toEqual(Object.keys(FILES).sort());
  for (const [file, text] of Object.entries(FILES)) {
    const at = path.join(next.path, file);
    expect([file, readFileSync(at, 'utf8')]).toEqual([file, text]);
    const { mode, nlink } = lstatSync(at);
    expect([file, (mode & 0o7777).toString(8), nlink]).toEqual([file, PLAIN.toString(8), 1]);
  }
  const src = lstatSync(path.join(next.path, 'src'));
  expect([src.isDirectory(), src.mode & 0o7777]).toEqual([true, 0o777 & ~process.umask()]);
  expect(git(next.path, 'config', '--local', '--name-only', '--list').split('\n').sort()).toEqual([
    'core.autocrlf',
    'core.bare',
    'core.filemode',
    'core.repositoryformatversion',
  ]);
});

test.each(['', '.clean'])(
  'leaves alone what a link leads to that stands in place of the worktree%s',
  async (suffix) => {
    await using fixture = new Fixture();
    const victim = path.join(fixture.folder, 'victim');
    execFileSync('sh', ['-c', `git init -q victim; echo x > victim/own; git -C victim config a.b c`], {
      cwd: fixture.folder,
    });
    const first = await fixture.checkout('job-1.1');
    await fixture.workspace.cleanCheckout(first, 'job-1.1', first.baseCommit, new AbortController().signal);
    const at = `${first.path}${suffix}`;
    execFileSync('sh', ['-c', `mv ${at} ${at}.moved; ln -s ${victim} ${at}`]);
    await expect(reclaim({ ...first, path: at })).rejects.toThrow('not a git repository of the run’s own');
    await fixture.workspace.remove('job-1.1');
    await fixture.workspace.settled();
    expect(readFileSync(path.join(victim, 'own'), 'utf8')).toBe('x\n');
    expect(git(victim, 'config', 'a.b').trim()).toBe('c');
    const next = await fixture.checkout('job-2.1');
    expect(lstatSync(next.path).isSymbolicLink()).toBe(false);
    expect(readFileSync(path.join(next.path, 'a.txt'), 'utf8')).toBe('one\n');
  },
);

test('believes nothing of a worktree that was touched while nobody had it', async () => {
  await using fixture = new Fixture();
  await fixture.checkout('job-1.1');
  await fixture.workspace.remove('job-1.1');
  await fixture.workspace.settled();
  const [kept = ''] = fixture.kept();
  const at = path.join(fixture.root, 'warm', kept);
  writeFileSync(path.join(at, 'a.txt'), 'evil\n');
  writeFileSync(path.join(at, 'evil.txt'), 'evil\n');
  git(at, 'update-index', '--assume-unchanged', 'a.txt');
  const next = await fixture.checkout('job-2.1');
  expect(readFileSync(path.join(next.path, 'a.txt'), 'utf8')).toBe('one\n');
  expect(existsSync(path.join(next.path, 'evil.txt'))).toBe(false);
});

test('never gives one worktree to two runs, and keeps no more than can be used', async () => {
  await using fixture = new Fixture();
  const runs = ['1', '2', '3', '4', '5'].map((n) => `job-${n}.1`);
  for (let round = 0; round < 2; round += 1) {
    const checkouts = await Promise.all(runs.map((run) => fixture.checkout(run)));
    expect(new Set(checkouts.map((checkout) => writing(checkout, 'a.txt'))).size).toBe(5);
    await Promise.all(runs.map((run) => fixture.workspace.remove(run)));
  }
  await fixture.workspace.settled();
  expect(fixture.kept()).toHaveLength(2);
});

test('keeps them over a restart, and takes up one that was being cleaned', async () => {
  await using fixture = new Fixture();
  const first = await fixture.checkout('job-1.1');
  const a = writing(first, 'a.txt');
  await fixture.workspace.remove('job-1.1');
  await fixture.workspace.settled();
  const [kept = ''] = fixture.kept();
  writeFileSync(path.join(fixture.root, 'warm', kept, '.git', 'index.lock'), '');
  writeFileSync(path.join(fixture.root, 'warm', kept, 'src/b.txt'), 'half');
  const again = new Workspace(fixture.root, env);
  await again.removeLeftovers();
  const next = await fixture.checkout('job-2.1', again);
  expect(writing(next, 'a.txt')).toBe(a);
  expect(readFileSync(path.join(next.path, 'src/b.txt'), 'utf8')).toBe('two\n');
});

test('verifies in one that has nothing but the commit', async () => {
  await using fixture = new Fixture();
  await fixture.checkout('job-1.1');
  await fixture.workspace.remove('job-1.1');
  await fixture.workspace.settled();
  const checkout = await fixture.checkout('job-2.1');
  await fixture.workspace.remove('job-2.1');
  expect(checkout.baseCommit).toHaveLength(40);
  const again = await fixture.checkout('job-3.1');
  writeFileSync(path.join(again.path, 'made.txt'), 'made\n');
  execFileSync('sh', ['-c', 'mkdir ignored; echo x > ignored/x'], { cwd: again.path });
  git(again.path, 'add', 'made.txt');
  git(again.path, 'commit', '--quiet', '-m', 'made');
  const commit = git(again.path, 'rev-parse', 'HEAD');
  const clean = await fixture.workspace.cleanCheckout(again, 'job-3.1', commit, new AbortController().signal);
  expect(readFileSync(path.join(clean.path, 'made.txt'), 'utf8')).toBe('made\n');
  expect(existsSync(path.join(clean.path, 'ignored'))).toBe(false);
  await fixture.workspace.remove('job-3.1');
});
