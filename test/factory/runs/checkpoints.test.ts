import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { NO_CONFIG } from '../../../factory/capabilities/config.js';
import type { Checkpoint } from '../../../shared/contract/job.js';
import { AppError } from '../../../shared/errors.js';
import { GITHUB_TOKEN } from '../../support/secrets.js';
import { claimOf, type SeenRun } from '../support/controlPlane.js';
import { factoryFixture, type FactoryFixture } from '../support/fixture.js';
import { git } from '../support/repository.js';

/** Does one half, says so, and waits to be interrupted; with the first half there it does the second. */
const IN_HALVES = `
if [ -n "$GIGAFACTORY_CHECKPOINT" ]; then
  cat first.txt untracked/second.txt > whole.txt
  git status --porcelain > seen.txt
else
  echo changed > a.txt; git add a.txt
  echo first > first.txt; mkdir untracked; echo second > untracked/second.txt
  echo half-done
  sleep 60
fi`;

const refs = (fixture: FactoryFixture): string[] =>
  git(fixture.repository.path, 'for-each-ref', '--format=%(refname)').split('\n');
const checkpointOf = (seen: SeenRun): Checkpoint | undefined =>
  seen.reports.findLast((report) => report.kind === 'checkpointed')?.checkpoint;

/** Carries a claim out up to a word in its log, and then drains. */
async function interrupt(fixture: FactoryFixture, body: string, word = 'half-done'): Promise<SeenRun> {
  const claim = claimOf({ repo: fixture.repository.path, body }, { job: { jobId: 'job-00000000000000aa' } });
  const working = fixture.execute(claim);
  await fixture.plane.until(() => fixture.plane.run(claim).log.includes(word));
  fixture.drain.abort();
  return working;
}

const again = (repo: string, body: string, checkpoint: Checkpoint | undefined) =>
  claimOf(
    { repo, body },
    { epoch: 2, job: { jobId: 'job-00000000000000aa', epoch: 2, ...(checkpoint && { checkpoint }) } },
  );

test('a run that is drained keeps its work, and the next one goes on with it', async () => {
  await using first = await factoryFixture();
  const seen = await interrupt(first, IN_HALVES);
  expect(seen.reports.map(({ kind }) => kind)).toEqual(['started', 'checkpointed', 'released']);
  const checkpoint = checkpointOf(seen);
  expect(checkpoint?.ref).toBe('refs/aq/checkpoint/job-00000000000000aa/1');
  expect(refs(first)).toEqual([checkpoint?.ref, 'refs/heads/main']);
  expect(first.repository.show(checkpoint?.commit ?? '', 'untracked/second.txt')).toBe('second');
  expect(first.leftovers()).toEqual([]);

  await using second = await factoryFixture();
  // The base has moved on since then: the work goes on where it began.
  first.repository.commit({ 'later.txt': 'later\n' });
  const next = await second.execute(again(first.repository.path, IN_HALVES, checkpoint));
  expect(next.log.toString()).toContain(`goes on from the checkpoint ${checkpoint?.commit.slice(0, 12)}`);
  const finished = next.reports.find((report) => report.kind === 'finished');
  expect(finished?.change).toMatchObject({
    baseCommit: checkpoint?.baseCommit,
    filesChanged: ['a.txt', 'first.txt', 'seen.txt', 'untracked/second.txt', 'whole.txt'],
  });
  const branch = 'aq/job-00000000000000aa';
  expect(first.repository.show(branch, 'whole.txt')).toBe('first\nsecond');
  expect(first.repository.show(branch, 'seen.txt')).toBe(
    'M a.txt\n?? first.txt\n?? seen.txt\n?? untracked/\n?? whole.txt',
  );
  // Done: nothing of it is kept any more.
  expect(refs(first)).toEqual([`refs/heads/${branch}`, 'refs/heads/main']);
});

test('a script that does not ask for its checkpoint begins anew, so none is kept', async () => {
  await using fixture = await factoryFixture();
  const seen = await interrupt(fixture, 'echo x > b.txt; echo half-done; sleep 60');
  expect(seen.reports.map(({ kind }) => kind)).toEqual(['started', 'released']);
  expect(refs(fixture)).toEqual(['refs/heads/main']);
});

test('a checkpoint with a secret is not pushed, and the log does not show it', async () => {
  await using fixture = await factoryFixture();
  const [head, tail] = [GITHUB_TOKEN.slice(0, 12), GITHUB_TOKEN.slice(12)];
  const body = `: $GIGAFACTORY_CHECKPOINT; echo "${head}""${tail}" > k; echo half-done; sleep 60`;
  const seen = await interrupt(fixture, body);
  expect(seen.reports.map(({ kind }) => kind)).toEqual(['started', 'released']);
  expect(seen.log.toString()).toContain('no checkpoint: it holds a GitHub token in k (line 1)');
  expect(seen.log.toString()).not.toContain(GITHUB_TOKEN);
  expect(refs(fixture)).toEqual(['refs/heads/main']);
});

test('a repository that the engine made in the worktree is not kept, and the log says so', async () => {
  await using fixture = await factoryFixture();
  const seen = await interrupt(
    fixture,
    `: $GIGAFACTORY_CHECKPOINT
echo one > one.txt; git init -q bare; echo x > bare/x; git init -q emb; cd emb; echo x > x.txt; git add .
git -c user.name=a -c user.email=a@b commit -q -m x; echo half-done; sleep 60`,
  );
  expect(seen.log.toString()).toMatch(/checkpoint: \w{12}, without emb: a repository of its own/);
  expect(seen.log.toString()).toContain(
    "not all: git add: error: 'bare/' does not have a commit checked out",
  );
  const { commit = '' } = checkpointOf(seen) ?? {};
  const kept = git(fixture.repository.path, 'ls-tree', '-r', '--name-only', commit).split('\n');
  expect(kept).toContain('one.txt');
  expect(kept).not.toContain('emb');
});

test('a factory that has lost its lease pushes no checkpoint', async () => {
  await using fixture = await factoryFixture();
  fixture.plane.onRequest = (route) => {
    if (route === 'renewLease') throw new AppError('stale-epoch', 'epoch 1 is over');
  };
  const seen = await interrupt(fixture, IN_HALVES);
  expect(checkpointOf(seen)).toBeUndefined();
  expect(refs(fixture)).toEqual(['refs/heads/main']);
});

test('nobody goes on with a checkpoint of which no report came', async () => {
  await using fixture = await factoryFixture();
  let lost = 0;
  fixture.plane.onRequest = (route, run) => {
    if (route === 'reportRun' && run?.reports.at(-1)?.kind === 'started' && lost++ === 0)
      throw new AppError('stale-epoch', 'epoch 1 is over');
  };
  const seen = await interrupt(fixture, IN_HALVES);
  const ref = 'refs/aq/checkpoint/job-00000000000000aa/1';
  expect(refs(fixture)).toContain(ref);
  const body = '[ -z "$GIGAFACTORY_CHECKPOINT" ] && echo new > new.txt';
  await using second = await factoryFixture();
  const next = await second.execute(again(fixture.repository.path, body, checkpointOf(seen)));
  expect(next.reports.at(-1)).toMatchObject({ kind: 'finished', change: { filesChanged: ['new.txt'] } });
});

test('a run without its checkpoint begins anew, and says so', async () => {
  await using fixture = await factoryFixture();
  const gone = { ref: 'refs/aq/checkpoint/job-00000000000000aa/1', commit: 'd'.repeat(40), baseCommit: 'b' };
  const body = '[ -z "$GIGAFACTORY_CHECKPOINT" ] && echo new > new.txt';
  const seen = await fixture.execute(again(fixture.repository.path, body, gone));
  expect(seen.log.toString()).toContain('the checkpoint dddddddddddd is not there any more: begins anew');
  expect(seen.reports.at(-1)).toMatchObject({ kind: 'finished' });
});

test('keeps work while the engine is at it, and touches neither its index nor its branch', async () => {
  await using fixture = await factoryFixture(undefined, {
    config: { ...NO_CONFIG, checkpointSeconds: 0.05 },
  });
  const go = path.join(fixture.folder, 'go');
  const body = `: $GIGAFACTORY_CHECKPOINT
git checkout -q -b mine; echo staged > staged.txt; git add staged.txt; echo loose > loose.txt
git status --porcelain --branch > ../../before
while [ ! -e ${go} ]; do sleep 0.05; done
git status --porcelain --branch > ../../after`;
  const claim = claimOf({ repo: fixture.repository.path, body });
  const working = fixture.execute(claim);
  const run = fixture.plane.run(claim);
  // What comes before the loose file is whole in a checkpoint that has it.
  await fixture.plane.until(() => {
    const last = checkpointOf(run)?.commit;
    const names = last && git(fixture.repository.path, 'ls-tree', '--name-only', last);
    return existsSync(path.join(fixture.dataDir, 'before')) && Boolean(names?.includes('loose.txt'));
  });
  const { commit = '' } = checkpointOf(run) ?? {};
  expect(fixture.repository.show(commit, 'staged.txt')).toBe('staged');
  writeFileSync(go, '');
  const seen = await working;
  const [before, after] = ['before', 'after'].map((name) => git(fixture.dataDir, 'hash-object', name));
  expect(after).toBe(before);
  expect(seen.reports.at(-1)).toMatchObject({ kind: 'finished' });
  expect(refs(fixture)).toEqual([`refs/heads/aq/${claim.job.jobId}`, 'refs/heads/main']);
});

test('a run that is out of time keeps its work for the retry', async () => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, body: IN_HALVES, timeout: '1s' }),
  );
  expect(seen.reports.map(({ kind }) => kind)).toEqual(['started', 'checkpointed', 'failed']);
  expect(seen.reports.at(-1)).toMatchObject({ reason: 'timeout' });
});
