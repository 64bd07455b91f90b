import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobDetail } from '../../shared/contract/api.js';
import { enrolTestFactory, startCliSystem, type Answer, type CliSystem, type TestFactory } from './system.js';

const PRODUCT_WITHOUT_JOBS = 'empty';
let system: CliSystem;
let factory: TestFactory;
beforeAll(async () => {
  system = await startCliSystem();
  factory = await enrolTestFactory(system, 'worker');
}, 60_000);
afterAll(() => system.close());

const aq = (...args: string[]): Promise<Answer> => system.aq(args);
const json = <T>(answer: Answer): T => {
  expect([answer.code, answer.stderr]).toEqual([0, '']);
  return JSON.parse(answer.stdout) as T;
};
/** Submits with the command, so that each test has a job of its own. */
const submit = async (title: string, more = ''): Promise<string> => {
  const file = await system.file('job.md', `---\ntitle: ${title}\n${more}---\necho hi\n`);
  const { stdout } = await aq('submit', file, '--json');
  return (JSON.parse(stdout) as { job: { jobId: string } }).job.jobId;
};
const build = async (): Promise<Awaited<ReturnType<TestFactory['claim']>>> => {
  const claim = await factory.claim();
  await factory.started(claim);
  await factory.finished(claim);
  await factory.verified(claim);
  return claim;
};

describe('aq submit', () => {
  it('submits a file for the product of the connection, and says how to watch it', async () => {
    const file = await system.file('fix.md', '---\ntitle: Fix it\n---\necho fixed\n');
    const answer = await aq('submit', file);
    expect(answer).toMatchObject({ code: 0, stderr: '' });
    expect(answer.stdout).toMatch(/^(job-[0-9a-z]{16}) {2}Fix it\nwatch it: aq logs \1 -f\n$/);
    await build();
  });

  it('submits JSON from standard input with a key of its own, once', async () => {
    const manifest = JSON.stringify({ title: 'Nightly', body: 'echo night' });
    const submitted = (): Promise<Answer> =>
      system.aq(['submit', '-', '--key', 'n-1', '--json'], { stdin: manifest });
    const first = json<{ job: JobDetail['job']; created: boolean }>(await submitted());
    const second = json<{ job: JobDetail['job']; created: boolean }>(await submitted());
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.job.jobId).toBe(first.job.jobId);
    const again = await system.aq(['submit', '-', '--key', 'n-1'], { stdin: manifest });
    expect(again.stdout).toContain('was there already');
    const other = await system.aq(['submit', '-', '--key', 'n-1'], { stdin: 'another prompt' });
    expect(other.code).toBe(4);
    expect(other.stderr).toContain('n-1');
    await build();
  });

  it('tells every problem with its line, for people and for programs', async () => {
    const file = await system.file('wrong.md', '---\nengin: shell\npriority: urgent\n---\nhi\n');
    for (const more of [[], ['--key', 'k']]) {
      const answer = await aq('submit', file, ...more);
      expect([answer.code, answer.stdout]).toEqual([2, '']);
      expect(answer.stderr).toContain('wrong.md:2:1: engin');
      expect(answer.stderr).toContain('did you mean "engine"?');
      expect(answer.stderr).toMatch(/wrong\.md:3:\d+: priority/);
    }
    const answer = await aq('submit', file, '--json');
    expect([answer.code, answer.stdout]).toEqual([2, '']);
    expect(JSON.parse(answer.stderr)).toMatchObject({
      error: { code: 'invalid-manifest', file: 'wrong.md', problems: [{ line: 2 }, { line: 3 }] },
    });
  });

  it('names a file that is not there, and a product that is not', async () => {
    expect(await aq('submit', 'gone.md')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no file gone.md') as unknown,
    });
    const file = await system.file('fix.md', 'echo');
    const nowhere = await aq('submit', file, '--product', 'nowhere');
    expect([nowhere.code, nowhere.stderr]).toEqual([3, expect.stringContaining('aq product put')]);
    expect((await aq('submit', '.')).stderr).toBe('Error: . is a folder: name a file in it.\n');
    expect((await aq('help', 'submit')).stdout).toContain('Usage: aq submit');
  });

  it('waits until the job is tested and tells what happens', async () => {
    const file = await system.file('job.md', '---\ntitle: Wait\n---\necho hi\n');
    const waiting = aq('submit', file, '--wait');
    await build();
    const answer = await waiting;
    expect(answer).toMatchObject({ code: 0, stderr: '' });
    for (const words of [
      'Submitted: Wait',
      `Assigned to ${factory.id}`,
      'Changed 2 files (+30 −1)',
      'Verify passed: npm test',
      'verified. Merge it with: aq ship',
    ])
      expect(answer.stdout).toContain(words);
  });

  it('tells what went wrong once, and what to do', async () => {
    const file = await system.file('job.md', '---\ntitle: Fail once\n---\necho hi\n');
    const waiting = aq('submit', file, '--wait');
    await factory.failed(await factory.claim(), 'no_change', 'nothing was changed');
    const { code, stdout, stderr } = await waiting;
    expect(code).toBe(1);
    expect((stdout + stderr).split('nothing was changed')).toHaveLength(2);
    expect(stderr).toMatch(/is in failed \(no change\)\. See aq show .*aq requeue job-/);
  });

  it('exits with 1 when the job that it waits for fails', async () => {
    const file = await system.file('job.md', '---\ntitle: Fail\n---\necho hi\n');
    const waiting = aq('submit', file, '--wait', '--json');
    const claim = await factory.claim();
    await factory.failed(claim, 'no_change', 'nothing was changed');
    const answer = await waiting;
    expect(answer.code).toBe(1);
    expect(JSON.parse(answer.stdout)).toMatchObject({ job: { stage: 'failed' } });
    expect(JSON.parse(answer.stderr)).toMatchObject({ error: { code: 'job-failed' } });
  });
});

describe('aq list', () => {
  it('lists jobs, the newest first, as a table and as JSON', async () => {
    const older = await submit('Older');
    const newer = await submit('Newer');
    const { jobs } = json<{ jobs: { jobId: string }[] }>(await aq('list', '--json'));
    expect(jobs.slice(0, 2).map(({ jobId }) => jobId)).toEqual([newer, older]);
    const lines = (await aq('list', '--stage', 'queued', '-n', '2')).stdout.split('\n');
    expect(lines[0]).toMatch(/^JOB +STAGE +FOR +PRIORITY +FACTORY +TITLE$/);
    expect(lines[1]).toMatch(new RegExp(`^${newer}  queued +\\d+ s +medium +– +Newer$`));
    expect(lines[2]).toContain('Older');
    await build();
    await build();
  });

  it('says what to do where there are none', async () => {
    const answer = await aq('list', '--stage', 'dead_letter', '--product', PRODUCT_WITHOUT_JOBS);
    expect(answer.stdout).toBe('No jobs. Submit one with: aq submit FILE.md\n');
  });

  it('refuses a stage that does not exist, naming the ones that do', async () => {
    const answer = await aq('list', '--stage', 'done');
    expect(answer.code).toBe(2);
    expect(answer.stderr).toContain('Allowed choices are queued, assigned');
    expect((await aq('list', '-n', '0')).code).toBe(2);
  });
});

describe('a job', () => {
  it('is named by the beginning of its id', async () => {
    const jobId = await submit('Prefix');
    expect(json<JobDetail>(await aq('show', jobId.slice(0, 14), '--json')).job.jobId).toBe(jobId);
    expect(json<JobDetail>(await aq('show', jobId.slice(4, 14), '--json')).job.jobId).toBe(jobId);
    await build();
  });

  it('is not found, or not the only one, and aq says so', async () => {
    expect((await aq('show', 'job-0000000000000000')).code).toBe(3);
    expect(await aq('show', 'zzzzzzzzzz')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('No job begins with job-zzzzzzzzzz') as unknown,
    });
    const several = await aq('show', 'job-');
    expect([several.code, several.stderr]).toEqual([2, expect.stringContaining('not a job id')]);
    expect((await aq('show', 'Not An Id!')).code).toBe(2);
  });

  it('is shown with its timeline, why this factory, and what is possible now', async () => {
    const jobId = await submit('Show me');
    await build();
    const { stdout, code } = await aq('show', jobId);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Show me\njob-/);
    expect(stdout).toMatch(/stage +testing for \d+ s/);
    expect(stdout).toMatch(/verify +passed in 1\.2 s: npm test/);
    expect(stdout).toMatch(/queued +Submitted: Show me {2}by (Ada|aq)/);
    expect(stdout).toMatch(/assigned +Assigned to \S+ \(pool \S+, run 1\)\n +\S/);
    expect(stdout).toContain(`possible now: aq ship ${jobId} · aq reject ${jobId} · aq cancel`);
  });

  it('is shown without anything in its title that a terminal would obey', async () => {
    const jobId = await submit(String.raw`"ab\u202Ec"`);
    const { stdout } = await aq('show', jobId);
    expect(stdout).toContain('abc');
    expect(stdout).not.toMatch(/(?![\n\t])\p{Cc}|\u202E/u);
    await build();
  });

  it('explains why it waits', async () => {
    const file = await system.file('plan9.md', '---\ntitle: Mac only\ncapabilities: [os:plan9]\n---\nhi\n');
    const submitted = await aq('submit', file, '--json');
    const { job } = JSON.parse(submitted.stdout) as { job: { jobId: string } };
    const { jobId } = job;
    expect(JSON.parse(submitted.stderr)).toMatchObject({ warning: { jobId } });
    const again = await aq('submit', file, '--key', 'plan9');
    expect([again.code, again.stderr]).toEqual([
      0,
      expect.stringMatching(/^No factory takes it now.*os:plan9/),
    ]);
    await aq('cancel', again.stdout.slice(0, 20));
    const { stdout } = await aq('explain', jobId);
    expect(stdout).toContain('os:plan9');
    expect(json<{ jobId: string }>(await aq('explain', jobId, '--json')).jobId).toBe(jobId);
    await aq('cancel', jobId);
  });

  it('is cancelled and requeued with a reason for the record', async () => {
    const jobId = await submit('Undecided');
    expect(await aq('cancel', jobId, '-m', 'no longer needed')).toMatchObject({
      code: 0,
      stdout: `${jobId} is cancelled\n`,
    });
    expect((await aq('list', '-n', '1')).stdout).toContain(`${jobId}  cancelled`);
    expect((await aq('requeue', jobId)).stdout).toBe(`${jobId} is in queued\n`);
    const { stdout } = await aq('show', jobId);
    expect(stdout).toContain('Cancelled: no longer needed');
    expect(stdout).toContain('Requeued: requeued from the command line');
    await build();
  });
});

describe('aq at the gates', () => {
  it('holds a job, says so, and lets it go on', async () => {
    const jobId = await submit('Wait for it');
    const held = await aq('hold', jobId, '--reason', 'after the release');
    expect([held.code, held.stdout]).toEqual([0, `${jobId} is in queued, on hold\n`]);
    expect((await aq('show', jobId)).stdout).toMatch(/on hold +by Ada: after the release/);
    expect((await aq('explain', jobId)).stdout).toContain('On hold by Ada');
    expect(await aq('release', jobId)).toMatchObject({ code: 0, stdout: `${jobId} is in queued\n` });
    await build();
  });

  it('rejects a change with a reason, which must be given', async () => {
    const jobId = await submit('Turn down');
    await build();
    expect((await aq('reject', jobId)).code).toBe(2);
    expect((await aq('reject', jobId, '-m', 'not like this')).code).toBe(0);
    expect((await aq('show', jobId)).stdout).toContain('Rejected: not like this');
  });

  it('refuses an approval of what one submitted oneself', async () => {
    const jobId = await submit('Mine', 'review-policy: {reviewers: [ada, bob]}\n');
    await build();
    expect((await aq('show', jobId)).stdout).toContain('0 of 1 approvals by ada, bob');
    const { code, stderr } = await aq('approve', jobId);
    expect([code, stderr]).toEqual([4, expect.stringContaining('nobody approves their own')]);
    expect((await aq('ship', jobId)).stderr).toContain('it needs 1 more approval');
  });
});

describe('aq show of a job that failed', () => {
  it('names every run, its factory, how it ended and its exit code', async () => {
    const jobId = await submit('Fail', 'retry: {max: 0}\n');
    const claim = await factory.claim();
    await factory.failed(claim, 'engine_failed', 'out of memory');
    const { stdout } = await aq('show', jobId);
    expect(stdout).toContain('dead_letter');
    expect(stdout).toMatch(
      /RUN +FACTORY +ENGINE +ENDED +EXIT +MESSAGE\n1 +worker +shell +engine failed +1 +out of memory/,
    );
  });
});

describe('aq dag', () => {
  it('shows what a job waits for', async () => {
    const first = await submit('Model');
    const second = await submit('Page', `deps: [${first}]\n`);
    const lines = (await aq('dag', first)).stdout.split('\n');
    expect(lines[0]).toMatch(/^JOB +STAGE +TITLE +WAITS FOR$/);
    expect(lines[1]).toMatch(new RegExp(`^${first} +queued +Model +–$`));
    expect(lines[2]).toMatch(new RegExp(`^${second} +queued +Page +${first}$`));
    expect((await aq('explain', second)).stdout).toContain(`${first} to ship`);
    await aq('cancel', second);
    await build();
  });
});

describe('aq ship', () => {
  it('waits until the change is merged and tells what happens', async () => {
    const jobId = await submit('Ship me');
    await build();
    const shipping = aq('ship', jobId);
    const claim = await factory.claim();
    expect(claim.run.kind).toBe('land');
    await factory.started(claim);
    await factory.landed(claim);
    const { code, stdout, stderr } = await shipping;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /Ship requested[\s\S]*Merged into main as feedbee[\s\S]*is in shipped: feedbee\n$/,
    );
    expect(stdout).not.toContain('Submitted');
    const again = await aq('ship', jobId);
    expect([again.code, again.stderr]).toEqual([4, expect.stringContaining('Nothing is possible now.')]);
  });

  it('exits with 1 and the reason when it could not be merged', async () => {
    const jobId = await submit('Conflict');
    await build();
    const shipping = aq('ship', jobId, '--json');
    const claim = await factory.claim();
    await factory.started(claim);
    await factory.failed(claim, 'merge_conflict', 'both changed src/a.js');
    const { code, stdout, stderr } = await shipping;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ job: { stage: 'review' } });
    expect(stderr).toContain('both changed src/a.js');
  });

  it('returns at once with --no-wait', async () => {
    const jobId = await submit('Later');
    await build();
    const { job } = json<{ job: JobDetail['job'] }>(await aq('ship', jobId, '--no-wait', '--json'));
    expect(job.landing).toBeDefined();
    const claim = await factory.claim();
    await factory.started(claim);
    await factory.landed(claim);
  });

  it('is refused with what is possible instead, before the job is tested', async () => {
    const jobId = await submit('Too early');
    const { code, stderr } = await aq('ship', jobId);
    expect(code).toBe(4);
    expect(stderr).toContain('Possible now: cancel, hold.');
    await build();
  });
});

describe('aq logs', () => {
  it('prints the whole log of a run that is over', async () => {
    const jobId = await submit('Talk');
    const claim = await factory.claim();
    await factory.started(claim);
    await factory.log(claim, 'one\n');
    await factory.log(claim, 'two – ✓', true);
    await factory.finished(claim);
    await factory.verified(claim);
    expect(await aq('logs', jobId)).toEqual({ code: 0, stdout: 'one\ntwo – ✓\n', stderr: '' });
    const lines = (await aq('logs', jobId, '--run', '1', '--json')).stdout.trim().split('\n');
    const parts = lines.map((line) => JSON.parse(line) as { run: number; text?: string; end?: boolean });
    expect(parts.map(({ text }) => text ?? '').join('')).toBe('one\ntwo – ✓');
    expect(parts.at(-1)).toEqual({ run: 1, end: true });
    const missing = await aq('logs', jobId, '--run', '7');
    expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('its runs are 1')]);
  });

  it('follows a live run to its end', async () => {
    const jobId = await submit('Live');
    const claim = await factory.claim();
    await factory.started(claim);
    await factory.log(claim, 'early\n');
    const following = aq('logs', jobId, '-f');
    await factory.log(claim, 'late\n');
    await factory.log(claim, 'last\n', true);
    await factory.finished(claim);
    await factory.verified(claim);
    expect(await following).toEqual({ code: 0, stdout: 'early\nlate\nlast\n', stderr: '' });
  });

  it('stops at what there is of a live run without -f', async () => {
    const jobId = await submit('So far');
    const claim = await factory.claim();
    await factory.started(claim);
    await factory.log(claim, 'so far\n');
    expect((await aq('logs', jobId)).stdout).toBe('so far\n');
    await factory.log(claim, '', true);
    await factory.finished(claim);
    await factory.verified(claim);
  });

  it('says why there is none yet', async () => {
    const jobId = await submit('Waiting', 'capabilities: [os:plan9]\n');
    const { code, stderr } = await aq('logs', jobId);
    expect([code, stderr]).toEqual([3, expect.stringContaining('has not run yet')]);
    await aq('cancel', jobId);
  });
});
