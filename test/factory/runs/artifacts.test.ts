import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { AppError } from '../../../shared/errors.js';
import { GITHUB_TOKEN } from '../../support/secrets.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture } from '../support/fixture.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const secret = `"${GITHUB_TOKEN.slice(0, 12)}""${GITHUB_TOKEN.slice(12)}"`;

test('keeps what the check wrote and the job asks for, with checksums, and tells it with the result', async () => {
  await using fixture = await factoryFixture();
  const claim = claimOf({
    repo: fixture.repository.path,
    body: 'echo two > a.txt',
    verify:
      'mkdir -p out/deep; printf hi > out/deep/a.bin; ln -s /etc/passwd out/link; ln -s /etc out/etc; echo no > other',
    artifacts: ['out/**'],
  });
  const seen = await fixture.execute(claim);
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'verified',
    artifacts: [{ path: 'out/deep/a.bin', bytes: 2, sha256: sha256('hi') }],
  });
  expect([...seen.artifacts.keys()]).toEqual(['out/deep/a.bin']);
});

test('keeps files of a run without a check too', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, body: 'echo two > a.txt', artifacts: ['*.txt'] }),
  );
  expect(seen.reports.at(-1)).toMatchObject({ kind: 'finished', artifacts: [{ path: 'a.txt', bytes: 4 }] });
});

test('leaves out what holds a credential or is too large, says so, and the run goes on', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({
      repo: fixture.repository.path,
      body: 'echo two > a.txt',
      verify: `mkdir out; echo ${secret} > out/env; (head -c 100 /dev/zero; echo ${secret}) > out/core; head -c 17000000 /dev/zero > out/big; echo x > out/ok`,
      artifacts: ['out/*'],
    }),
  );
  expect([...seen.artifacts.keys()]).toEqual(['out/ok']);
  const log = seen.log.toString();
  expect(log).toContain('artifact out/env is not kept: it holds a GitHub token in out/env (line 1)');
  expect(log).toContain('artifact out/core is not kept: it holds a GitHub token');
  expect(log).toContain('artifact out/big is not kept: it has 17000000 bytes');
  expect(log + JSON.stringify(seen.reports)).not.toContain(GITHUB_TOKEN);
});

test('tries again when a file does not get through', async () => {
  await using fixture = await factoryFixture();
  let refused = 0;
  fixture.plane.onRequest = (route) => {
    if (route !== 'putArtifact' || refused === 2) return;
    refused += 1;
    throw new AppError('unavailable', 'busy');
  };
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, body: 'echo two > a.txt', artifacts: ['a.txt'] }),
  );
  expect([...seen.artifacts.keys()]).toEqual(['a.txt']);
});

test('sums up what the check reports of its tests, and not what lay in the repository', async () => {
  const junit = (cases: string): string =>
    `<testsuites><testsuite name="s">${cases}</testsuite></testsuites>`;
  await using fixture = await factoryFixture({
    'a.txt': 'one\n',
    'old/junit.xml': junit('<testcase name="old"/>'),
  });
  const cases =
    '<testcase classname="cart" name="sums &lt;1&gt;"/><testcase name="b"><failure>x</failure></testcase><testcase name="c"><skipped/></testcase>';
  const seen = await fixture.execute(
    claimOf({
      repo: fixture.repository.path,
      body: 'echo two > a.txt',
      verify: `touch -d '2020-01-01' old/junit.xml; mkdir coverage; printf 'LF:8\\nLH:6\\nend_of_record\\n' > coverage/lcov.info; printf '%s' '${junit(cases)}' > junit.xml; exit 1`,
    }),
  );
  expect(seen.reports.at(-1)).toMatchObject({
    verify: {
      passed: false,
      tests: { passed: 1, failed: 1, skipped: 1, failures: ['b'] },
      coveragePercent: 75,
    },
  });
});
