import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sampleIssue } from '../../../local/sample/issue.js';
import { prepareSample } from '../../../local/sample/repository.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'sample-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

interface Outcome {
  ok: boolean;
  output: string;
}
const run = (command: string, args: string[], cwd = dir): Promise<Outcome> =>
  new Promise((resolve) => {
    // A test runner inside a test runner: the inner one must not take the outer one's context.
    const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = process.env;
    execFile(command, args, { cwd, env }, (error, stdout, stderr) =>
      resolve({ ok: !error, output: stdout + stderr }),
    );
  });
/** The script as the shell engine takes it out of the item's text, but without its pauses for people. */
const script = `sleep() { :; }\n${/```sh\n([\s\S]*?)```/.exec(sampleIssue.body)?.[1] ?? ''}`;

it('is the same repository on every machine', async () => {
  const first = await prepareSample({ dir: path.join(dir, 'a') });
  const second = await prepareSample({ dir: path.join(dir, 'b') });
  expect(first.baseCommit).toBe(second.baseCommit);
  expect(first.bareRepo).toBe(path.join(dir, 'a', 'repo.git'));
  const log = await run('git', ['-C', first.bareRepo, 'log', '--format=%an %ad %s', '--date=iso', 'main']);
  expect(log.output.split('\n')).toHaveLength(3);
});

it('goes on with what an earlier start left, and over what an interrupted one did', async () => {
  await mkdir(path.join(dir, 'repo.git.new', 'half'), { recursive: true });
  const { bareRepo, baseCommit } = await prepareSample({ dir });
  await run('git', ['clone', '--quiet', bareRepo, 'work']);
  const work = path.join(dir, 'work');
  await run(
    'git',
    ['-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '--quiet', '--allow-empty', '-mx'],
    work,
  );
  expect(await run('git', ['push', '--quiet', 'origin', 'main'], work)).toEqual({ ok: true, output: '' });
  expect((await prepareSample({ dir })).baseCommit).toBe(baseCommit);
  expect((await run('git', ['-C', bareRepo, 'rev-parse', 'main'])).output.trim()).not.toBe(baseCommit);
});

it('has one failing test, which the item mends, however often its script runs', async () => {
  const { bareRepo } = await prepareSample({ dir });
  await run('git', ['clone', '--quiet', bareRepo, 'work']);
  const work = path.join(dir, 'work');
  const before = await run(process.execPath, ['--test', '--test-reporter=tap'], work);
  expect(before.ok).toBe(false);
  expect(before.output).toMatch(/# pass 5[\s\S]*# fail 1/);

  const first = await run('sh', ['-euc', script], work);
  expect(first.output).toContain('  - ten pieces or more of a line are 5 % off');
  expect(first.ok).toBe(true);
  const changed = await run('git', ['diff', 'HEAD', '--stat'], work);
  expect((await run('sh', ['-euc', script], work)).ok).toBe(true);
  expect(await run('git', ['diff', 'HEAD', '--stat'], work)).toEqual(changed);

  const after = await run(process.execPath, ['--test', '--test-reporter=tap'], work);
  expect(after.ok).toBe(true);
  expect(after.output).toMatch(/# pass 9[\s\S]*# fail 0/);
  expect(await readFile(path.join(work, 'README.md'), 'utf8')).toContain(
    '- `src/order.js` adds up an order\n- `src/discount.js` knows the volume discount\n',
  );
  expect((await run('git', ['status', '--porcelain'], work)).output).toBe(
    ' M README.md\n?? src/discount.js\n',
  );
});

it('asks for a run by the engine that the sample product allows', () => {
  expect(sampleIssue.labels).toEqual(['agent:run', 'engine:shell']);
});
