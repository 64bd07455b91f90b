import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startHost } from '../../../local/host/host.js';
import type { Host, HostOptions } from '../../../local/host/host.js';
import { Journal, fixtureDir, isAlive, startFixture } from './fixture.js';

describe('the worker process', () => {
  let host: Host | undefined;
  let folder: string | undefined;
  afterEach(async () => {
    await host?.close();
    if (folder) await rm(folder, { recursive: true });
    host = folder = undefined;
  });

  const settings = { TIMER_SCHEDULE: '0 0 0 1 1 *' };
  const start = async (name: string, options: Partial<HostOptions> = {}): Promise<Host> =>
    (host = await startFixture(name, { settings, ...options }));

  it('is another process, and ends with the host', async () => {
    const { url, workerPid } = await start('commonjs');
    expect(await (await fetch(`${url}/api/pid`)).text()).toBe(String(workerPid));
    expect(workerPid).not.toBe(process.pid);
    await host?.close();
    expect(isAlive(workerPid)).toBe(false);
  });

  it('is started again after a crash; what ran in it fails', async () => {
    const journal = new Journal();
    const { url, workerPid } = await start('commonjs', { log: journal.write });
    const [crashed, beside] = await Promise.all([fetch(`${url}/api/slow`), fetch(`${url}/api/crash`)]);
    expect([crashed.status, beside.status]).toEqual([500, 500]);
    expect(journal.find('Host.Worker', 'nobody caught this')).toMatchObject({ level: 'critical' });
    const pid = Number(await (await fetch(`${url}/api/pid`)).text());
    expect(pid).not.toBe(workerPid);
    expect(isAlive(workerPid)).toBe(false);
    expect(host?.stats.workerRestarts).toBe(1);
  });

  it('is killed with all it runs when a function exceeds functionTimeout', async () => {
    const journal = new Journal();
    const { url, workerPid } = await start('commonjs', {
      log: journal.write,
      hostJson: { functionTimeout: '00:00:01' },
    });
    expect((await fetch(`${url}/api/slow`)).status).toBe(500);
    expect(journal.find('Function.slow', 'Timeout value of 1 s exceeded')).toBeDefined();
    expect(await (await fetch(`${url}/api/hello`)).text()).toBe('Hello, world!');
    expect(isAlive(workerPid)).toBe(false);
  });

  it('can be the host itself, several times in one process', async () => {
    const seen: string[] = [];
    for (const [app, page] of [
      ['commonjs', '/api/pid'],
      ['esm', '/v1/greet/you'],
      ['commonjs', '/api/hello'],
      ['esm', '/v1/greet/me'],
    ] as const) {
      const { url } = await start(app, { inProcess: true });
      seen.push(await (await fetch(`${url}${page}`)).text());
      await host?.close();
    }
    expect(seen).toEqual([String(process.pid), 'Good day, you', 'Hello, world!', 'Good day, me']);
    expect(process.env['TIMER_SCHEDULE']).toBeUndefined();
  });

  it('loads the app again when its output changes, and waits out a broken build', async () => {
    const journal = new Journal();
    folder = await mkdtemp(path.resolve('node_modules/.host-test-'));
    await cp(fixtureDir('esm'), folder, { recursive: true });
    host = await startHost({ appDir: folder, settings, watch: true, log: journal.write });
    const greet = async (): Promise<string> => (await fetch(`${host?.url}/v1/greet/Ada`)).text();
    expect(await greet()).toBe('Good day, Ada');
    const file = path.join(folder, 'dist/greeting.js');
    await writeFile(file, 'export const greeting = (name) => `Good night, ${name}`;\n');
    await journal.until('Host.Startup', 'Job host started', 2);
    expect(await greet()).toBe('Good night, Ada');
    await writeFile(file, 'export const greeting = ;\n');
    await journal.until('Host.Startup', 'SyntaxError');
    expect((await fetch(`${host.url}/v1/greet/Ada`)).status).toBe(503);
    await writeFile(file, 'export const greeting = (name) => `Welcome, ${name}`;\n');
    await journal.until('Host.Startup', 'Job host started', 3);
    expect(await greet()).toBe('Welcome, Ada');
  });

  it('tries to load the app until it can, when it could before', async () => {
    const journal = new Journal();
    folder = await mkdtemp(path.resolve('node_modules/.host-test-'));
    await cp(fixtureDir('commonjs'), folder, { recursive: true });
    host = await startHost({ appDir: folder, settings, log: journal.write });
    const dependency = path.join(folder, 'src/broken.js');
    await writeFile(dependency, 'throw new Error("for a moment")');
    expect((await fetch(`${host.url}/api/crash`)).status).toBe(500);
    await journal.until('Host.Worker', 'Starting another', 2);
    await rm(dependency);
    expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe('Hello, world!');
  });

  it.each([
    ['no-package', {}, 'has no package.json'],
    ['no-main', { 'package.json': '{}' }, 'has no "main"'],
    ['no-match', { 'package.json': '{"main":"dist/*.js"}' }, 'is the app built?'],
    ['throws', { 'package.json': '{"main":"a.js"}', 'a.js': 'throw new Error("at load")' }, 'at load'],
    ['empty', { 'package.json': '{"main":"a.js"}', 'a.js': '' }, 'registered nothing'],
  ])('refuses an app that cannot be loaded: %s', async (_, files, message) => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'host-'));
    await writeFile(path.join(folder, 'host.json'), '{"version":"2.0"}');
    for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
    await expect(startHost({ appDir: folder, settings })).rejects.toThrow(message);
  });

  it('names a port that is taken, and leaves no worker behind', async () => {
    const { port } = await start('commonjs');
    await expect(startFixture('esm', { port })).rejects.toThrow(
      `Port ${port} for the Functions host is taken`,
    );
  });
});
