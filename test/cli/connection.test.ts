import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientCredentials } from '../../cli/credentials.js';
import { startIdentity, type Identity } from '../../local/identity/server.js';
import { proxyTo } from '../support/proxy.js';
import { aq } from './system.js';

let folder: string;
let identity: Identity;
/** Stands for an API: answers the health check, and tells who asked. */
let apiUrl: string;
const asked: (string | undefined)[] = [];
const api = createServer((request, response) => {
  asked.push(request.headers.authorization);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: 'ok', version: '1', parts: [] }));
});

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'aq-connection-'));
  identity = await startIdentity({
    audience: 'a',
    clients: [{ clientId: 'aq', clientSecret: 's', roles: ['admin'], name: 'Ada' }],
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}/api`;
  await mkdir(path.join(folder, '.gigafactory'));
  await mkdir(path.join(folder, 'deep', 'below'), { recursive: true });
});
afterAll(async () => {
  api.close();
  await identity.close();
  await rm(folder, { recursive: true, force: true });
});

const connectionFile = (): string => path.join(folder, '.gigafactory', 'connection.json');
const write = (change: Record<string, unknown> = {}): Promise<void> =>
  writeFile(
    connectionFile(),
    JSON.stringify({ apiUrl, tokenUrl: identity.tokenUrl, clientId: 'aq', clientSecret: 's', ...change }),
  );

describe('the connection', () => {
  it('is found from the working directory upward', async () => {
    await write();
    const answer = await aq(['health'], { cwd: path.join(folder, 'deep', 'below') });
    expect(answer).toMatchObject({ code: 0, stderr: '' });
    expect(asked.at(-1)).toMatch(/^Bearer ey/);
  });

  it('is taken from the environment first', async () => {
    const env = { GIGAFACTORY_API: `${apiUrl}/`, GIGAFACTORY_TOKEN: 'given' };
    expect((await aq(['health'], { env, cwd: folder })).code).toBe(0);
    expect(asked.at(-1)).toBe('Bearer given');
  });

  it('takes a variable that is set to nothing for one that is not set', async () => {
    const env = { GIGAFACTORY_CONNECTION: '', GIGAFACTORY_API: apiUrl, GIGAFACTORY_TOKEN: 'given again' };
    expect((await aq(['health'], { env, cwd: folder })).code).toBe(0);
    expect(asked.at(-1)).toBe('Bearer given again');
  });

  it('may be named on the command line or by a variable', async () => {
    await write();
    expect((await aq(['health', '--connection', connectionFile()], { cwd: tmpdir() })).code).toBe(0);
    const env = { GIGAFACTORY_CONNECTION: connectionFile() };
    expect((await aq(['health'], { env, cwd: tmpdir() })).code).toBe(0);
  });

  it('goes through the proxy of the environment, to the issuer of tokens too', async () => {
    const ports: Record<string, string> = {
      'control-plane.test': new URL(apiUrl).port,
      'issuer.test': new URL(identity.tokenUrl).port,
    };
    const { pathname } = new URL(identity.tokenUrl);
    await write({ apiUrl: 'http://control-plane.test/api', tokenUrl: `http://issuer.test${pathname}` });
    await using proxy = await proxyTo((host) => Number(ports[host]));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [path.resolve('cli/aq.mjs'), 'health', '--json'],
      { cwd: folder, env: { PATH: process.env['PATH'] ?? '', HTTP_PROXY: proxy.url } },
    );
    expect(JSON.parse(stdout)).toMatchObject({ status: 'ok' });
    expect(asked.at(-1)).toMatch(/^Bearer ey/);
    expect(proxy.asked).toEqual([
      `POST http://issuer.test${pathname}`,
      'GET http://control-plane.test/api/fleet/health',
    ]);
  });

  it.each([
    ['nothing at all', { cwd: '/' }, 2, 'Run aq where `npm start` was run'],
    ['half of the environment', { env: { GIGAFACTORY_API: 'http://x' } }, 2, 'GIGAFACTORY_TOKEN is not'],
    [
      'no web address',
      { env: { GIGAFACTORY_API: 'x', GIGAFACTORY_TOKEN: 't' } },
      2,
      'is not a web address: x',
    ],
    [
      'a file that is not there',
      { env: { GIGAFACTORY_CONNECTION: '/gone.json' } },
      2,
      '/gone.json is not there',
    ],
    [
      'an API that is away',
      { env: { GIGAFACTORY_API: 'http://127.0.0.1:9/api', GIGAFACTORY_TOKEN: 't' } },
      5,
      'http://127.0.0.1:9',
    ],
  ])('with %s ends in words and a code', async (_, options, code, words) => {
    const answer = await aq(['health'], options);
    expect([answer.code, answer.stdout]).toEqual([code, '']);
    expect(answer.stderr).toContain(words);
  });

  it.each([
    ['a secret that is wrong', { clientSecret: 'x' }, 4, 'refused aq'],
    ['an issuer that is away', { tokenUrl: 'http://127.0.0.1:9/token' }, 5, 'npm start'],
    ['a field missing', { clientId: undefined }, 2, 'has no clientId'],
  ])('with %s in its file ends in words and a code', async (_, change, code, words) => {
    await write(change);
    const answer = await aq(['health'], { cwd: folder });
    expect([answer.code, answer.stderr]).toEqual([code, expect.stringContaining(words)]);
  });

  it('with a broken file names it', async () => {
    await writeFile(connectionFile(), '{');
    const answer = await aq(['health'], { cwd: folder });
    expect([answer.code, answer.stderr]).toEqual([2, expect.stringContaining('connection.json is not JSON')]);
  });
});

describe('a token', () => {
  it('is asked for once, and again before it ends', async () => {
    let requests = 0;
    let now = Date.now();
    const token = clientCredentials(
      {
        now: () => now,
        fetch: (...args) => {
          requests += 1;
          return fetch(...args);
        },
      },
      { tokenUrl: identity.tokenUrl, clientId: 'aq', clientSecret: 's' },
    );
    const [first, second] = await Promise.all([token(), token()]);
    expect(first).toBe(second);
    expect(await token()).toBe(first);
    expect(requests).toBe(1);
    now += 3_590_000;
    await token();
    expect(requests).toBe(2);
  });
});
