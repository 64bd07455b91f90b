import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { RunReport } from '../../../shared/contract/api.js';
import { AppError } from '../../../shared/errors.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture } from '../support/fixture.js';
import { git } from '../support/repository.js';

const failure = (report: RunReport | undefined): Extract<RunReport, { kind: 'failed' }> => {
  if (report?.kind !== 'failed') throw new Error(`expected a failure, not ${JSON.stringify(report)}`);
  return report;
};
const kinds = (reports: readonly RunReport[]): string[] => reports.map(({ kind }) => kind);

test('changes, commits, pushes, verifies and reports each step', async () => {
  await using fixture = await factoryFixture({ 'a.txt': 'one\n', 'gone.txt': 'x\n' });
  const { repository } = fixture;
  const claim = claimOf({
    title: 'Say two',
    repo: repository.path,
    verify: 'grep two a.txt && echo checked',
    body: 'Do this:\n\n```sh\necho two >> a.txt\nrm gone.txt\nmkdir -p lib; echo new > lib/b.txt\necho working\n```\n',
  });
  const seen = await fixture.execute(claim);

  expect(kinds(seen.reports)).toEqual(['started', 'finished', 'verified']);
  const branch = `aq/${claim.job.jobId}`;
  const head = repository.head(branch);
  expect(seen.reports[1]).toMatchObject({
    change: {
      branch,
      commit: head,
      baseCommit: repository.head('main'),
      filesChanged: ['a.txt', 'gone.txt', 'lib/b.txt'],
      insertions: 2,
      deletions: 1,
    },
    usage: { tokens: 0, usd: 0, accuracy: 'exact' },
  });
  expect(seen.reports[2]).toMatchObject({ verify: { passed: true, exitCode: 0, tail: 'two\nchecked' } });
  expect(repository.show(branch, 'a.txt')).toBe('one\ntwo');
  expect(git(repository.path, 'log', '-1', '--format=%an|%s|%(trailers:separator=%x2C)', branch)).toBe(
    `Gigafactory|Say two|Job: ${claim.job.jobId},Epoch: 1`,
  );
  expect(seen.log.toString()).toMatch(/^\[factory\] main is at [\s\S]*\nworking\n[\s\S]*two\nchecked\n/);
  expect(seen.logEnded).toBe(true);
  expect(fixture.leftovers()).toEqual([]);
});

test('keeps the commits that an engine makes itself', async () => {
  await using fixture = await factoryFixture();
  const claim = claimOf({
    repo: fixture.repository.path,
    body: 'echo two > b.txt; git add b.txt; git commit -qm "by the engine"; git checkout -qb its-own-branch',
  });
  const seen = await fixture.execute(claim);
  expect(kinds(seen.reports)).toEqual(['started', 'finished']);
  expect(git(fixture.repository.path, 'log', '-1', '--format=%s', `aq/${claim.job.jobId}`)).toBe(
    'by the engine',
  );
});

test('ends with finished when there is nothing to verify, the log closed before', async () => {
  await using fixture = await factoryFixture();
  let closedBefore: boolean | undefined;
  fixture.plane.onRequest = (route, run) => {
    if (route === 'reportRun' && run?.reports.length === 1) closedBefore = run.logEnded;
  };
  const seen = await fixture.execute(claimOf({ repo: fixture.repository.path, body: 'echo two > a.txt' }));
  expect(kinds(seen.reports)).toEqual(['started', 'finished']);
  expect(closedBefore).toBe(true);
});

test('reports a verify that fails with the end of its output', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, verify: 'echo expected 3; exit 7', body: 'echo 2 > a.txt' }),
  );
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'verified',
    verify: { passed: false, exitCode: 7, tail: 'expected 3' },
  });
});

test('ends a verify that never ends', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({
      repo: fixture.repository.path,
      timeout: 1,
      verify: 'echo waiting; sleep 60',
      body: 'echo 2 > a.txt',
    }),
  );
  expect(seen.reports.at(-1)).toMatchObject({ verify: { passed: false, exitCode: null } });
  expect(JSON.stringify(seen.reports.at(-1))).toContain('waiting');
});

test('calls a run without a change a failure', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, body: 'echo nothing to do; echo x > a.txt; echo one > a.txt' }),
  );
  expect(failure(seen.reports.at(-1))).toMatchObject({ reason: 'no_change', exitCode: 0 });
  expect(fixture.repository.head(`aq/job`)).toBeUndefined();
});

test('says with the last lines of its output why the engine failed', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({
      repo: fixture.repository.path,
      body: 'echo two > a.txt\necho "no such module: x" >&2\nexit 3',
    }),
  );
  const last = failure(seen.reports.at(-1));
  expect(last).toMatchObject({ reason: 'engine_failed', exitCode: 3 });
  expect(last.message).toBe('the script ended with exit code 3\nno such module: x');
  expect(fixture.leftovers()).toEqual([]);
});

test('survives output that is no text', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({
      repo: fixture.repository.path,
      body: 'head -c 20000 /dev/urandom; printf "\\033[31mred\\033[0m\\000"; exit 1',
    }),
  );
  const last = failure(seen.reports.at(-1));
  // oxlint-disable-next-line no-control-regex
  expect(last.message).not.toMatch(/[\u0000-\u0008\u001b]/);
  expect(last.message).toContain('red');
  expect(seen.log.length).toBeGreaterThan(20_000);
});

test('starts a later epoch from the base again and replaces its own branch', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const first = claimOf({ repo: repository.path, body: 'echo first > first.txt' });
  await fixture.execute(first);
  repository.commit({ 'c.txt': 'new base\n' });
  const again = claimOf(
    { repo: repository.path, body: 'test ! -e first.txt; test -e c.txt; echo second > second.txt' },
    { epoch: 2, job: { jobId: first.job.jobId } },
  );
  const seen = await fixture.execute(again);
  expect(kinds(seen.reports)).toEqual(['started', 'finished']);
  const files = git(repository.path, 'ls-tree', '--name-only', `aq/${first.job.jobId}`).split('\n');
  expect(files).toEqual(['a.txt', 'c.txt', 'second.txt']);
});

test('replaces what a worker of an earlier epoch pushed in the meantime', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const claim = claimOf(
    {
      repo: repository.path,
      body: `git -C ${repository.checkout} push -q origin HEAD:refs/heads/aq/$GIGAFACTORY_JOB; echo x > x.txt`,
    },
    { epoch: 2 },
  );
  const body = claim.job.manifest.body.replace('$GIGAFACTORY_JOB', claim.job.jobId);
  const seen = await fixture.execute({
    ...claim,
    job: { ...claim.job, manifest: { ...claim.job.manifest, body } },
  });
  expect(kinds(seen.reports)).toEqual(['started', 'finished']);
  expect(repository.show(`aq/${claim.job.jobId}`, 'x.txt')).toBe('x');
});

test('says what the repository says when it refuses the branch', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  writeFileSync(
    path.join(repository.path, 'hooks', 'pre-receive'),
    '#!/bin/sh\necho protected >&2\nexit 1\n',
    {
      mode: 0o755,
    },
  );
  const seen = await fixture.execute(claimOf({ repo: repository.path, body: 'echo 2 > a.txt' }));
  const last = failure(seen.reports.at(-1));
  expect(last.reason).toBe('refused');
  expect(last.message).toContain('pre-receive hook declined');
});

test.each([
  ['a repository that is not there', { repo: '/nowhere/at-all.git' }, 'cannot be reached from this factory'],
  ['a relative path', { repo: 'some/where' }, 'is a relative path'],
  ['no repository', {}, 'names no repository'],
])('fails in the pre-flight for %s', async (_, manifest, words) => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(claimOf({ ...manifest, body: 'echo 2 > a.txt' }));
  expect(kinds(seen.reports)).toEqual(['failed']);
  const last = failure(seen.reports[0]);
  expect(last.reason).toBe('preflight');
  expect(last.message).toContain(words);
  expect(fixture.leftovers()).toEqual([]);
});

test('names the branches that there are when the base is missing', async () => {
  await using fixture = await factoryFixture();
  fixture.repository.commit({ 'x.txt': 'x' }, 'develop');
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, 'base-branch': 'master', body: 'true' }),
  );
  expect(failure(seen.reports[0]).message).toMatch(/has no branch "master": it has develop, main$/);
});

test('fails in the pre-flight when the job has no script', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(claimOf({ repo: fixture.repository.path, body: '  \n' }));
  expect(failure(seen.reports.at(-1))).toMatchObject({ reason: 'preflight' });
});

test('gives a reason when the engine destroys its repository', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, body: 'rm -rf .git; echo 2 > a.txt' }),
  );
  const last = failure(seen.reports.at(-1));
  expect(last.reason).toBe('engine_failed');
  expect(last.message).toContain('not a git repository');
  expect(fixture.leftovers()).toEqual([]);
});

test('shows the engine none of the factory’s own settings', async () => {
  await using fixture = await factoryFixture();
  const secrets = { SERVICE_BUS: 'Endpoint=sb://x;SharedAccessKey=abc', GIGAFACTORY_API: 'http://x' };
  Object.assign(process.env, secrets);
  try {
    const seen = await fixture.execute(
      claimOf({ repo: fixture.repository.path, body: 'env | sort; echo 2 > a.txt' }),
    );
    expect(seen.log.toString()).not.toMatch(/SERVICE_BUS|GIGAFACTORY_API/);
    expect(seen.log.toString()).toContain('GIT_TERMINAL_PROMPT=0');
  } finally {
    for (const name of Object.keys(secrets)) delete process.env[name];
  }
});

test('keeps the factory’s secrets out of log, message and verify result', async () => {
  await using fixture = await factoryFixture();
  fixture.redactor.know('s3cret-value-of-the-bus');
  const seen = await fixture.execute(
    claimOf({
      repo: fixture.repository.path,
      verify: 'printf "s3cret-val"; sleep 0.1; printf "ue-of-the"; sleep 0.1; echo "-bus"',
      body: 'echo "s3cret-value-of-the-bus"; echo 2 > a.txt',
    }),
  );
  const everything =
    seen.log.toString() + JSON.stringify(seen.reports.filter(({ kind }) => kind === 'verified'));
  expect(everything).not.toContain('s3cret-value');
  expect(seen.log.toString().match(/\[redacted\]/g)).toHaveLength(2);
});

test('stops within a renewal of a stale epoch and pushes and reports nothing after it', async () => {
  await using fixture = await factoryFixture();
  const marker = path.join(fixture.folder, 'went-on');
  const claim = claimOf(
    { repo: fixture.repository.path, body: `echo 2 > a.txt; sleep 30; touch ${marker}` },
    { leaseSeconds: 1.5 },
  );
  fixture.plane.onRequest = (route, run) => {
    if (route === 'renewLease' && run?.reports.length === 1) fixture.plane.epochs.set(claim.job.jobId, 2);
  };
  const seen = await fixture.execute(claim);
  expect(kinds(seen.reports)).toEqual(['started']);
  expect(fixture.repository.head(`aq/${claim.job.jobId}`)).toBeUndefined();
  expect(existsSync(marker)).toBe(false);
  expect(fixture.leftovers()).toEqual([]);
});

test('asks for the lease once more before it pushes', async () => {
  await using fixture = await factoryFixture();
  const claim = claimOf({ repo: fixture.repository.path, body: 'echo 2 > a.txt' });
  fixture.plane.onRequest = (route) => {
    // The first renewal of this short run is the one before the push.
    if (route === 'renewLease') fixture.plane.epochs.set(claim.job.jobId, 2);
  };
  const seen = await fixture.execute(claim);
  expect(kinds(seen.reports)).toEqual(['started']);
  expect(fixture.repository.head(`aq/${claim.job.jobId}`)).toBeUndefined();
});

test('stops when nobody answers for a whole lease', async () => {
  await using fixture = await factoryFixture();
  fixture.plane.onRequest = (route, run) => {
    if (route === 'renewLease' && run?.reports.length === 1) throw new AppError('unavailable', 'away');
  };
  const claim = claimOf({ repo: fixture.repository.path, body: 'sleep 30' }, { leaseSeconds: 1.5 });
  expect(kinds((await fixture.execute(claim)).reports)).toEqual(['started']);
});

test('stops when the control plane says so', async () => {
  await using fixture = await factoryFixture();
  fixture.plane.onRequest = (_, run) => {
    if (run?.reports.length === 1) fixture.plane.directives = ['stop'];
  };
  const claim = claimOf({ repo: fixture.repository.path, body: 'sleep 30' }, { leaseSeconds: 1.5 });
  expect(kinds((await fixture.execute(claim)).reports)).toEqual(['started']);
  expect(fixture.leftovers()).toEqual([]);
});

test('sends a report again that did not get through', async () => {
  await using fixture = await factoryFixture();
  let failures = 2;
  fixture.plane.onRequest = (route) => {
    if (route === 'reportRun' && failures-- > 0) throw new AppError('unavailable', 'away');
  };
  const seen = await fixture.execute(claimOf({ repo: fixture.repository.path, body: 'echo 2 > a.txt' }));
  expect(kinds(seen.reports)).toEqual(['started', 'finished']);
});

test('gives the job back when the factory drains', async () => {
  await using fixture = await factoryFixture();
  const claim = claimOf({ repo: fixture.repository.path, body: 'echo ready; trap "" TERM; sleep 30' });
  const done = fixture.execute(claim);
  await fixture.plane.until(() => fixture.plane.run(claim).log.toString().includes('ready'));
  const begun = performance.now();
  fixture.drain.abort();
  const seen = await done;
  expect(performance.now() - begun).toBeLessThan(15_000);
  expect(kinds(seen.reports)).toEqual(['started', 'released']);
  expect(seen.log.toString()).toContain('goes back to the queue');
  expect(fixture.repository.head(`aq/${claim.job.jobId}`)).toBeUndefined();
  expect(fixture.leftovers()).toEqual([]);
});

test('reports the result although nobody takes the log, and says that it is incomplete', async () => {
  await using fixture = await factoryFixture();
  fixture.plane.onRequest = (route) => {
    if (route === 'appendLog') throw new AppError('unavailable', 'the blobs are away');
  };
  const seen = await fixture.execute(claimOf({ repo: fixture.repository.path, body: 'echo 2 > a.txt' }));
  expect(kinds(seen.reports)).toEqual(['started', 'finished']);
  expect(seen.logEnded).toBe(false);
  expect(fixture.said.join('\n')).toContain('log is incomplete');
});
