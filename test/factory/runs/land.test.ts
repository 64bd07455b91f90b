import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { NO_CONFIG } from '../../../factory/capabilities/config.js';
import type { Claim, RunReport } from '../../../shared/contract/api.js';
import type { Change } from '../../../shared/contract/job.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture, type FactoryFixture } from '../support/fixture.js';
import { git } from '../support/repository.js';

/** A job whose build run has pushed a change that writes `two` into a.txt; the claim is the one to land it. */
async function reviewed(fixture: FactoryFixture, repo = fixture.repository.path): Promise<Claim> {
  const build = claimOf({ title: 'Say two', repo, body: 'echo two > a.txt' });
  const seen = await fixture.execute(build);
  const finished = seen.reports.find((report) => report.kind === 'finished');
  if (!finished) throw new Error(`the build did not finish: ${JSON.stringify(seen.reports)}`);
  return landing(build, finished.change);
}

const landing = ({ job }: Claim, change: Change, epoch = 2): Claim =>
  claimOf(
    { title: 'Say two', repo: job.manifest.repo ?? '', body: job.manifest.body },
    {
      kind: 'land',
      epoch,
      job: { jobId: job.jobId, change },
    },
  );

const last = (reports: readonly RunReport[]): RunReport | undefined => reports.at(-1);

test('merges the reviewed commit into the base with a merge commit that names the job', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const claim = await reviewed(fixture);
  repository.commit({ 'b.txt': 'meanwhile\n' });
  const seen = await fixture.execute(claim);
  expect(last(seen.reports)).toEqual({
    kind: 'landed',
    mergeCommit: repository.head('main'),
    baseBranch: 'main',
  });
  expect(repository.show('main', 'a.txt')).toBe('two');
  expect(repository.show('main', 'b.txt')).toBe('meanwhile');
  expect(git(repository.path, 'log', '-1', '--format=%s|%(trailers:key=Job,valueonly)', 'main')).toContain(
    `Merge aq/${claim.job.jobId}: Say two|${claim.job.jobId}`,
  );
  expect(fixture.leftovers()).toEqual([]);
});

test('answers with the first merge when its acknowledgement was lost', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const claim = await reviewed(fixture);
  await fixture.execute(claim);
  const mergeCommit = repository.head('main');
  git(repository.checkout, 'pull', '--quiet', 'origin', 'main');
  repository.commit({ 'later.txt': 'later\n' });
  const again = await fixture.execute(landing(claim, claim.job.change as Change, 3));
  expect(last(again.reports)).toMatchObject({ kind: 'landed', mergeCommit });
});

test.each([2, 7])('tries again when the base moves %i times before the push', async (times) => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const claim = await reviewed(fixture);
  let moves = times;
  fixture.plane.onRequest = (route) => {
    // The renewal right before the push of the base.
    if (route === 'renewLease' && moves-- > 0) repository.commit({ [`moved-${moves}.txt`]: 'x\n' });
  };
  const seen = await fixture.execute(claim);
  expect(last(seen.reports)?.kind).toBe('landed');
  expect(git(repository.path, 'ls-tree', '--name-only', 'main').split('\n')).toEqual([
    'a.txt',
    ...Array.from({ length: times }, (_, at) => `moved-${at}.txt`),
  ]);
});

test('names the files of a conflict and leaves the base alone', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const claim = await reviewed(fixture);
  const base = repository.commit({ 'a.txt': 'three\n' });
  const seen = await fixture.execute(claim);
  expect(last(seen.reports)).toMatchObject({ kind: 'failed', reason: 'merge_conflict' });
  expect(JSON.stringify(last(seen.reports))).toContain('changed in the same places: a.txt.');
  expect(repository.head('main')).toBe(base);
});

test('does not merge a branch that was changed after the review', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const claim = await reviewed(fixture);
  const branch = claim.job.change?.branch ?? '';
  git(repository.checkout, 'fetch', '--quiet', 'origin', `${branch}:${branch}`);
  git(repository.checkout, 'checkout', '--quiet', branch);
  repository.commit({ 'sneaked-in.txt': 'x\n' }, branch);
  const base = repository.head('main');
  const seen = await fixture.execute(claim);
  expect(last(seen.reports)).toMatchObject({ kind: 'failed', reason: 'refused' });
  expect(JSON.stringify(last(seen.reports))).toContain('which was reviewed');
  expect(repository.head('main')).toBe(base);
});

test('says that the branch is gone', async () => {
  await using fixture = await factoryFixture();
  const claim = await reviewed(fixture);
  git(fixture.repository.path, 'branch', '-D', claim.job.change?.branch ?? '');
  expect(JSON.stringify(last((await fixture.execute(claim)).reports))).toContain('is gone: requeue the job');
});

test('merges nothing once the lease is lost', async () => {
  await using fixture = await factoryFixture();
  const claim = await reviewed(fixture);
  const base = fixture.repository.head('main');
  fixture.plane.onRequest = (route) => {
    if (route === 'renewLease') fixture.plane.epochs.set(claim.job.jobId, 3);
  };
  const seen = await fixture.execute(claim);
  expect(seen.reports.map(({ kind }) => kind)).toEqual(['started']);
  expect(fixture.repository.head('main')).toBe(base);
});

test('brings a clean checkout of the base along', async () => {
  await using fixture = await factoryFixture();
  const { checkout } = fixture.repository;
  const seen = await fixture.execute(await reviewed(fixture, checkout));
  expect(last(seen.reports)?.kind).toBe('landed');
  expect(readFileSync(path.join(checkout, 'a.txt'), 'utf8')).toBe('two\n');
  expect(git(checkout, 'status', '--porcelain')).toBe('');
});

test('refuses a checkout of the base with changes, and says what to do', async () => {
  await using fixture = await factoryFixture();
  const { checkout } = fixture.repository;
  const claim = await reviewed(fixture, checkout);
  writeFileSync(path.join(checkout, 'a.txt'), 'work in progress\n');
  const seen = await fixture.execute(claim);
  expect(last(seen.reports)).toMatchObject({ kind: 'failed', reason: 'refused' });
  expect(JSON.stringify(last(seen.reports))).toContain('commit or stash them there');
  expect(readFileSync(path.join(checkout, 'a.txt'), 'utf8')).toBe('work in progress\n');
});

test('ships to the repository that was named, whatever an earlier job set', async () => {
  await using fixture = await factoryFixture();
  const { repository } = fixture;
  const elsewhere = path.join(fixture.folder, 'elsewhere.git');
  git(fixture.folder, 'clone', '--quiet', '--bare', repository.path, elsewhere);
  const redirect = `url.${elsewhere}.insteadOf ${repository.path}`;
  const mirrorConfig = '"$(dirname "$(cat .git/objects/info/alternates)")/config"';
  const mallory = claimOf({
    repo: repository.path,
    body: `echo x > x.txt; git config ${redirect}; git config --global ${redirect}; git config -f ${mirrorConfig} ${redirect}`,
  });
  await fixture.execute(mallory);
  const before = git(elsewhere, 'for-each-ref');
  const claim = await reviewed(fixture);
  const seen = await fixture.execute(claim);
  expect(last(seen.reports)).toMatchObject({ kind: 'landed', mergeCommit: repository.head('main') });
  expect(repository.head(`aq/${mallory.job.jobId}`)).toBeDefined();
  expect(git(elsewhere, 'for-each-ref')).toBe(before);
});

test.each([
  ['is deleted', false],
  ['stays where the owner of the factory wants it', true],
])('the branch of a merged change %s', async (_, keepMergedBranches) => {
  await using fixture = await factoryFixture(undefined, { config: { ...NO_CONFIG, keepMergedBranches } });
  const claim = await reviewed(fixture);
  const branch = claim.job.change?.branch ?? '';
  expect(fixture.repository.head(branch)).toBeDefined();
  const seen = await fixture.execute(claim);
  expect(last(seen.reports)).toMatchObject({ kind: 'landed' });
  expect(fixture.repository.head(branch) !== undefined).toBe(keepMergedBranches);
  // Somebody whose acknowledgement was lost asks again: it is merged, branch or no branch.
  fixture.plane.epochs.set(claim.job.jobId, claim.run.epoch);
  const again = await fixture.execute(claim);
  expect(last(again.reports)).toMatchObject({ kind: 'landed' });
});
