import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { lockFolder } from '../../factory/instanceLock.js';
import { readSettings } from '../../factory/settings.js';
import { claimOf, ControlPlane } from './support/controlPlane.js';
import { createRepository, TemporaryFolder } from './support/repository.js';

// The built factory as a process of its own; `npm test` builds before it tests.
const MAIN = path.resolve('dist/factory/main.js');

async function runOnce(
  home: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(
    process.execPath,
    [MAIN, '--name', 'laptop', '--once', '--data', path.join(home, 'data'), ...args],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said };
}

test('a factory with the fleet off works on a folder, with no address of anything', async () => {
  using home = new TemporaryFolder();
  const repository = createRepository(home.path);
  const queue = path.join(home.path, 'queue');
  mkdirSync(path.join(queue, 'inbox'), { recursive: true });
  const text = `---\nengine: shell\nrepo: ${repository.path}\nverify: cat b\n---\necho two > b\n`;
  writeFileSync(path.join(queue, 'inbox', 'two.md'), text);
  const { code, said } = await runOnce(home.path, ['--folder', queue], { AQ_FLEET: 'off' });
  expect([code, said]).toEqual([0, expect.stringContaining('run verified')]);
  expect(existsSync(path.join(queue, 'testing', 'two.md'))).toBe(true);
});

test('two factories do not work on one folder', async () => {
  using home = new TemporaryFolder();
  const queue = path.join(home.path, 'queue');
  mkdirSync(path.join(queue, '.state'), { recursive: true });
  const unlock = await lockFolder(path.join(queue, '.state'), '--folder');
  const { code, said } = await runOnce(home.path, ['--folder', queue], {});
  await unlock();
  expect([code, said]).toEqual([1, expect.stringMatching(/another factory works in .* with --folder/)]);
});

test('a factory that polls needs no bus', async () => {
  using home = new TemporaryFolder();
  await using plane = await ControlPlane.start();
  plane.enrolments.add('one-time-token');
  const repository = createRepository(home.path);
  const claim = claimOf({ repo: repository.path, body: 'echo two > b' });
  const ended = runOnce(home.path, [], {
    AQ_FLEET_ROUTE: 'poll',
    GIGAFACTORY_API: plane.url,
    GIGAFACTORY_ENROLMENT: 'one-time-token',
  });
  await plane.until(() => plane.claimRequests.length > 0);
  plane.ready.push(claim);
  expect((await ended).code).toBe(0);
  expect(plane.run(claim).reports.map(({ kind }) => kind)).toEqual(['started', 'finished']);
});

const BUS = { GIGAFACTORY_API: 'http://127.0.0.1:7071/api', SERVICE_BUS: 'Endpoint=sb://x' };

test.each([
  [{}, BUS, 'bus'],
  [{}, { GIGAFACTORY_API: BUS.GIGAFACTORY_API, AQ_FLEET_ROUTE: 'poll' }, 'poll'],
  [{ folder: 'jobs' }, {}, 'folder'],
  [{}, { ...BUS, HTTPS_PROXY: 'http://p:1' }, 'poll'],
  [{}, { ...BUS, HTTPS_PROXY: 'http://p:1', AQ_FLEET_ROUTE: 'bus' }, 'bus'],
  [{}, { ...BUS, HTTPS_PROXY: 'http://p:1', NO_PROXY: 'x' }, 'bus'],
  [{ folder: 'jobs', product: 'shop' }, { ...BUS, AQ_FLEET_ROUTE: 'bus' }, 'bus'],
  [{ folder: 'jobs' }, { ...BUS, AQ_FLEET_ROUTE: 'bus', AQ_FLEET: '0' }, 'folder'],
])('with %o and %o the work comes from the %3$s', (options, env, route) => {
  using home = new TemporaryFolder();
  expect(readSettings({ name: 'mac-1', data: home.path, ...options }, { ...env }).route).toBe(route);
});

test.each([
  [{}, { AQ_FLEET: 'off' }, 'give one with --folder'],
  [{}, { ...BUS, AQ_FLEET: 'maybe' }, 'expected on or off'],
  [{}, { ...BUS, AQ_FLEET_ROUTE: 'pigeon' }, 'expected one of bus, poll, folder'],
  [{}, { ...BUS, AQ_FLEET_SHADOW: 'on' }, 'needs --folder'],
  [{ folder: 'jobs' }, { AQ_FLEET_SHADOW: 'on' }, 'GIGAFACTORY_API is not set'],
  [{ folder: 'jobs', product: 'No' }, {}, 'lower-case letters'],
  [{ folder: 'jobs' }, { ...BUS, AQ_FLEET_ROUTE: 'bus' }, 'name the product with --product'],
])('refuses %o with %o', (options, env, words) => {
  using home = new TemporaryFolder();
  expect(() => readSettings({ name: 'mac-1', data: home.path, ...options }, { ...env })).toThrow(words);
});
