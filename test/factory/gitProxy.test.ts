// Git of a factory behind a proxy: which repositories it asks the proxy for, and which not.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { certificateFor } from '../support/certificate.js';
import { serveGit } from '../support/gitServer.js';
import { proxyTo, tlsBefore } from '../support/proxy.js';
import { claimOf, ControlPlane } from './support/controlPlane.js';
import { runOnce } from './support/once.js';
import { createRepository, git, TemporaryFolder } from './support/repository.js';

/** No name server knows it: only the proxy does. */
const HOST = 'git.test';

interface Case {
  readonly name: string;
  readonly repo: (port: number) => string;
  readonly env: (proxy: string) => Record<string, string>;
  /** What the proxy is asked for; nothing where all goes past it. */
  readonly asked: readonly RegExp[];
}

const CASES: readonly Case[] = [
  {
    name: 'HTTPS_PROXY carries fetch and push of an https repository, by CONNECT alone',
    repo: () => `https://${HOST}/origin.git`,
    env: (proxy) => ({ HTTPS_PROXY: proxy }),
    asked: [/^CONNECT git\.test:443$/],
  },
  {
    name: 'HTTP_PROXY carries those of a plain repository, also in capital letters',
    repo: () => `http://${HOST}/origin.git`,
    env: (proxy) => ({ HTTP_PROXY: proxy }),
    asked: [/^(GET|POST) http:\/\/git\.test\/origin\.git\//],
  },
  {
    name: 'NO_PROXY leads past it',
    repo: (port) => `http://127.0.0.1:${port}/origin.git`,
    env: (proxy) => ({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: 'example.test,127.0.0.1' }),
    asked: [],
  },
];

test.each(CASES)('$name', async ({ repo, env, asked }) => {
  using home = new TemporaryFolder();
  await using plane = await ControlPlane.start();
  plane.enrolments.add('one-time-token');
  const root = path.join(home.path, 'served');
  mkdirSync(root);
  const repository = createRepository(root);
  git(repository.path, 'config', 'http.receivepack', 'true');
  const certificate = certificateFor(HOST);
  const ca = path.join(home.path, 'ca.pem');
  writeFileSync(ca, certificate.cert);
  await using server = await serveGit(root);
  await using front = await tlsBefore(server.port, certificate);
  const isTls = repo(server.port).startsWith('https');
  await using proxy = await proxyTo(() => (isTls ? front.port : server.port));
  const claim = claimOf({ repo: repo(server.port), body: 'echo two > b' });
  plane.ready.push(claim);
  const { code, said } = await runOnce(home.path, {
    AQ_FLEET_ROUTE: 'poll',
    GIGAFACTORY_API: plane.url,
    GIGAFACTORY_ENROLMENT: 'one-time-token',
    GIT_SSL_CAINFO: ca,
    ...env(proxy.url),
  });
  expect([code, said]).toEqual([0, expect.stringContaining('run finished')]);
  expect(plane.run(claim).reports.at(-1)).toMatchObject({ kind: 'finished' });
  expect(repository.show(`aq/${claim.job.jobId}`, 'b')).toBe('two');
  // Branches are asked for, the base is fetched, the change is pushed: all of it came this way.
  expect(server.requests).toBeGreaterThanOrEqual(4);
  expect(proxy.asked.filter((one) => !asked.some((pattern) => pattern.test(one)))).toEqual([]);
  expect(proxy.asked.length > 0).toBe(asked.length > 0);
});
