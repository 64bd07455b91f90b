import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { githubRepository } from '../../../factory/pullRequests.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture } from '../support/fixture.js';
import { createRepository, TemporaryFolder } from '../support/repository.js';

const REPO = 'https://github.com/acme/shop.git';

/** GitHub's pull requests over HTTP, as documented: one open one a branch, 422 for a second. */
async function github(answer?: () => number | undefined) {
  const pulls: { number: number; html_url: string; head: string; base: string; body: string }[] = [];
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const send = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      const url = new URL(request.url ?? '', 'http://x');
      seen.push(`${request.method} ${url.pathname}`);
      if (request.headers.authorization !== 'Bearer machine-token-1')
        return send(401, { message: 'Bad credentials' });
      const status = answer?.();
      if (status !== undefined) return send(status, { message: 'Resource not accessible by integration' });
      if (request.method === 'GET') {
        const head = url.searchParams.get('head')?.replace('acme:', '');
        return send(
          200,
          pulls.filter((one) => one.head === head),
        );
      }
      const { head, base, body } = JSON.parse(Buffer.concat(chunks).toString()) as (typeof pulls)[number];
      if (pulls.some((one) => one.head === head))
        return send(422, {
          message: 'Validation Failed',
          errors: [{ message: 'A pull request already exists' }],
        });
      const number = pulls.length + 1;
      pulls.push({ number, html_url: `https://github.com/acme/shop/pull/${number}`, head, base, body });
      return send(201, pulls.at(-1));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pulls,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A machine whose git finds GitHub's repository on its own disk. */
function machine(home: string, apiUrl: string, token = 'machine-token-1') {
  const repository = createRepository(home);
  mkdirSync(path.join(home, '.config/git'), { recursive: true });
  writeFileSync(path.join(home, '.gitconfig'), `[url "${repository.path}"]\n\tinsteadOf = ${REPO}\n`);
  vi.stubEnv('HOME', home);
  vi.stubEnv('GH_TOKEN', token);
  vi.stubEnv('GITHUB_API_URL', apiUrl);
  return repository;
}
afterEach(() => void vi.unstubAllEnvs());

test('opens one pull request for the job, also over several runs', async () => {
  await using server = await github();
  using home = new TemporaryFolder();
  const repository = machine(home.path, server.url);
  await using fixture = await factoryFixture();
  const job = {
    trackerItem: { tracker: 'github', repository: 'acme/shop', number: 7, url: 'https://t.example/7' },
  } as const;
  const first = claimOf({ repo: REPO, body: 'echo two > a.txt' }, { job });
  const seen = await fixture.execute(first);
  const again = claimOf(
    { repo: REPO, body: 'echo three > a.txt' },
    { epoch: 2, job: { ...job, jobId: first.job.jobId } },
  );
  const later = await fixture.execute(again);
  for (const { reports } of [seen, later])
    expect(reports.at(-1)).toMatchObject({
      kind: 'finished',
      change: { pullRequest: { number: 1, url: 'https://github.com/acme/shop/pull/1' } },
    });
  expect(server.pulls).toMatchObject([{ base: 'main', head: `aq/${first.job.jobId}` }]);
  expect(server.pulls[0]?.body).toContain('For https://t.example/7.');
  expect(repository.show(`aq/${first.job.jobId}`, 'a.txt')).toBe('three');
});

test('a refusal of GitHub leaves the change as it is and says why', async () => {
  await using server = await github(() => 403);
  using home = new TemporaryFolder();
  machine(home.path, server.url);
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(claimOf({ repo: REPO, body: 'echo two > a.txt' }));
  expect(seen.reports.at(-1)).toMatchObject({ kind: 'finished' });
  expect(seen.log.toString()).toContain(
    'no pull request: GitHub refused to list the pull requests (403): Resource not accessible by integration',
  );
});

test('a stale epoch opens none', async () => {
  await using server = await github();
  using home = new TemporaryFolder();
  machine(home.path, server.url);
  await using fixture = await factoryFixture();
  const claim = claimOf({ repo: REPO, body: 'echo two > a.txt' });
  fixture.plane.onRequest = (route) => {
    if (route === 'reportRun') fixture.plane.epochs.set(claim.job.jobId, 2);
  };
  await fixture.execute(claim);
  expect(server.seen).toEqual([]);
});

test.each([
  ['https://github.com/acme/shop.git', {}, 'https://api.github.com', 'acme/shop'],
  ['git@github.com:acme/shop', {}, 'https://api.github.com', 'acme/shop'],
  ['ssh://git@ghe.acme.io:22/a/b.c.git', { GH_HOST: 'ghe.acme.io' }, 'https://ghe.acme.io/api/v3', 'a/b.c'],
])('knows the API of %s', (repo, env, apiUrl, name) => {
  const found = githubRepository(repo, env);
  expect([found?.apiUrl, `${found?.owner}/${found?.name}`]).toEqual([apiUrl, name]);
});

test.each([
  '/srv/git/shop.git',
  'https://gitlab.com/acme/shop.git',
  'https://github.com.evil.io/acme/shop',
  'file:///a/b',
])('sees no GitHub in %s', (repo) => {
  expect(githubRepository(repo, {})).toBeUndefined();
});
