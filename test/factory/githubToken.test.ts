import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { GithubTokens } from '../../factory/githubToken.js';
import { startTracker } from '../../local/tracker/server.js';
import { claimOf } from './support/controlPlane.js';
import { factoryFixture } from './support/fixture.js';
import { createRepository, TemporaryFolder } from './support/repository.js';

const REPOSITORY = { owner: 'acme', name: 'shop' };
const never = new AbortController().signal;
afterEach(() => void vi.unstubAllEnvs());

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  // As GitHub hands it out.
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
});

/** GitHub's stand-in with the app installed on the repository, on a clock of its own. */
async function github() {
  let ms = Date.parse('2026-11-21T00:00:00.000Z');
  const clock = {
    now: () => ms,
    schedule: () => ({ cancel: () => {} }),
  } as unknown as NonNullable<Parameters<typeof startTracker>[0]['clock']>;
  const tracker = await startTracker({
    repository: 'acme/shop',
    cloneUrl: '/nowhere',
    token: 'a-person',
    app: { id: '42', publicKey },
    clock,
  });
  return {
    ...tracker,
    now: () => ms,
    advance: (minutes: number) => (ms += minutes * 60_000),
    ask: (token: string) =>
      fetch(`${tracker.apiUrl}/repos/acme/shop/pulls`, {
        headers: { authorization: `Bearer ${token}`, 'user-agent': 'test' },
      }).then(({ status }) => status),
    [Symbol.asyncDispose]: () => tracker.close(),
  };
}

test('an app trades its key for a token of the repository, keeps it, and gets a new one before it runs out', async () => {
  await using server = await github();
  const told: string[] = [];
  const env = {
    GITHUB_APP_ID: '42',
    GITHUB_APP_PRIVATE_KEY: privateKey.replaceAll('\n', '\\n'),
    GH_TOKEN: 'other',
  };
  const tokens = new GithubTokens(env, (token) => told.push(token), server.now);
  const at = { apiUrl: server.apiUrl, ...REPOSITORY };
  const first = await tokens.tokenFor(at, never);
  expect(await server.ask(first ?? '')).toBe(200);
  expect(told).toContain(first);
  server.advance(58);
  expect(await tokens.tokenFor(at, never)).toBe(first);
  server.advance(1.5);
  const second = await tokens.tokenFor(at, never);
  expect(second).not.toBe(first);
  server.advance(1);
  expect([await server.ask(first ?? ''), await server.ask(second ?? '')]).toEqual([401, 200]);
});

test.each([
  ['another key', { GITHUB_APP_PRIVATE_KEY: 'other' }, 'GITHUB_APP_PRIVATE_KEY) cannot be read'],
  ['no key', {}, 'neither GITHUB_APP_PRIVATE_KEY_FILE nor GITHUB_APP_PRIVATE_KEY is set'],
  [
    'a file that is not there',
    { GITHUB_APP_PRIVATE_KEY_FILE: '/no/key.pem' },
    '(/no/key.pem) cannot be read',
  ],
  [
    'another app',
    { GITHUB_APP_ID: '43', GITHUB_APP_PRIVATE_KEY: privateKey },
    'find the app 43 on acme/shop (401)',
  ],
])('with %s an app says what is wrong', async (_, env, words) => {
  await using server = await github();
  const tokens = new GithubTokens({ GITHUB_APP_ID: '42', ...env }, () => {}, server.now);
  await expect(tokens.tokenFor({ apiUrl: server.apiUrl, ...REPOSITORY }, never)).rejects.toThrow(words);
});

test('an app that is not installed on the repository says so', async () => {
  await using server = await github();
  const env = { GITHUB_APP_ID: '42', GITHUB_APP_PRIVATE_KEY: privateKey };
  const tokens = new GithubTokens(env, () => {}, server.now);
  const other = { apiUrl: server.apiUrl, owner: 'acme', name: 'other' };
  await expect(tokens.tokenFor(other, never)).rejects.toThrow('find the app 42 on acme/other (404)');
});

test('without an app it is the token that is set, else that of gh, else none', async () => {
  using home = new TemporaryFolder();
  const gh = path.join(home.path, 'gh');
  writeFileSync(gh, '#!/bin/sh\n[ "$*" = "auth token --hostname github.com" ] && echo from-gh\n');
  chmodSync(gh, 0o755);
  const at = { apiUrl: 'https://api.github.com', ...REPOSITORY };
  const PATH = `${home.path}:${process.env['PATH'] ?? ''}`;
  const told: string[] = [];
  const ask = (env: NodeJS.ProcessEnv) =>
    new GithubTokens(env, (token) => told.push(token)).tokenFor(at, never);
  expect(await ask({ PATH, GH_TOKEN: 'set' })).toBe('set');
  expect(await ask({ PATH, GITHUB_TOKEN: 'set too' })).toBe('set too');
  expect(await ask({ PATH })).toBe('from-gh');
  expect(told).toEqual(['from-gh']);
  writeFileSync(gh, '#!/bin/sh\necho "no oauth token" >&2; exit 1\n');
  expect(await ask({ PATH })).toBeUndefined();
  expect(await ask({ PATH: '' })).toBeUndefined();
});

test('the app of the machine opens the pull request of a run', async () => {
  const server = await startTracker({
    repository: 'acme/shop',
    cloneUrl: '/nowhere',
    token: 'a-person',
    app: { id: '42', publicKey },
  });
  try {
    using home = new TemporaryFolder();
    const repo = 'https://github.com/acme/shop.git';
    const repository = createRepository(home.path);
    const key = path.join(home.path, 'app.pem');
    writeFileSync(key, privateKey);
    mkdirSync(path.join(home.path, '.config/git'), { recursive: true });
    writeFileSync(path.join(home.path, '.gitconfig'), `[url "${repository.path}"]\n\tinsteadOf = ${repo}\n`);
    vi.stubEnv('HOME', home.path);
    vi.stubEnv('GH_TOKEN', '');
    vi.stubEnv('GITHUB_APP_ID', '42');
    vi.stubEnv('GITHUB_APP_PRIVATE_KEY_FILE', key);
    vi.stubEnv('GITHUB_API_URL', server.apiUrl);
    await using fixture = await factoryFixture();
    const claim = claimOf({ repo, body: 'env | grep -c GITHUB_APP_ || true; echo two > a.txt' });
    const seen = await fixture.execute(claim);
    expect(seen.reports.at(-1)).toMatchObject({
      kind: 'finished',
      change: { pullRequest: { number: 1, url: `${server.url}/acme/shop/pull/1` } },
    });
    // Not even the name of the key's file reaches the engine.
    expect(seen.log.toString()).toMatch(/^0$/m);
  } finally {
    await server.close();
  }
});
