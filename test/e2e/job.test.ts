import { createHmac, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView } from '../../shared/contract/view.js';
import { aq, git, reach, startTestSystem, tracker, until, type System } from '../support/system.js';

// One system for the file: each test brings its own job.

let system: System;
let dataDir: string;
let dispose: () => Promise<void>;
const scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-files-'));

beforeAll(async () => {
  ({ system, dataDir, dispose } = await startTestSystem({ sample: true }));
}, 60_000);

afterAll(async () => {
  await dispose();
  rmSync(scratch, { recursive: true, force: true });
});

const file = (name: string, text: string): string => {
  const full = path.join(scratch, name);
  writeFileSync(full, text);
  return full;
};

const shellJob = (title: string, script: string, more = ''): string =>
  `---\ntitle: ${title}\nengine: shell\nrepo: ${system.sampleRepository}\n${more}---\n${script}\n`;

const jobOf = (answer: { stdout: string }): JobView => (JSON.parse(answer.stdout) as { job: JobView }).job;

const worktrees = (): string[] =>
  readdirSync(path.join(dataDir, 'factories')).flatMap((name) => {
    const folder = path.join(dataDir, 'factories', name, 'worktrees');
    return existsSync(folder) ? readdirSync(folder) : [];
  });
/** The last report of a run comes before its worktree is removed, so a job's end is not yet the worktree's. */
const noWorktrees = (): Promise<true> =>
  until('the worktrees to be gone', async () => worktrees().length === 0 || undefined);

describe('a job', { timeout: 60_000 }, () => {
  it('goes from the tracker item to shipped, and the item is told', async () => {
    const job = await until('the job of the item', async () => {
      const { jobs } = (await system.api('GET', 'jobs')) as { jobs: JobView[] };
      return jobs.find((one) => one.trackerItem?.number === 1);
    });
    const tested = await reach(system, job.jobId, 'testing');
    expect(tested.events.filter((event) => event.from).map((event) => event.stage)).toEqual([
      'assigned',
      'building',
      'review',
      'testing',
    ]);
    expect(tested.job.verify).toMatchObject({ passed: true, exitCode: 0 });
    const assigned = tested.events.find((event) => event.body.kind === 'job.assigned');
    expect(assigned?.body).toMatchObject({ decision: { why: expect.stringContaining('factory-1') } });
    expect(await git(system.sampleRepository, 'rev-parse', tested.job.change?.branch ?? '')).toBe(
      tested.job.change?.commit,
    );

    const shipped = await aq(system, 'ship', job.jobId, '--json');
    expect(shipped.stderr).toBe('');
    expect(shipped.code).toBe(0);
    const { job: done } = await reach(system, job.jobId, 'shipped');
    expect(await git(system.sampleRepository, 'rev-parse', 'main')).toBe(done.mergeCommit);
    await git(system.sampleRepository, 'merge-base', '--is-ancestor', done.change?.commit ?? '', 'main');

    const comments = await until('the item to be closed', async () => {
      const issue = (await tracker(system, '/issues/1')) as { state: string };
      if (issue.state !== 'closed') return undefined;
      return (await tracker(system, '/issues/1/comments')) as { body: string }[];
    });
    const last = comments.at(-1)?.body ?? '';
    expect(last).toContain(done.mergeCommit?.slice(0, 7));
    expect(last).toContain('node --test');
    const markers = comments.map((comment) => /<!--.*?-->/.exec(comment.body)?.[0]);
    expect(new Set(markers).size).toBe(comments.length);
    await noWorktrees();
  });

  it('goes from a file to testing', async () => {
    const answer = await aq(
      system,
      'submit',
      file('hello.md', shellJob('Say hello', 'echo hello > HELLO.md', 'verify: test -f HELLO.md\n')),
      '--json',
    );
    expect(answer.stderr).toBe('');
    const { job, runs } = await reach(system, jobOf(answer).jobId, 'testing');
    expect(job.change?.filesChanged).toEqual(['HELLO.md']);
    expect(runs).toHaveLength(1);
    expect(await git(system.sampleRepository, 'show', `${job.change?.branch}:HELLO.md`)).toBe('hello');
  });

  it('is the same job when it is submitted twice with one key, and a conflict with other content', async () => {
    const text = shellJob('Once', 'echo once > ONCE.md', 'idempotency-key: once-1\n');
    const [first, second] = await Promise.all(
      [1, 2].map((n) => aq(system, 'submit', file(`once-${n}.md`, text), '--json')),
    );
    expect(jobOf(second!).jobId).toBe(jobOf(first!).jobId);
    const other = await aq(
      system,
      'submit',
      file('other.md', text.replace('echo once', 'echo twice')),
      '--json',
    );
    expect(other.code).toBe(4);
    expect(other.stdout + other.stderr).toContain('once-1');
  });

  it('is made once for a webhook that comes twice, and never for one that is not signed', async () => {
    const secrets = JSON.parse(readFileSync(path.join(dataDir, 'secrets.json'), 'utf8')) as {
      webhookSecret: string;
    };
    const issue = (await tracker(system, '/issues', {
      method: 'POST',
      body: { title: 'Twice', body: '```sh\necho twice > TWICE.md\n```', labels: [] },
    })) as { number: number; [field: string]: unknown };
    const repository = {
      full_name: system.tracker.repository,
      clone_url: system.sampleRepository,
      default_branch: 'main',
    };
    const labels = [{ name: 'agent:run' }, { name: 'engine:shell' }];
    const payload = JSON.stringify({
      action: 'opened',
      issue: { ...issue, labels },
      repository,
      sender: { login: 'alice' },
    });
    const send = async (secret: string, delivery: string): Promise<number> => {
      const answer = await fetch(`${system.apiUrl}/fleet/webhooks/github/sample`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'issues',
          'x-github-delivery': delivery,
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(payload).digest('hex')}`,
        },
        body: payload,
      });
      return answer.status;
    };
    const delivery = randomUUID();
    expect(await send('not the secret', delivery)).toBe(401);
    expect(await send(secrets.webhookSecret, delivery)).toBe(200);
    expect(await send(secrets.webhookSecret, delivery)).toBe(200);
    // Another delivery with the same content: the key of the job is the item and its content.
    expect(await send(secrets.webhookSecret, randomUUID())).toBe(200);
    const find = async (): Promise<JobView[]> => {
      const { jobs } = (await system.api('GET', 'jobs?limit=500')) as { jobs: JobView[] };
      return jobs.filter((job) => job.trackerItem?.number === issue.number);
    };
    const [job] = await until('the job', async () => {
      const jobs = await find();
      return jobs.length > 0 ? jobs : undefined;
    });
    await reach(system, job!.jobId, 'review');
    expect(await find()).toHaveLength(1);
  });

  it('shows its whole log to one who joins late', async () => {
    const script = 'i=0; while [ $i -lt 200 ]; do echo "line $i"; i=$((i+1)); done; echo done > LATE.md';
    const answer = await aq(system, 'submit', file('late.md', shellJob('Talk', script)), '--json');
    const { job } = await reach(system, jobOf(answer).jobId, 'review');
    const logs = await aq(system, 'logs', job.jobId, '-f');
    const lines = logs.stdout.split('\n').filter((line) => /^line \d+$/.test(line));
    expect(lines).toEqual(Array.from({ length: 200 }, (_, n) => `line ${n}`));
  });

  it('fails with the reason when its script fails, and ends as dead letter after its retries', async () => {
    const answer = await aq(
      system,
      'submit',
      file('bad.md', shellJob('Fail', 'echo about to fail; exit 7', 'retry: { max: 1, backoff: 1s }\n')),
      '--json',
    );
    const { job, runs } = await reach(system, jobOf(answer).jobId, 'dead_letter');
    expect(runs.map((run) => run.failure?.exitCode)).toEqual([7, 7]);
    expect(job.failure?.message).toContain('about to fail');
    await noWorktrees();
  });

  it('says why it waits, and what would place it', async () => {
    const answer = await aq(
      system,
      'submit',
      file('mac.md', shellJob('Needs a Mac', 'true', 'capabilities: [os:plan9]\n')),
      '--json',
    );
    const { jobId } = jobOf(answer);
    const told = await aq(system, 'explain', jobId);
    expect(told.code).toBe(0);
    expect(told.stdout).toContain('os:plan9');
    expect((await aq(system, 'ship', jobId)).code).toBe(4);
    expect((await aq(system, 'cancel', jobId, '--reason', 'not here')).code).toBe(0);
  });
});

describe('bad input', () => {
  const post = async (
    route: string,
    body: string,
    token?: string,
  ): Promise<{ status: number; type: string; body: string }> => {
    const answer = await fetch(`${system.apiUrl}/fleet/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body,
    });
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? '',
      body: await answer.text(),
    };
  };

  it('is refused without a token', async () => {
    expect((await post('jobs', '{}')).status).toBe(401);
    expect((await post('claim', '{}', 'nonsense')).status).toBe(401);
  });

  it('names every problem of a manifest with its line', async () => {
    const answer = await aq(
      system,
      'submit',
      file('wrong.md', '---\nengin: shell\npriority: urgent\ntimeout: soon\n---\nhi\n'),
    );
    expect(answer.code).toBe(2);
    for (const word of ['engin', 'engine', 'priority', 'critical', 'timeout', '2:', '3:', '4:']) {
      expect(answer.stderr).toContain(word);
    }
  });

  it('finds no unknown job', async () => {
    expect((await aq(system, 'show', 'job-0000000000000000')).code).toBe(3);
  });
});
