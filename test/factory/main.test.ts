import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Claim } from '../../shared/contract/api.js';
import { AppError } from '../../shared/errors.js';
import { TestBus } from './support/bus.js';
import { claimOf, ControlPlane } from './support/controlPlane.js';
import { isAlive, until } from './support/processes.js';
import { createRepository, TemporaryFolder, type Repository } from './support/repository.js';

// The built factory as a process of its own; `npm test` builds before it tests.
const MAIN = path.resolve('dist/factory/main.js');

let bus: TestBus;
let plane: ControlPlane;
let folder: TemporaryFolder;
let repository: Repository;
let children: ChildProcess[];

beforeEach(async () => {
  bus = await TestBus.start();
  plane = await ControlPlane.start();
  plane.enrolments.add('one-time-token');
  folder = new TemporaryFolder();
  repository = createRepository(folder.path);
  children = [];
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await plane[Symbol.asyncDispose]();
  await bus[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

interface Started {
  readonly child: ChildProcess;
  readonly ready: Promise<{ factoryId: string; pools: string[] }>;
  readonly ended: Promise<{ code: number | null; ms: number }>;
  said(): string;
}

function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(process.execPath, [MAIN, '--name', 'factory-1', '--data', data(), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder.path,
      GIGAFACTORY_API: plane.url,
      SERVICE_BUS: bus.setting.value,
      ...env,
    },
  });
  children.push(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as never;
    throw new Error(`not ready: ${said}`);
  })();
  ready.catch(() => {});
  const begun = performance.now();
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    ms: performance.now() - begun,
  }));
  return { child, ready, ended, said: () => said };
}

const enrolled = (args: readonly string[] = []): Started =>
  start(args, { GIGAFACTORY_ENROLMENT: 'one-time-token' });

const data = (...names: string[]): string => path.join(folder.path, 'data', ...names);
const worktrees = (): string[] => (existsSync(data('worktrees')) ? readdirSync(data('worktrees')) : []);

async function submit(body: string): Promise<Claim> {
  const claim = claimOf({ repo: repository.path, body });
  plane.ready.push(claim);
  await bus.ring(claim);
  return claim;
}

/** A run whose script has said its process id and goes on for long. */
async function longRun(first = 'true'): Promise<{ claim: Claim; pid: number }> {
  const claim = await submit(`${first}; echo 2 > a.txt; echo "pid $$"; sleep 100`);
  const pidOf = (): RegExpExecArray | null => /pid (\d+)/.exec(plane.run(claim).log.toString());
  await plane.until(() => pidOf() !== null);
  return { claim, pid: Number(pidOf()?.[1]) };
}

test('enrols once, works on a ticket, and needs no token at the next start', async () => {
  const first = enrolled();
  expect(await first.ready).toEqual({ ready: true, factoryId: 'factory-1', pools: ['any'] });
  const claim = await submit('echo 2 > a.txt; cat /proc/self/environ 2>/dev/null | tr "\\0" "\\n"');
  await plane.until(() => plane.run(claim).reports.at(-1)?.kind === 'finished');
  expect(plane.run(claim).log.toString()).not.toMatch(/one-time-token|SharedAccessKey/);
  expect(statSync(data('token')).mode & 0o777).toBe(0o600);
  first.child.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
  expect(first.said()).not.toMatch(/one-time-token|token-of-factory|SharedAccessKey/);

  const second = start();
  expect((await second.ready).factoryId).toBe('factory-1');
  const again = await submit('echo 3 > a.txt');
  await plane.until(() => plane.run(again).reports.at(-1)?.kind === 'finished');
});

test('enrols again when the control plane does not know its token any more', async () => {
  const first = enrolled(['--idle-exit', '0.1']);
  expect((await first.ended).code).toBe(0);
  plane.tokens.clear();
  const second = start();
  expect((await second.ended).code).toBe(1);
  expect(second.said()).toContain('set GIGAFACTORY_ENROLMENT to a one-time token');
  plane.enrolments.add('one-time-token');
  expect((await enrolled().ready).factoryId).toBe('factory-1');
});

test('asks for a new token when its own is old, and starts with it the next time', async () => {
  plane.rotateMs = 50;
  const first = enrolled();
  await first.ready;
  await until(() => readFileSync(data('token'), 'utf8').includes('token-of-rotated'));
  first.child.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
  plane.tokens.delete('token-of-factory-1-1');
  expect((await start().ready).factoryId).toBe('factory-1');
  expect(first.said()).not.toContain('token-of-rotated');
});

test('joins by the identity of its machine, and needs no one-time token', async () => {
  plane.enrolments.add('token-of-the-machine');
  const asked: string[] = [];
  // What Container Apps serves to a container (https://learn.microsoft.com/azure/container-apps/managed-identity).
  const endpoint = createServer((request, response) => {
    asked.push(`${String(request.headers['x-identity-header'])} ${request.url}`);
    const expires_on = String(Math.floor(Date.now() / 1000) + 3600);
    response.end(JSON.stringify({ access_token: 'token-of-the-machine', expires_on, token_type: 'Bearer' }));
  });
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  try {
    const factory = start([], {
      GIGAFACTORY_AUDIENCE: 'api://gigafactory',
      IDENTITY_ENDPOINT: `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/token`,
      IDENTITY_HEADER: 'from-the-platform',
    });
    expect((await factory.ready).factoryId).toBe('factory-1');
    expect(asked[0]).toContain('from-the-platform');
    expect(asked[0]).toContain(`resource=${encodeURIComponent('api://gigafactory')}`);
    expect(factory.said()).not.toContain('token-of-the-machine');
  } finally {
    endpoint.close();
  }
});

test('starts while the control plane is away, and works when it is back', async () => {
  await enrolled(['--idle-exit', '0.1']).ended;
  plane.onRequest = () => {
    throw new AppError('unavailable', 'away');
  };
  const factory = start();
  await factory.ready;
  expect(factory.said()).toContain('does not answer yet');
  plane.onRequest = () => {};
  const claim = await submit('echo 2 > a.txt');
  await plane.until(() => plane.run(claim).reports.at(-1)?.kind === 'finished');
});

test('gives its job back on SIGTERM and leaves nothing behind', async () => {
  const factory = enrolled();
  await factory.ready;
  const { claim, pid } = await longRun();
  const asked = performance.now();
  factory.child.kill('SIGTERM');
  expect((await factory.ended).code).toBe(0);
  expect(plane.left).toBe(1);
  expect(performance.now() - asked).toBeLessThan(15_000);
  expect(plane.run(claim).reports.map(({ kind }) => kind)).toEqual(['started', 'released']);
  expect(isAlive(pid)).toBe(false);
  expect(worktrees()).toEqual([]);
  expect(repository.head(`aq/${claim.job.jobId}`)).toBeUndefined();
});

test('ends at once on a second signal', async () => {
  const factory = enrolled();
  await factory.ready;
  // An engine that ignores SIGTERM keeps the drain busy for its whole grace.
  await longRun('trap "" TERM');
  factory.child.kill('SIGINT');
  await until(() => factory.said().includes('draining'));
  factory.child.kill('SIGINT');
  expect((await factory.ended).code).toBe(130);
});

test('takes its engine along when it is killed, and cleans up at the next start', async () => {
  const factory = enrolled();
  await factory.ready;
  const { pid } = await longRun();
  expect(worktrees()).toHaveLength(1);
  factory.child.kill('SIGKILL');
  await until(() => !isAlive(pid));
  const next = start();
  await next.ready;
  expect(worktrees()).toEqual([]);
  expect(next.said()).toContain('cleaned up after a crash');
});

test.runIf(process.platform === 'linux')(
  'ends what a run has started and leaves no file of it behind, although it was killed itself',
  async () => {
    const factory = enrolled();
    await factory.ready;
    const { claim } = await longRun(
      'setsid sleep 300 & echo "escaped $!"; mktemp >/dev/null; mkdir left; echo x > left/x',
    );
    const escaped = Number(/escaped (\d+)/.exec(plane.run(claim).log.toString())?.[1]);
    factory.child.kill('SIGKILL');
    await factory.ended;
    expect(isAlive(escaped)).toBe(true);
    expect(readdirSync(data('tmp'))).toHaveLength(1);
    const next = start();
    await next.ready;
    await until(() => !isAlive(escaped));
    expect(worktrees()).toEqual([]);
    expect(existsSync(data('tmp'))).toBe(false);
  },
);

test('ends with a sentence when its token is worth nothing any more', async () => {
  const factory = enrolled();
  await factory.ready;
  plane.tokens.clear();
  await submit('echo 2 > a.txt');
  expect((await factory.ended).code).toBe(1);
  expect(factory.said()).toContain('revoked: enrol it again');
  expect(plane.left).toBe(0);
});

test('ends after one run with --once', async () => {
  const factory = enrolled(['--once', '--stations', '4']);
  await factory.ready;
  const first = await submit('echo 2 > a.txt');
  const second = await submit('echo 3 > a.txt');
  expect((await factory.ended).code).toBe(0);
  expect(plane.run(first).reports.at(-1)?.kind).toBe('finished');
  expect(plane.run(second).reports).toEqual([]);
  expect(plane.left).toBe(1);
});

test('ends by itself after --idle-exit seconds without work, and not while there is some', async () => {
  // Waiting already, so that only the claim has to come within the time.
  const claim = await submit('sleep 5; echo 2 > a.txt');
  const factory = enrolled(['--idle-exit', '4']);
  expect((await factory.ended).code).toBe(0);
  expect(plane.run(claim).reports.at(-1)?.kind).toBe('finished');
  expect(factory.said()).toContain('no work for 4 s');
  expect(plane.left).toBe(1);
}, 30_000);

test('lets only one factory work in a folder', async () => {
  await enrolled().ready;
  const second = start();
  expect((await second.ended).code).toBe(1);
  expect(second.said()).toContain('another factory works in');
});

/** Loads a module into the factory's process before its own. */
function preload(code: string): Record<string, string> {
  const file = path.join(folder.path, 'preload.cjs');
  writeFileSync(file, code);
  return { NODE_OPTIONS: `--require ${file}`, GIGAFACTORY_ENROLMENT: 'one-time-token' };
}

// The genuine classes: a request whose time is over while its link has no other side, as between two connections.
const BUS_FAULT = `
  const { createRequire } = require('node:module');
  const load = createRequire(${JSON.stringify(MAIN)});
  process.on('SIGUSR2', () => {
    const { RequestResponseLink } = load('@azure/core-amqp');
    const { Receiver, Session } = load('rhea-promise');
    const { create_container } = load('rhea');
    const rhea = create_container().create_connection({}).create_session();
    const session = new Session({ id: 'test' }, rhea);
    const receiver = new Receiver(session, rhea.create_receiver('link', {}), {});
    const link = new RequestResponseLink(session, { on() {}, send() {} }, receiver);
    void link.sendRequest({ body: 'never answered' }, { timeoutInMs: 1 });
  });
`;

test.runIf(process.platform !== 'win32')(
  'survives a timer of the bus client that throws, and hears the next ticket on a new connection',
  async () => {
    const factory = start([], preload(BUS_FAULT));
    await factory.ready;
    factory.child.kill('SIGUSR2');
    await until(() => factory.said().includes('the bus client failed'));
    expect(factory.said()).toContain("reading 'address'");
    const claim = await submit('echo 2 > a.txt');
    await plane.until(() => plane.run(claim).reports.at(-1)?.kind === 'finished');
  },
);

test('ends with a line that says why when anything else throws where nobody catches it', async () => {
  const factory = start([], preload(`setTimeout(() => { throw new Error('out of nowhere'); }, 2500);`));
  expect((await factory.ended).code).toBe(1);
  expect(factory.said()).toContain('the factory ends: nobody caught this why="out of nowhere"');
});

test.each([
  [{ GIGAFACTORY_API: '' }, 'GIGAFACTORY_API is not set'],
  [{ SERVICE_BUS: '' }, 'neither SERVICE_BUS nor SERVICE_BUS__fullyQualifiedNamespace is set'],
  [{}, 'this factory is not enrolled'],
  [{ GIGAFACTORY_ENROLMENT: 'wrong' }, 'no such enrolment'],
])('says in a line what is missing: %o', async (env, words) => {
  const factory = start([], env as Record<string, string>);
  expect((await factory.ended).code).toBe(1);
  expect(factory.said().trim().split('\n')).toHaveLength(1);
  expect(factory.said()).toContain(words);
});

test('writes its log as JSON when asked', async () => {
  const factory = enrolled(['--json', '--idle-exit', '0.1']);
  await factory.ended;
  const lines = factory
    .said()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: string });
  expect(lines.map(({ message }) => message)).toEqual(['enrolled', 'draining']);
});

test('keeps the token readable for its owner alone', async () => {
  await enrolled(['--idle-exit', '0.1']).ended;
  expect(JSON.parse(readFileSync(data('token'), 'utf8'))).toMatchObject({
    factoryId: 'factory-1',
    apiUrl: plane.url,
  });
});
