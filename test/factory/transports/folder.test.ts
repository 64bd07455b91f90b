import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { executeRun } from '../../../factory/runs/execute.js';
import { FolderQueue } from '../../../factory/transports/folder/queue.js';
import { Records } from '../../../factory/transports/folder/records.js';
import type { Claim } from '../../../shared/contract/api.js';
import { TemporaryFolder } from '../support/repository.js';
import { factoryFixture } from '../support/fixture.js';

const ADVERTISES = ['arch:x64', 'engine-class:script', 'engine:shell', 'os:linux'];

async function folderFixture(now?: () => string, files?: Readonly<Record<string, string>>) {
  const factory = await factoryFixture(files);
  const root = path.join(factory.folder, 'queue');
  const open = async (): Promise<FolderQueue> => {
    const queue = new FolderQueue({
      root,
      productId: 'local',
      factoryId: 'laptop',
      advertises: ADVERTISES,
      person: 'ann',
      ...(now && { now }),
    });
    await queue.open();
    return queue;
  };
  let queue = await open();
  let age = 0;
  const file = (name: string, body: string, front = ''): void => {
    const at = path.join(root, 'inbox', name);
    writeFileSync(at, `---\nengine: shell\nrepo: ${factory.repository.path}\n${front}---\n${body}\n`);
    age += 1;
    utimesSync(at, 1_700_000_000 + age, 1_700_000_000 + age);
  };
  const claim = async (stations = 1, running = 0): Promise<Claim[]> =>
    (await queue.claimJobs({ body: { pool: 'folder', stations, running } })).claims;
  const execute = (one: Claim): Promise<void> =>
    executeRun(one, factory.depsOn(queue), new AbortController().signal);
  return {
    ...factory,
    root,
    file,
    claim,
    execute,
    queue: () => queue,
    /** As after a crash, or the next day. */
    async restart() {
      queue = await open();
    },
    /** Works until nothing can be claimed. */
    async drainAll() {
      for (let [one] = await claim(); one; [one] = await claim()) await execute(one);
    },
    where: (name: string) =>
      ['inbox', 'building', 'review', 'testing', 'shipped', 'failed'].filter((folder) =>
        existsSync(path.join(root, folder, name)),
      ),
    move: (name: string, from: string, to: string) =>
      renameSync(path.join(root, from, name), path.join(root, to, name)),
    record(title: string) {
      const state = path.join(root, '.state');
      const records = readdirSync(state).map(
        (id) =>
          JSON.parse(readFileSync(path.join(state, id, 'record.json'), 'utf8')) as {
            job: { jobId: string; title: string; stage: string; epoch: number };
            events: { seq: number; body: { kind: string; reason?: string } }[];
          },
      );
      const found = records.find(({ job }) => job.title === title);
      if (!found) throw new Error(`no job ${title}`);
      return found;
    },
    [Symbol.asyncDispose]: () => factory[Symbol.asyncDispose](),
  };
}

describe('a folder queue', () => {
  it('takes a job from the inbox to testing, and to shipped when a person moves it there', async () => {
    await using folder = await folderFixture();
    folder.file('hello.md', 'echo hello > HELLO.md', 'title: Hello\nverify: cat HELLO.md\n');
    await folder.drainAll();
    expect(folder.where('hello.md')).toEqual(['testing']);
    const { job, events } = folder.record('Hello');
    expect(events.map(({ body }) => body.kind)).toEqual([
      'job.submitted',
      'job.assigned',
      'run.started',
      'run.finished',
      'run.verified',
    ]);
    expect(readFileSync(path.join(folder.root, '.state', job.jobId, '1.log'), 'utf8')).toContain('hello');

    folder.move('hello.md', 'testing', 'shipped');
    await folder.drainAll();
    expect(folder.where('hello.md')).toEqual(['shipped']);
    expect(folder.record('Hello').job.stage).toBe('shipped');
    expect(folder.repository.show('main', 'HELLO.md')).toBe('hello');
  });

  it('refuses a job whose repository names a profile, before its engine, rather than work without its limits', async () => {
    await using folder = await folderFixture(undefined, { '.gigafactory.yaml': 'profile: porter\n' });
    folder.file('carry.md', 'echo never > NEVER.md', 'title: Carry\n');
    await folder.drainAll();
    expect(folder.where('carry.md')).toEqual(['failed']);
    const { job, events } = folder.record('Carry');
    expect(events.at(-1)?.body).toMatchObject({
      reason: 'preflight',
      message: expect.stringMatching(
        /names the profile porter for jobs without one: a folder has no profiles/,
      ) as unknown,
    });
    expect(readFileSync(path.join(folder.root, '.state', job.jobId, '1.log'), 'utf8')).toContain('preflight');
    expect(folder.repository.head(`aq/${job.jobId}`)).toBeUndefined();
  });

  it('refuses a manifest that names one itself, beside its file', async () => {
    await using folder = await folderFixture();
    folder.file('carry.md', 'echo never', 'title: Carry\nprofile: porter\n');
    await folder.drainAll();
    expect(folder.where('carry.md')).toEqual(['failed']);
    const problems = readFileSync(path.join(folder.root, 'failed', 'carry.md.problems.txt'), 'utf8');
    expect(problems).toContain('profile: only the control plane carries this out; expected no profile');
  });

  it('counts a move that was made while no factory ran', async () => {
    await using folder = await folderFixture();
    folder.file('good.md', 'echo good > GOOD.md', 'title: Good\n');
    folder.file('bad.md', 'echo bad > BAD.md', 'title: Bad\n');
    await folder.drainAll();
    expect(folder.where('good.md')).toEqual(['review']);
    folder.move('good.md', 'review', 'shipped');
    folder.move('bad.md', 'review', 'failed');
    await folder.restart();
    await folder.drainAll();
    expect(folder.record('Good').job.stage).toBe('shipped');
    expect(folder.where('good.md')).toEqual(['shipped']);
    expect(folder.repository.show('main', 'GOOD.md')).toBe('good');
    expect(folder.record('Bad').job.stage).toBe('failed');
    expect(folder.where('bad.md')).toEqual(['failed']);
  });

  it('counts what was decided about a run that was under way when the factory ended', async () => {
    await using folder = await folderFixture();
    folder.file('slow.md', 'echo slow > SLOW.md', 'title: Slow\n');
    await folder.claim();
    folder.move('slow.md', 'building', 'failed');
    await folder.restart();
    expect(folder.record('Slow').job.stage).toBe('failed');
    expect(folder.where('slow.md')).toEqual(['failed']);
  });

  it('puts a manifest back that asks for what its stage does not allow, and says why', async () => {
    await using folder = await folderFixture();
    folder.file('hello.md', 'echo hello > HELLO.md', 'title: Hello\n');
    await folder.queue().next(1);
    folder.move('hello.md', 'inbox', 'shipped');
    await folder.restart();
    expect(folder.where('hello.md')).toEqual(['inbox']);
    const note = path.join(folder.root, 'shipped', 'hello.md.note.txt');
    expect(readFileSync(note, 'utf8')).toMatch(/put back into inbox\/: .*queued/);
  });

  it('says which field was meant', async () => {
    await using folder = await folderFixture();
    folder.file('typo.md', 'true', 'enigne: shell\n');
    await folder.drainAll();
    const problems = path.join(folder.root, 'failed', 'typo.md.problems.txt');
    expect(readFileSync(problems, 'utf8')).toContain('did you mean "engine"?');
  });

  it('takes the most urgent job first, then the oldest, with met dependencies and a free lock', async () => {
    await using folder = await folderFixture();
    folder.file('a.md', 'echo a > a', 'title: A\n');
    folder.file('b.md', 'echo b > b', 'title: B\npriority: critical\nlock: db\nverify: "true"\n');
    folder.file('c.md', 'echo c > c', 'title: C\npriority: critical\nlock: db\n');
    folder.file('d.md', 'echo d > d', 'title: D\npriority: critical\ndeps: ["b@testing"]\n');
    folder.file('mac.md', 'echo m', 'title: M\npriority: critical\ncapabilities: [os:mac]\n');
    const first = await folder.claim(4);
    expect(first.map(({ job }) => job.title)).toEqual(['B', 'A']);
    for (const one of first) await folder.execute(one);
    expect((await folder.claim(2)).map(({ job }) => job.title)).toEqual(['C', 'D']);
    expect(folder.record('D').events.map(({ body }) => body.kind)).toContain('deps.met');
    expect(folder.where('mac.md')).toEqual(['inbox']);
  });

  it('retries a failed run after its backoff, then parks it, and a person runs it again from the inbox', async () => {
    let ms = Date.parse('2026-11-21T00:00:00.000Z');
    await using folder = await folderFixture(() => new Date(ms).toISOString());
    folder.file('bad.md', 'exit 3', 'title: Bad\nretry: { max: 1, backoff: 60s }\n');
    await folder.drainAll();
    expect(folder.where('bad.md')).toEqual(['inbox']);
    expect(await folder.claim()).toEqual([]);
    ms += 61_000;
    await folder.drainAll();
    expect(folder.record('Bad').job).toMatchObject({ stage: 'dead_letter', epoch: 2 });
    expect(folder.where('bad.md')).toEqual(['failed']);
    const why = path.join(folder.root, 'failed', 'bad.md.failure.txt');
    expect(readFileSync(why, 'utf8')).toMatch(/^engine_failed: .*3/);
    folder.move('bad.md', 'failed', 'inbox');
    await folder.claim();
    expect(folder.record('Bad').job.epoch).toBe(3);
    expect(existsSync(why)).toBe(false);
  });

  it('gives a job back that a crashed factory held, and its old run changes nothing any more', async () => {
    await using folder = await folderFixture();
    folder.file('a.md', 'echo a > a', 'title: A\nretry: { max: 1, backoff: 1s }\n');
    const [claim] = await folder.claim();
    if (!claim) throw new Error('nothing was claimed');
    await folder.restart();
    expect(folder.record('A').events.at(-1)?.body.kind).toBe('run.lost');
    const params = { jobId: claim.job.jobId, epoch: 1 };
    await expect(folder.queue().renewLease({ params, body: { running: 1 } })).rejects.toMatchObject({
      code: 'stale-epoch',
    });
    await expect(folder.queue().reportRun({ params, body: { kind: 'started' } })).rejects.toMatchObject({
      code: 'stale-epoch',
    });
  });

  it('mends a manifest that a crash left in the wrong folder', async () => {
    await using folder = await folderFixture();
    folder.file('a.md', 'echo a > a', 'title: A\n');
    await folder.drainAll();
    expect(folder.where('a.md')).toEqual(['review']);
    mkdirSync(path.join(folder.root, 'elsewhere'));
    folder.move('a.md', 'review', 'building');
    await folder.restart();
    expect(folder.where('a.md')).toEqual(['review']);
  });

  it('puts aside what is no valid job, with the reasons beside it, and undoes a move that means nothing', async () => {
    await using folder = await folderFixture();
    writeFileSync(path.join(folder.root, 'inbox', 'bad.md'), '---\nenigne: shell\n---\nx\n');
    folder.file('plan.md', 'x', 'kind: composite\n');
    folder.file('a.md', 'echo a > a', 'title: A\n');
    await folder.drainAll();
    const told = readFileSync(path.join(folder.root, 'failed', 'bad.md.problems.txt'), 'utf8');
    expect(told).toContain('line 2: enigne: there is no field "enigne"');
    expect(folder.where('plan.md')).toEqual(['failed']);
    folder.move('a.md', 'review', 'building');
    await folder.claim();
    expect(folder.where('a.md')).toEqual(['review']);
    folder.move('a.md', 'review', 'failed');
    await folder.claim();
    expect(folder.record('A').events.at(-1)?.body).toMatchObject({
      kind: 'gate.rejected',
      reason: 'moved to failed/',
    });
  });

  it('sets a new manifest under a used name aside, and overwrites none', async () => {
    await using folder = await folderFixture();
    folder.file('a.md', 'echo first > a.txt', 'title: A\n');
    await folder.drainAll();
    const [home] = folder.where('a.md');
    folder.file('a.md', 'echo second > a.txt');
    expect(await folder.claim()).toEqual([]);
    expect(folder.where('a.md')).toEqual([home]);
    const inFailed = (name: string): string => readFileSync(path.join(folder.root, 'failed', name), 'utf8');
    expect(inFailed('a-2.md')).toContain('echo second');
    expect(inFailed('a-2.md.problems.txt')).toContain('another file name');
    folder.file('a.md', 'echo third > a.txt');
    await folder.claim();
    expect(inFailed('a-3.md')).toContain('echo third');
    expect(folder.where('a.md')).toEqual([home]);
  });

  it('names the cycle that a manifest would close, and works on the rest', async () => {
    await using folder = await folderFixture();
    folder.file('a.md', 'echo a > a', 'deps: [b]\n');
    folder.file('b.md', 'echo b > b', 'deps: ["c@testing"]\n');
    folder.file('c.md', 'echo c > c', 'deps: [a]\n');
    folder.file('self.md', 'echo s > s', 'deps: [self]\n');
    folder.file('free.md', 'echo f > f');
    expect((await folder.claim(9)).map(({ job }) => job.jobId)).toHaveLength(1);
    const inFailed = (name: string): string => readFileSync(path.join(folder.root, 'failed', name), 'utf8');
    expect(inFailed('c.md.problems.txt')).toContain('deps: a cycle: c.md → a.md → b.md → c.md');
    expect(inFailed('self.md.problems.txt')).toContain('deps: a cycle: self.md → self.md');
    expect(folder.where('c.md')).toEqual(['failed']);
    expect([folder.where('a.md'), folder.where('b.md')]).toEqual([['inbox'], ['inbox']]);
    expect(await folder.claim(9)).toEqual([]);
  });

  it('takes an edit of a manifest as long as nobody has begun, keeps its place, and else says so', async () => {
    let ms = Date.parse('2026-11-21T00:00:00.000Z');
    await using folder = await folderFixture(() => new Date(ms).toISOString());
    folder.file('first.md', 'exit 3', 'title: First\nretry: { max: 1, backoff: 60s }\n');
    folder.file('second.md', 'echo 2 > b', 'title: Second\n');
    expect(await folder.queue().next(2)).toMatchObject([{ title: 'First' }, { title: 'Second' }]);
    folder.file('first.md', 'exit 4', 'title: Edited\nretry: { max: 1, backoff: 60s }\n');
    expect(await folder.queue().next(2)).toMatchObject([{ title: 'Edited' }, { title: 'Second' }]);
    folder.file('first.md', 'x', 'title: [broken\n');
    expect(await folder.queue().next(2)).toMatchObject([{ title: 'Edited' }, { title: 'Second' }]);
    const note = path.join(folder.root, 'inbox', 'first.md.note.txt');
    expect(readFileSync(note, 'utf8')).toMatch(/goes on as it was before:\n.*line/);
    await folder.drainAll();
    folder.file('first.md', 'true', 'title: Too late\n');
    await folder.restart();
    ms += 61_000;
    expect((await folder.claim()).map(({ job }) => job.title)).toEqual(['Edited']);
    expect(readFileSync(note, 'utf8')).toContain('its job has begun: file it under another name');
  });

  it('leaves an empty manifest alone until there is something in it', async () => {
    await using folder = await folderFixture();
    writeFileSync(path.join(folder.root, 'inbox', 'full.md'), '');
    expect(await folder.claim()).toEqual([]);
    expect(folder.where('full.md')).toEqual(['inbox']);
    folder.file('full.md', 'echo f > f', 'title: Full\n');
    expect((await folder.claim()).map(({ job }) => job.title)).toEqual(['Full']);
  });

  it('works on beside entries that are no files', async () => {
    await using folder = await folderFixture();
    mkdirSync(path.join(folder.root, 'inbox', 'dir.md'));
    symlinkSync('nowhere', path.join(folder.root, 'inbox', 'dangling.md'));
    folder.file('job.md', 'echo 2 > a.txt');
    expect(await folder.claim()).toHaveLength(1);
  });

  it('tells what it would give, and looking changes nothing', async () => {
    await using folder = await folderFixture();
    folder.file('a.md', 'echo a > a', 'title: A\n');
    const seen = [await folder.queue().next(1), await folder.queue().next(1)];
    expect(seen.map(([job]) => [job?.title, job?.stage])).toEqual([
      ['A', 'queued'],
      ['A', 'queued'],
    ]);
  });
});

it('a crash before the first record of a job keeps nobody from starting; one that lost its record does', async () => {
  using folder = new TemporaryFolder();
  const state = path.join(folder.path, '.state', 'job-0000000000000001');
  mkdirSync(state, { recursive: true });
  writeFileSync(path.join(state, 'record.json.new'), '{"fi');
  const records = new Records(folder.path);
  expect(await records.open()).toEqual([]);
  writeFileSync(path.join(state, '1.log'), 'it worked');
  await expect(records.open()).rejects.toThrow(/record\.json cannot be read: mend it, or move job-/);
});
