// What a factory did from its folder while the control plane was away, handed over afterwards.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { executeRun } from '../../../factory/runs/execute.js';
import { handOverFolder, type HandOverSpec } from '../../../factory/transports/folder/handOver.js';
import { FolderQueue } from '../../../factory/transports/folder/queue.js';
import { accrueSpend } from '../../../functions/operations/accrueSpend.js';
import { appendLog, LOGS, logName } from '../../../functions/operations/appendLog.js';
import { getArtifact } from '../../../functions/operations/getArtifact.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { handOverJob } from '../../../functions/operations/handOverJob.js';
import { putArtifact } from '../../../functions/operations/putArtifact.js';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { verifyAudit } from '../../../functions/operations/verifyAudit.js';
import type { HandOver } from '../../../shared/contract/handOver.js';
import type { LedgerEntry } from '../../../shared/contract/fleet.js';
import { AppError } from '../../../shared/errors.js';
import { jobIdOf } from '../../../shared/jobId.js';
import { BUDGETS } from '../../../shared/topology.js';
import { factoryFixture, silent } from '../../factory/support/fixture.js';
import { atEachWrite, untilDead } from '../../support/dying.js';
import {
  ADMIN,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
} from '../fixture.js';
import { contradictions, repair } from './repairs.js';

const { cloud, deps } = await cloudOfTests({ blobs: true });

/** A folder beside a product of its own, a factory that is enrolled for it, and the ways between the two. */
async function offline() {
  const fixture = await factoryFixture();
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId);
  const root = path.join(fixture.folder, 'queue');
  const open = async (): Promise<FolderQueue> => {
    const queue = new FolderQueue({
      root,
      productId,
      factoryId: factory.id,
      advertises: ['arch:x64', 'engine-class:script', 'engine:shell', 'os:linux'],
      person: 'ann',
    });
    await queue.open();
    return queue;
  };
  let queue = await open();
  const sent: HandOver[] = [];
  let dies: 'never' | 'before' | 'after' = 'never';
  let control: Deps = deps;
  const dead = (): never => {
    throw new AppError('unavailable', 'the control plane does not answer');
  };
  const fleet: HandOverSpec['fleet'] = {
    handOverJob: async ({ params, body }) => {
      if (dies === 'before') dead();
      // As over the wire.
      const input = { params, body: JSON.parse(JSON.stringify(body)) as HandOver };
      sent.push(input.body);
      const answer = await handOverJob(control, factory, input);
      return dies === 'after' ? dead() : answer;
    },
    appendLog: ({ params, query, body }) =>
      appendLog(control, factory, { params, query: { offset: query.offset, end: query.end ?? false }, body }),
    putArtifact: (call) => putArtifact(control, factory, call),
  };
  const claimHere = async () =>
    (await queue.claimJobs({ body: { pool: 'folder', stations: 1, running: 0 } })).claims;
  return {
    ...fixture,
    productId,
    factory,
    root,
    sent,
    claimHere,
    queue: () => queue,
    die: (when: typeof dies) => (dies = when),
    /** What the calls reach from now on. */
    through: (one: Deps) => (control = one),
    async restart() {
      queue = await open();
    },
    file(name: string, body: string, front = ''): string {
      const text = `---\nengine: shell\nrepo: ${fixture.repository.path}\n${front}---\n${body}\n`;
      writeFileSync(path.join(root, 'inbox', `${name}.md`), text);
      return jobIdOf(productId, name);
    },
    async work() {
      for (let [one] = await claimHere(); one; [one] = await claimHere())
        await executeRun(one, fixture.depsOn(queue), new AbortController().signal);
    },
    handOver: () => handOverFolder({ queue, fleet, root, productId, logger: silent }),
    /** The same work, as a person submits it to the control plane. */
    submitToo: (name: string, body: string, front: Record<string, unknown> = {}) =>
      submit(deps, productId, {
        engine: 'shell',
        repo: fixture.repository.path,
        body: `${body}\n`,
        'idempotency-key': name,
        ...front,
      }),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

const kindsOf = async (jobId: string): Promise<string[]> =>
  (await detail(deps, jobId)).events.map(({ body }) => body.kind);

describe('handing over what was done offline', () => {
  it('brings a finished job with its events as they happened, its log and its files', async () => {
    await using folder = await offline();
    const jobId = folder.file('hello', 'echo hello; echo two > b', 'verify: cat b\nartifacts: [b]\n');
    await folder.work();
    const there = folder.queue().eventsOf('hello.md');
    expect(await folder.handOver()).toBe(1);
    const { job, runs, events, legal } = await detail(deps, jobId);
    expect(job).toMatchObject({ stage: 'testing', epoch: 1, productId: folder.productId });
    expect(events.slice(0, -1)).toEqual(there);
    expect(events.at(-1)).toMatchObject({
      actor: { kind: 'factory', id: folder.factory.id },
      body: { kind: 'job.handed-over', outcome: 'taken', offline: { stage: 'testing', runs: 1 } },
    });
    expect(legal).toContain('ship');
    expect((await verifyAudit(deps, ADMIN, { query: { jobId } })).findings).toEqual([]);
    const log = await deps.blobs.log(LOGS, logName(job, 1));
    expect(log).toMatchObject({ closed: true });
    const query = { path: 'b', offset: 0 };
    const piece = await getArtifact(deps, ADMIN, { params: { jobId, epoch: 1 }, query });
    expect(Buffer.from(piece.base64, 'base64').toString()).toBe('two\n');
    expect(runs[0]).toMatchObject({ factoryId: folder.factory.id, handedOverBy: folder.factory.id });
  });

  it('counts nothing twice: neither a second hand-over nor one whose answer got lost', async () => {
    await using folder = await offline();
    const jobId = folder.file('hello', 'echo two > b');
    await folder.work();
    folder.die('after');
    await expect(folder.handOver()).rejects.toMatchObject({ code: 'unavailable' });
    // Killed here, and started again: the record says that it was asked.
    await folder.restart();
    folder.die('never');
    const first = JSON.stringify(await detail(deps, jobId));
    expect(await folder.handOver()).toBe(1);
    expect(JSON.stringify(await detail(deps, jobId))).toBe(first);
    expect(await folder.handOver()).toBe(0);
    expect(folder.sent).toHaveLength(2);
  });

  it('works on nothing of which it does not know whether the control plane has it', async () => {
    await using folder = await offline();
    folder.file('hello', 'echo two > b');
    folder.die('before');
    await expect(folder.handOver()).rejects.toMatchObject({ code: 'unavailable' });
    await folder.restart();
    expect(await folder.claimHere()).toEqual([]);
    folder.die('never');
    expect(await folder.handOver()).toBe(1);
    expect(await folder.claimHere()).toEqual([]);
  });

  it('keeps what was only filed on hold, until somebody of the product lets the fleet work on it', async () => {
    await using folder = await offline();
    const jobId = folder.file('later', 'echo two > b');
    await folder.handOver();
    expect(await claim(deps, folder.factory)).toEqual([]);
    expect(await kindsOf(jobId)).toEqual(['job.submitted', 'job.handed-over', 'job.held']);
    await decideGate(deps, ADMIN, jobId, { kind: 'resume' });
    expect((await claimOne(deps, folder.factory)).job.jobId).toBe(jobId);
  });

  it.each(['taken', 'merged'] as const)(
    'gives a job its turn by our clock when that of the machine is decades ahead (%s)',
    async (outcome) => {
      await using folder = await offline();
      vi.useFakeTimers({ toFake: ['Date'], now: new Date('2076-01-01T00:00:00Z') });
      let jobId: string;
      try {
        jobId = folder.file('early', 'exit 3', 'retry: { max: 3, backoff: 60, on: [engine_failed] }\n');
        await folder.work();
      } finally {
        vi.useRealTimers();
      }
      if (outcome === 'merged')
        await folder.submitToo('early', 'exit 3', { retry: { max: 3, backoff: 60, on: ['engine_failed'] } });
      await folder.handOver();
      expect(folder.sent[0]?.job.notBefore).toMatch(/^2076-/);
      const { job, events } = await detail(deps, jobId);
      expect(events.map(({ body }) => body.kind === 'job.handed-over' && body.outcome)).toContain(outcome);
      const soon = new Date(Date.now() + 1_800_000).toISOString();
      expect(job.stage).toBe('queued');
      expect((job.notBefore ?? '') <= soon).toBe(true);
      for (const at of [job.submittedAt, job.stageSince]) expect(at <= soon).toBe(true);
      const isToldSo = job.hold?.reason.includes('the clock of its machine is ahead: set it') ?? false;
      expect(isToldSo).toBe(outcome === 'taken');
      expect((await verifyAudit(deps, ADMIN, { query: { jobId } })).findings).toEqual([]);
      expect(await folder.handOver()).toBe(0);
    },
  );

  it('counts the offline runs of a job that nobody had claimed here, and gives it to nobody again', async () => {
    await using folder = await offline();
    const jobId = folder.file('both', 'echo two > b');
    await folder.work();
    await folder.submitToo('both', 'echo two > b');
    await folder.handOver();
    const { job, events } = await detail(deps, jobId);
    expect(job).toMatchObject({ stage: 'review', epoch: 1, submittedBy: { id: 'ada' } });
    expect(events.map(({ body }) => body.kind)).toEqual([
      'job.submitted',
      'job.assigned',
      'run.started',
      'run.finished',
      'job.handed-over',
    ]);
    const there = folder.queue().eventsOf('both.md');
    expect(events.slice(1, 4).map(({ at }) => at)).toEqual(there.slice(1).map(({ at }) => at));
    expect(await claim(deps, folder.factory)).toEqual([]);
    expect((await verifyAudit(deps, ADMIN, { query: { jobId } })).findings).toEqual([]);
  });

  it('leaves a job that a factory had claimed here to that one, and records what was done and spent', async () => {
    await using folder = await offline();
    const jobId = folder.file('both', 'echo two > b');
    await folder.work();
    await folder.submitToo('both', 'echo two > b');
    const other = await makeFactory(deps, folder.productId);
    const here = await claimOne(deps, other);
    await folder.handOver();
    expect((await detail(deps, jobId)).job).toMatchObject({ stage: 'assigned', epoch: 1, holder: other.id });
    await report(deps, other, here, { kind: 'started' });
    const { events, runs } = await detail(deps, jobId);
    expect(events.map(({ body }) => body.kind)).toEqual([
      'job.submitted',
      'job.assigned',
      'job.handed-over',
      'run.started',
    ]);
    expect(events[2]?.body).toMatchObject({ outcome: 'kept', offline: { stage: 'review', runs: 1 } });
    expect(runs).toHaveLength(1);
    for (const event of events) await accrueSpend(deps, event);
    const ledger = await deps.documents.read<LedgerEntry>(BUDGETS, [folder.productId], `ledger:${jobId}:0`);
    expect(ledger?.document.wallSeconds).toBeGreaterThanOrEqual(0);
    expect((await verifyAudit(deps, ADMIN, { query: { jobId } })).findings).toEqual([]);
  });

  it('takes a ship that was asked for in the folder, and not yet done, for no ship', async () => {
    await using folder = await offline();
    const jobId = folder.file('ship', 'echo two > b', 'verify: "true"\n');
    await folder.work();
    renameSync(path.join(folder.root, 'testing', 'ship.md'), path.join(folder.root, 'shipped', 'ship.md'));
    await folder.handOver();
    expect((await detail(deps, jobId)).job).toMatchObject({ stage: 'testing' });
    expect((await detail(deps, jobId)).job.landing).toBeUndefined();
    expect(await claim(deps, folder.factory)).toEqual([]);
  });

  it('moves a manifest back that a person moves after the control plane has the job', async () => {
    await using folder = await offline();
    folder.file('hello', 'echo two > b');
    await folder.work();
    await folder.handOver();
    renameSync(path.join(folder.root, 'review', 'hello.md'), path.join(folder.root, 'shipped', 'hello.md'));
    await folder.claimHere();
    expect(folder.queue().eventsOf('hello.md').at(-1)?.body.kind).toBe('run.finished');
    expect(existsSync(path.join(folder.root, 'review', 'hello.md'))).toBe(true);
    const note = readFileSync(path.join(folder.root, 'shipped', 'hello.md.note.txt'), 'utf8');
    expect(note).toContain('the control plane has it now: aq show job-');
  });

  it('tells of a key that belongs to other work, and leaves both as they are', async () => {
    await using folder = await offline();
    const jobId = folder.file('both', 'echo two > b');
    await folder.work();
    await folder.submitToo('both', 'echo three > b');
    expect(await folder.handOver()).toBe(1);
    expect(await kindsOf(jobId)).toEqual(['job.submitted']);
    expect(await folder.handOver()).toBe(0);
  });

  it.each<[string, (record: HandOver) => void, string]>([
    ['another time', ({ events }) => (events[1]!.at = '2020-01-01T00:00:00.000Z'), 'does not have its hash'],
    ['an event less', ({ events }) => events.splice(1, 1), 'is missing'],
    ['a stage that no event led to', ({ job }) => (job.stage = 'shipped'), 'but the job says shipped'],
    ['another job', ({ job }) => (job.manifest.body = 'rm -rf /'), 'job.contentHash'],
    [
      'requirements that its manifest does not have',
      ({ job }) => (job.requirements = []),
      'job.requirements',
    ],
    [
      'an approval',
      ({ job }) => (job.approvals = [{ by: 'eve', at: job.submittedAt, commit: 'c' }]),
      'approvals',
    ],
    ['somebody who holds it', ({ job }) => (job.holder = 'eve'), 'job.holder'],
    ["another job's run", ({ runs }) => (runs[0]!.jobId = 'job-0000000000000000'), 'runs.0'],
  ])('refuses a record with %s', async (_, forge, words) => {
    await using folder = await offline();
    folder.file('hello', 'echo two > b');
    await folder.work();
    await folder.handOver();
    const record = structuredClone(folder.sent[0]!);
    forge(record);
    const { productId, factory } = folder;
    const forged = handOverJob(deps, factory, { params: { productId }, body: record });
    await expect(forged).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(forged).rejects.toThrow(words);
    const other = await makeFactory(deps, 'p-other');
    await expect(
      handOverJob(deps, other, { params: { productId }, body: folder.sent[0]! }),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });
});

// Last, since the timers need a later time.
describe('the control plane that dies before a write of a hand-over', { timeout: 120_000 }, () => {
  it.each<[string, boolean, string[]]>([
    [
      'that nobody filed here',
      false,
      ['batch fleet_jobs job+run+event+event+event+event+event+event', 'append logs', 'close logs'],
    ],
    [
      'that waits here',
      true,
      [
        'batch fleet_jobs job+run+event+event+event+event+event',
        'remove fleet_ready',
        'append logs',
        'close logs',
      ],
    ],
  ])('of a job %s: it is repeated, and is whole', async (_what, isFiled, expected) => {
    const writes = await atEachWrite(deps, async (process) => {
      await using folder = await offline();
      const jobId = folder.file('hello', 'echo two > b', 'verify: "true"\n');
      await folder.work();
      if (isFiled) await folder.submitToo('hello', 'echo two > b', { verify: 'true' });
      folder.through(process.deps);
      await untilDead(process, () => folder.handOver());
      folder.through(deps);
      await folder.restart();
      await folder.handOver();
      await repair(deps, cloud, folder.productId);
      expect((await detail(deps, jobId)).job).toMatchObject({ stage: 'testing', epoch: 1 });
      expect((await kindsOf(jobId)).filter((kind) => kind === 'job.handed-over')).toHaveLength(1);
      expect(await claim(deps, folder.factory)).toEqual([]);
      expect(await contradictions(deps, folder.productId)).toEqual([]);
    });
    expect(writes).toEqual(expected);
  });
});
