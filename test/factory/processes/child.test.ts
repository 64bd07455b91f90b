import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runChild, SpawnError, type ChildEnd } from '../../../factory/processes/child.js';
import { sweep } from '../../../factory/processes/group.js';
import { isAlive, until } from '../support/processes.js';
import { TemporaryFolder } from '../support/repository.js';

const linux = process.platform === 'linux';
const env = { PATH: process.env['PATH'] ?? '' };

async function sh(
  script: string,
  more: { timeoutMs?: number; run?: string; signal?: AbortSignal; cwd?: string; folders?: string[] } = {},
): Promise<ChildEnd & { output: string }> {
  let output = '';
  const { signal, run = 'job-test.1', cwd = '/', ...rest } = more;
  const end = await runChild(
    {
      command: 'sh',
      args: ['-c', script],
      cwd,
      env: { ...env, GIGAFACTORY_RUN: run },
      run,
      killGraceMs: 200,
      mergeOutput: true,
      onOutput(chunk) {
        output += chunk.toString();
        return undefined;
      },
      ...rest,
    },
    signal,
  );
  return { ...end, output };
}

test('keeps standard output and standard error in the order of writing', async () => {
  const { output, exitCode } = await sh('for i in 1 2 3; do echo out $i; echo err $i >&2; done; exit 4');
  expect(output).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n');
  expect(exitCode).toBe(4);
});

test('ends grandchildren at the time limit, also those that ignore SIGTERM', async () => {
  const script = 'sh -c \'trap "" TERM; sleep 60 & echo $!; sleep 60\' & echo $!; wait';
  const { cause, output } = await sh(script, { timeoutMs: 300 });
  expect(cause).toBe('timeout');
  const pids = output.trim().split('\n').map(Number);
  expect(pids).toHaveLength(2);
  await until(() => !pids.some(isAlive));
});

test('ends what a command left in the background', async () => {
  const { output, exitCode } = await sh('sleep 60 & echo $!');
  expect(exitCode).toBe(0);
  await until(() => !isAlive(Number(output)));
});

test.runIf(linux)('ends what left the process group', async () => {
  const { output, exitCode } = await sh('setsid sleep 60 & sleep 0.1; echo $!');
  expect(exitCode).toBe(0);
  await until(() => !isAlive(Number(output)));
});

test('is stopped by a signal, and says so', async () => {
  const stop = new AbortController();
  const ended = sh('echo here; sleep 60', { signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  expect(await ended).toMatchObject({ cause: 'aborted', signal: 'SIGTERM' });
});

test('lets the command wait while nobody takes its output', async () => {
  using folder = new TemporaryFolder();
  const done = path.join(folder.path, 'done');
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let bytes = 0;
  const ended = runChild({
    command: 'sh',
    args: ['-c', `head -c 3000000 /dev/zero; touch ${done}`],
    cwd: '/',
    env,
    run: 'job-test.1',
    onOutput(chunk) {
      bytes += chunk.length;
      return gate;
    },
  });
  await until(() => bytes > 0);
  expect(existsSync(done)).toBe(false);
  release();
  await ended;
  expect(bytes).toBe(3_000_000);
  expect(existsSync(done)).toBe(true);
});

test('fails with what its receiver throws, and leaves nobody behind', async () => {
  let pid = 0;
  const run = runChild({
    command: 'sh',
    args: ['-c', 'echo $$; exec yes'],
    cwd: '/',
    env,
    onOutput(chunk) {
      pid ||= Number.parseInt(chunk.toString(), 10);
      if (chunk.length > 100) throw new Error('enough of it');
      return undefined;
    },
  });
  await expect(run).rejects.toThrow('enough of it');
  await until(() => !isAlive(pid));
});

test('says which program could not be started', async () => {
  const run = runChild({ command: 'no-such-program', args: [], cwd: '/', env, onOutput: () => undefined });
  await expect(run).rejects.toThrow(SpawnError);
});

test.runIf(linux)('finds the processes of a run by its name in their environment', async () => {
  const pid = Number(
    execFileSync('sh', ['-c', 'setsid sleep 60 >/dev/null 2>&1 & echo $!'], {
      env: { ...env, GIGAFACTORY_RUN: 'job-crashed.7' },
    }),
  );
  expect(await sweep((run) => run === 'job-crashed.6')).toBe(0);
  await until(() => isAlive(pid));
  expect(await sweep((run) => run === 'job-crashed.7')).toBe(1);
  await until(() => !isAlive(pid));
});

test('keeps a command that kills its parent away from the factory', async () => {
  const { exitCode, signal } = await sh(`[ $PPID -ne ${process.pid} ]; kill -9 $PPID; sleep 60`);
  expect({ exitCode, signal }).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect((await sh(`[ $PPID -ne ${process.pid} ]`)).exitCode).toBe(0);
});

test('lets a command use its grace after SIGTERM, and says which signal ended one', async () => {
  const polite = await sh('trap "sleep 0.05; echo bye; exit 3" TERM; sleep 60 & wait', { timeoutMs: 200 });
  expect(polite).toMatchObject({ cause: 'timeout', output: 'bye\n', exitCode: 3 });
  expect(await sh('kill -INT $$')).toMatchObject({ cause: 'exit', exitCode: null, signal: 'SIGINT' });
  expect(await sh('exit 255')).toMatchObject({ exitCode: 255, signal: null });
});

test.runIf(linux)('ends what left the group and its environment but stayed in the folder', async () => {
  using folder = new TemporaryFolder();
  const script = 'env -i "$(command -v setsid)" "$(command -v sleep)" 60 & echo $!; sleep 0.1';
  const { output, exitCode } = await sh(script, { cwd: folder.path, folders: [folder.path] });
  expect(exitCode).toBe(0);
  await until(() => !isAlive(Number(output)));
});

test.runIf(linux)('ends what went elsewhere but holds a file of the folder open', async () => {
  using folder = new TemporaryFolder();
  const holder = 'exec 3<>held; cd /; exec env -i "$(command -v setsid)" "$(command -v sleep)" 60';
  const { output, exitCode } = await sh(`(${holder}) & echo $!; sleep 0.2`, {
    cwd: folder.path,
    folders: [folder.path],
  });
  expect(exitCode).toBe(0);
  await until(() => !isAlive(Number(output)));
});
