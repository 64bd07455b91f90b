import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cleanEnvironment } from '../../../factory/processes/environment.js';
import { bytesBelow, NoSpaceError } from '../../../factory/workspace/diskSpace.js';
import { PreflightError } from '../../../factory/workspace/preflight.js';
import { Workspace } from '../../../factory/workspace/workspace.js';
import { createRepository, git, TemporaryFolder } from '../support/repository.js';

const env = cleanEnvironment({ ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' });
const spec = (repo: string, run = 'job-1.1') => ({
  run,
  repo,
  baseBranch: 'main',
  featureBranch: 'aq/job-1',
});

test('gives every run a worktree of its own, many coming and going at once', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const workspace = new Workspace(path.join(folder.path, 'factory'), env);
  const paths = new Set<string>();
  const live = async (run: string): Promise<string> => {
    const checkout = await workspace.checkout(spec(repository.path, run));
    expect(readFileSync(path.join(checkout.path, 'a.txt'), 'utf8')).toBe('one\n');
    expect(await checkout.git.call(['status', '--porcelain'])).toBe('');
    paths.add(checkout.path);
    await workspace.remove(run);
    return checkout.mirror.path;
  };
  const [mirror = ''] = await Promise.all(Array.from({ length: 12 }, (_, at) => live(`job-${at}.1`)));
  await workspace.settled();
  expect(paths.size).toBe(12);
  expect(git(mirror, 'fsck')).toBe('');
  expect(workspace.warm).toEqual([repository.path]);
});

test('gives files as they lie in the commit, whatever the user converts', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path, { 'unix.txt': 'one\ntwo\n', 'dos.txt': 'one\r\ntwo\r\n' });
  const config = path.join(folder.path, 'gitconfig');
  writeFileSync(config, '[core]\n\tautocrlf = true\n');
  const workspace = new Workspace(path.join(folder.path, 'factory'), { ...env, GIT_CONFIG_GLOBAL: config });
  const { git: own, path: at } = await workspace.checkout(spec(repository.path));
  expect(readFileSync(path.join(at, 'unix.txt'), 'utf8')).toBe('one\ntwo\n');
  expect(readFileSync(path.join(at, 'dos.txt'), 'utf8')).toBe('one\r\ntwo\r\n');
  writeFileSync(path.join(at, 'dos.txt'), 'one\r\nthree\r\n');
  await own.call(['add', '--all']);
  expect(await own.call(['cat-file', 'blob', ':dos.txt'])).toBe('one\r\nthree\r\n');
});

test('starts each run at the head that the base has then', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const workspace = new Workspace(path.join(folder.path, 'factory'), env);
  await workspace.checkout(spec(repository.path));
  const head = repository.commit({ 'b.txt': 'b' });
  expect((await workspace.checkout(spec(repository.path, 'job-1.2'))).baseCommit).toBe(head);
});

test('follows a branch whose name becomes a folder of branches', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  repository.commit({ 'x.txt': 'x' }, 'feature');
  const workspace = new Workspace(path.join(folder.path, 'factory'), env);
  await workspace.checkout({ ...spec(repository.path), baseBranch: 'feature' });
  git(repository.checkout, 'push', '--quiet', 'origin', ':feature');
  git(repository.checkout, 'checkout', '--quiet', 'main');
  git(repository.checkout, 'branch', '-D', 'feature');
  const head = repository.commit({ 'y.txt': 'y' }, 'feature/one');
  const checkout = await workspace.checkout({
    ...spec(repository.path, 'job-1.2'),
    baseBranch: 'feature/one',
  });
  expect(checkout.baseCommit).toBe(head);
});

test('shows no credentials of an address', async () => {
  using folder = new TemporaryFolder();
  const workspace = new Workspace(folder.path, env);
  const failing = workspace.checkout(spec('http://ann:hunter2@127.0.0.1:9/x.git'));
  await expect(failing).rejects.toThrow(PreflightError);
  await expect(failing).rejects.not.toThrow('hunter2');
});

test('keeps what an engine sets, locks or names in its repository out of the next run', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const workspace = new Workspace(path.join(folder.path, 'factory'), env);
  const first = await workspace.checkout(spec(repository.path));
  git(first.path, 'config', 'user.name', 'Mallory');
  git(first.path, 'checkout', '--quiet', '-b', 'made-by-the-engine');
  writeFileSync(path.join(first.path, '.git', 'packed-refs.lock'), '');
  const next = await workspace.checkout(spec(repository.path, 'job-1.2'));
  expect(() => git(next.path, 'config', 'user.name')).toThrow('Command failed');
  expect(git(next.path, 'branch', '--list', 'made*')).toBe('');
});

const DAMAGES: readonly (readonly [string, string])[] = [
  ['lost its objects', 'rm -rf objects'],
  ['lost some of its objects', 'find objects -type f | tail -n 1 | xargs rm -f'],
  ['lost its names and objects', 'rm -rf objects/* refs/*'],
  ['is gone', 'rm -rf "$PWD"'],
  ['is locked', 'touch config.lock index.lock HEAD.lock packed-refs.lock refs/gigafactory/main.lock'],
  [
    'has nonsense for a configuration',
    'echo "[[" > config; mkdir -p info; echo "* filter=x" > info/attributes',
  ],
  ['borrows from nowhere', 'mkdir -p objects/info; echo /nowhere > objects/info/alternates'],
];
test.each(DAMAGES)('serves the next run although the mirror %s', async (_, damage) => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const workspace = new Workspace(path.join(folder.path, 'factory'), env);
  const { mirror } = await workspace.checkout(spec(repository.path));
  execFileSync('sh', ['-c', damage], { cwd: mirror.path });
  const same = await workspace.checkout(spec(repository.path, 'job-1.2'));
  expect(readFileSync(path.join(same.path, 'a.txt'), 'utf8')).toBe('one\n');
  const head = repository.commit({ 'b.txt': 'b' });
  const next = await workspace.checkout(spec(repository.path, 'job-1.3'));
  expect(await next.git.call(['rev-parse', 'HEAD'])).toBe(`${head}\n`);
  expect(await next.git.call(['status', '--porcelain'])).toBe('');
  expect(git(mirror.path, 'fsck')).toBe('');
});

test('removes what a crash left: worktrees, halves of objects, folders that are no mirror', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const root = path.join(folder.path, 'factory');
  const crashed = await new Workspace(root, env).checkout(spec(repository.path));
  const half = path.join(crashed.mirror.path, 'objects', 'tmp_objdir-incoming');
  mkdirSync(half);
  mkdirSync(path.join(root, 'repos', 'broken.git'));

  const workspace = new Workspace(root, env);
  expect(await workspace.removeLeftovers()).toEqual(['job-1.1']);
  expect(existsSync(path.join(root, 'worktrees'))).toBe(false);
  expect(readdirSync(path.join(root, 'repos'))).toEqual([path.basename(crashed.mirror.path)]);
  expect(existsSync(half)).toBe(false);
  expect(workspace.warm).toEqual([repository.path]);
  const checkout = await workspace.checkout(spec(repository.path, 'job-1.2'));
  expect(existsSync(path.join(checkout.path, 'a.txt'))).toBe(true);
});

test('removes folders without write permission', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const workspace = new Workspace(path.join(folder.path, 'factory'), env);
  const checkout = await workspace.checkout(spec(repository.path));
  const cache = path.join(checkout.path, 'cache');
  mkdirSync(cache);
  writeFileSync(path.join(cache, 'x'), 'x');
  chmodSync(cache, 0o500);
  await workspace.remove('job-1.1');
  await workspace.settled();
  expect(existsSync(checkout.path)).toBe(false);
});

test('removes nothing where there was nothing', async () => {
  using folder = new TemporaryFolder();
  const workspace = new Workspace(path.join(folder.path, 'factory'), env);
  await workspace.remove('job-9.9');
  expect(await workspace.removeLeftovers()).toEqual([]);
});

test('begins no run on a disk that is nearly full, after it gave up what only saves time', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const root = path.join(folder.path, 'data');
  const workspace = new Workspace(root, env, { minFreeBytes: Number.MAX_SAFE_INTEGER });
  mkdirSync(path.join(root, 'cache', 'repo', 'setup'), { recursive: true });
  const wanted = spec(repository.path);
  await expect(workspace.checkout(wanted)).rejects.toThrow(
    /the disk of .* has \d+ MB free, and a run needs \d+ MB: free/,
  );
  await expect(workspace.checkout(wanted)).rejects.toBeInstanceOf(NoSpaceError);
  expect(readdirSync(path.join(root, 'cache', 'repo'))).toEqual([]);
  expect(existsSync(workspace.worktreePath('job-1.1'))).toBe(false);
});

test('above its ceiling removes what was not used for longest, and never what a run needs', async () => {
  using folder = new TemporaryFolder();
  const root = path.join(folder.path, 'data');
  // 1 MB in a worktree, three quarters of it in a mirror.
  const noise = randomBytes(750_000).toString('base64');
  const [one = '', two = '', three = ''] = ['one', 'two', 'three'].map((name) => {
    mkdirSync(path.join(folder.path, name));
    return createRepository(path.join(folder.path, name), { 'noise.txt': noise }).path;
  });
  const maxBytes = 2_200_000;
  const workspace = new Workspace(root, env, { maxBytes });
  await workspace.checkout(spec(one, 'job-1.1'));
  await workspace.checkout(spec(two, 'job-2.1'));
  await workspace.remove('job-2.1');
  await workspace.settled();
  expect(workspace.warm.toSorted()).toEqual([one, two].toSorted());
  expect(await bytesBelow(root)).toBeGreaterThan(maxBytes);
  await workspace.disk.measure();

  await workspace.checkout(spec(three, 'job-3.1'));
  // The first is older, but a run is in it.
  expect(workspace.warm.toSorted()).toEqual([one, three].toSorted());
  expect(existsSync(path.join(workspace.worktreePath('job-1.1'), 'noise.txt'))).toBe(true);
  expect(readdirSync(path.join(root, 'warm'))).toEqual([]);
});

test('above its ceiling with nothing to remove begins no run, and says what to do', async () => {
  using folder = new TemporaryFolder();
  const repository = createRepository(folder.path);
  const workspace = new Workspace(path.join(folder.path, 'data'), env, { maxBytes: 20_000 });
  await workspace.checkout(spec(repository.path));
  await workspace.disk.measure();
  const second = workspace.checkout(spec(repository.path, 'job-2.1'));
  await expect(second).rejects.toBeInstanceOf(NoSpaceError);
  await expect(second).rejects.toThrow(
    /takes \d+ MB, and may take 0 MB: raise diskGigabytes in factory.yaml/,
  );
});
