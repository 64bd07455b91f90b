import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixtureDir, isAlive } from './fixture.js';

const MAIN = fileURLToPath(new URL('../../../dist/local/host/main.js', import.meta.url));

describe('the host as a process', () => {
  let folder: string;
  let child: ChildProcess;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'host-main-'));
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(folder, { recursive: true });
  });

  const settings = async (content: object): Promise<string> => {
    const file = path.join(folder, 'local.settings.json');
    await writeFile(file, JSON.stringify(content));
    return file;
  };
  const ready = async (): Promise<{ ready: boolean; port: number; url: string }> => {
    const [line] = (await once(
      createInterface({ input: child.stdout as NodeJS.ReadableStream }),
      'line',
    )) as [string];
    return JSON.parse(line) as { ready: boolean; port: number; url: string };
  };

  it('prints one line when ready, reads a local.settings.json, and ends with its worker on SIGTERM', async () => {
    const file = await settings({
      IsEncrypted: false,
      Values: { GREETING: 'hi', TIMER_SCHEDULE: '0 0 0 1 1 *' },
      Host: { CORS: '*' },
    });
    child = spawn(process.execPath, [MAIN, '--app', fixtureDir('commonjs'), '--settings', file]);
    const { url, port } = await ready();
    expect(url).toBe(`http://127.0.0.1:${port}`);
    const response = await fetch(`${url}/api/setting`, { headers: { origin: 'https://any.example' } });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.text()).toBe('hi');
    const worker = Number(await (await fetch(`${url}/api/pid`)).text());
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(isAlive(worker)).toBe(false);
  });

  it('tells a parent that forked it, and ends when that goes away', async () => {
    child = fork(MAIN, ['--app', fixtureDir('esm')], { silent: true });
    const [message] = (await once(child, 'message')) as [{ ready: boolean; url: string }];
    expect(message.ready).toBe(true);
    expect((await fetch(`${message.url}/v1/greet/you`)).status).toBe(200);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('leaves no worker behind when it is killed', async () => {
    const file = await settings({ Values: { TIMER_SCHEDULE: '0 0 0 1 1 *' } });
    child = spawn(process.execPath, [MAIN, '--app', fixtureDir('commonjs'), '--settings', file]);
    const { url } = await ready();
    const worker = Number(await (await fetch(`${url}/api/pid`)).text());
    child.kill('SIGKILL');
    await expect.poll(() => isAlive(worker)).toBe(false);
  });

  it('says in one line why it cannot start', async () => {
    child = spawn(process.execPath, [MAIN, '--app', folder]);
    const [[line], [code]] = (await Promise.all([
      once(createInterface({ input: child.stderr as NodeJS.ReadableStream }), 'line'),
      once(child, 'exit'),
    ])) as [[string], [number]];
    expect(line).toContain('has no host.json, so it is no function app.');
    expect(code).toBe(1);
  });
});
