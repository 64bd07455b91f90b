import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, type Client } from '../../shared/client.js';
import { PRODUCT, startCliSystem, type CliSystem } from './system.js';

let system: CliSystem;
let factory: Client;
let pools: readonly string[];
beforeAll(async () => {
  system = await startCliSystem();
  const { enrolmentToken } = await system.admin.createEnrolment({ body: { products: [PRODUCT] } });
  const descriptor = {
    name: 'boxed',
    advertises: ['os:linux', 'engine:shell'],
    stations: 1,
    agentVersion: '1',
  };
  const enrolled = await createClient({ baseUrl: system.apiUrl }).enrolFactory({
    body: { enrolmentToken, descriptor },
  });
  factory = createClient({ baseUrl: system.apiUrl, token: enrolled.token });
  pools = enrolled.pools;
}, 60_000);
afterAll(() => system.close());

it('artifacts are listed and fetched; a change outside of its scope ships after an override alone', async () => {
  const file = await system.file('job.md', '---\ntitle: Left its scope\n---\necho hi\n');
  await system.aq(['submit', file]);
  const claims = await Promise.all(
    pools.map((pool) => factory.claimJobs({ body: { pool, stations: 1, running: 0 } })),
  );
  const claim = claims.flatMap((one) => one.claims)[0];
  if (!claim) throw new Error('nothing was claimed');
  const { jobId } = claim.job;
  const params = { jobId, epoch: 1 };
  const body = Buffer.from('TN:\n');
  const query = { path: 'coverage/lcov.info', sha256: createHash('sha256').update(body).digest('hex') };
  const kept = await factory.putArtifact({ params, query, body });
  await factory.reportRun({ params, body: { kind: 'started' } });
  const scope = { allowed: ['src/**'], outside: ['ci.yml'], shared: [], gates: ['ci.yml'] };
  const change = {
    branch: `aq/${jobId}`,
    commit: 'c0ffee',
    baseCommit: 'ba5e',
    filesChanged: ['ci.yml'],
    insertions: 1,
    deletions: 0,
    scope,
    pullRequest: { number: 7, url: 'https://github.com/acme/shop/pull/7' },
  };
  const usage = { wallSeconds: 1, tokens: 0, usd: 0, accuracy: 'exact' } as const;
  const verify = {
    command: 'npm test',
    passed: true,
    exitCode: 0,
    durationMs: 5,
    tail: 'ok',
    tests: { passed: 3, failed: 0, skipped: 1, failures: [] },
    coveragePercent: 81.5,
  };
  await factory.reportRun({ params, body: { kind: 'finished', change, usage, verify: 'npm test' } });
  await factory.reportRun({ params, body: { kind: 'verified', verify, artifacts: [kept] } });

  const shown = (await system.aq(['show', jobId])).stdout;
  expect(shown).toContain('its scope: ci.yml; its own checks changed: ci.yml');
  expect(shown).toContain('https://github.com/acme/shop/pull/7');
  expect(shown).toContain('npm test (3 passed, 1 skipped, 81.5% of lines covered)');

  expect((await system.aq(['artifacts', jobId])).stdout).toMatch(/^1 +4 +\w{12} +coverage\/lcov\.info$/m);
  const fetched = await system.aq(['artifacts', jobId, 'coverage/lcov.info', '-o', 'out/lcov.info']);
  expect([fetched.code, fetched.stdout]).toEqual([0, expect.stringContaining('4 bytes, checksum ok')]);
  expect(await readFile(path.join(system.folder, 'out/lcov.info'), 'utf8')).toBe('TN:\n');
  const absent = await system.aq(['artifacts', jobId, 'coverage/none']);
  expect(absent.stderr).toContain('kept no file coverage/none');

  const refused = await system.aq(['ship', jobId, '--no-wait']);
  expect(refused.stderr).toMatch(/changes ci\.yml, outside of its allowed scope \(src\/\*\*\).*override/);
  const overridden = await system.aq(['override', jobId, '-m', 'the licence header was asked for']);
  expect(overridden.code).toBe(0);
  expect((await system.aq(['ship', jobId, '--no-wait'])).code).toBe(0);
  expect((await system.aq(['show', jobId])).stdout).toContain(
    'May ship although it left its scope: the licence header was asked for',
  );
});
