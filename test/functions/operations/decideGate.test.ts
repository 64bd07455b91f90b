import { describe, expect, it } from 'vitest';
import { decideGate, type GateDecision } from '../../../functions/operations/decideGate.js';
import { dispatchReadyJob } from '../../../functions/operations/dispatchReadyJob.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { getJob } from '../../../functions/operations/getJob.js';
import { listJobs } from '../../../functions/operations/listJobs.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { LEASES, READY } from '../../../shared/topology.js';
import {
  ADMIN,
  FINISHED,
  build,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  operator,
  report,
  submit,
  verified,
} from '../fixture.js';

if (FINISHED.kind !== 'finished') throw new Error('the fixture ends a build');
const ENDED = FINISHED;
const CHANGE = ENDED.change;
const { cloud, deps } = await cloudOfTests();

const decide = (jobId: string, decision: GateDecision, caller = ADMIN) =>
  decideGate(deps, caller, jobId, decision);
const start = async () => {
  const { productId } = await makeProduct(deps);
  return { productId, factory: await makeFactory(deps, productId) };
};

describe('a hold', () => {
  it('takes a job out of the ready set, says why it waits, and offers it again when it is lifted', async () => {
    const { productId, factory } = await start();
    const { jobId } = await submit(deps, productId);
    await decide(jobId, { kind: 'hold', reason: 'after the release' });
    expect(await claim(deps, factory)).toEqual([]);
    expect(await explainJob(deps, ADMIN, { params: { jobId } })).toMatchObject({
      state: 'blocked',
      summary: expect.stringContaining('after the release') as unknown,
      wouldPlace: `the hold lifted (aq resume ${jobId})`,
    });
    await decide(jobId, { kind: 'resume' });
    expect((await claimOne(deps, factory)).job.jobId).toBe(jobId);
  });

  it('that was lifted by somebody who died then is offered by the feed', async () => {
    const { productId } = await start();
    const { jobId } = await submit(deps, productId);
    await decide(jobId, { kind: 'hold', reason: 'x' });
    await decide(jobId, { kind: 'resume' });
    await cloud.documents.remove(READY, ['any'], jobId);
    const resumed = (await detail(deps, jobId)).events.at(-1);
    if (!resumed) throw new Error('no event');
    await dispatchReadyJob(deps, resumed);
    expect(await cloud.documents.read(READY, ['any'], jobId)).toBeDefined();
  });
});

describe('a pause', () => {
  it('fences the factory that is at work and frees what it held', async () => {
    const { productId, factory } = await start();
    const { jobId } = await submit(deps, productId, { lock: 'db' });
    const claimed = await claimOne(deps, factory);
    await report(deps, factory, claimed, { kind: 'started' });
    await decide(jobId, { kind: 'pause', reason: 'the machine is needed' });
    await expect(
      renewLease(deps, factory, { params: { jobId, epoch: 1 }, body: { running: 1 } }),
    ).rejects.toMatchObject({ code: 'stale-epoch' });
    expect(await cloud.documents.read(LEASES, [jobId], jobId)).toBeUndefined();
    const other = await submit(deps, productId, { lock: 'db' });
    expect((await claimOne(deps, factory)).job.jobId).toBe(other.jobId);
    expect((await detail(deps, jobId)).job).toMatchObject({ stage: 'queued', attempts: 0 });
  });
});

describe('reviewers', () => {
  it('let a change ship together, each in their own name and once', async () => {
    const { productId, factory } = await start();
    const policy = { reviewers: ['@bob', '@eve'], quorum: 2 };
    const { jobId } = await submit(deps, productId, { 'review-policy': policy, verify: 'npm test' });
    await build(deps, factory);
    const [bob, eve] = ['bob', 'eve'].map((id) => operator('reviewer', productId, id)) as [
      typeof ADMIN,
      typeof ADMIN,
    ];
    await expect(
      decide(jobId, { kind: 'approve' }, operator('operator', productId, 'bob')),
    ).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(decideGate(deps, bob, jobId, { kind: 'ship' })).rejects.toMatchObject({
      code: 'illegal-transition',
      detail: { legal: ['approve', 'reject', 'cancel', 'hold'] },
    });
    await Promise.all([bob, bob, eve].map((who) => decide(jobId, { kind: 'approve' }, who)));
    const { job, legal } = await getJob(deps, bob, { params: { jobId } });
    expect(job.approvals?.map(({ by }) => by).toSorted()).toEqual(['bob', 'eve']);
    expect(legal).toEqual(['ship', 'reject', 'cancel', 'hold']);
    await decideGate(deps, bob, jobId, { kind: 'ship' });
    expect((await claimOne(deps, factory)).run.kind).toBe('land');
  });

  it('reject with a reason; the job is run again when it is asked for', async () => {
    const { productId, factory } = await start();
    const { jobId } = await submit(deps, productId, { verify: 'npm test' });
    await build(deps, factory);
    const { job } = await decide(jobId, { kind: 'reject', reason: 'not like this' });
    expect(job).toMatchObject({ stage: 'failed', failure: { reason: 'rejected', message: 'not like this' } });
    expect((await detail(deps, jobId)).legal).toEqual(['requeue']);
  });
});

describe('a change of shared packages', () => {
  const scope = { allowed: [], outside: [], shared: ['packages/core/a.ts'], gates: [] };
  const finish = async (
    productId: string,
    manifest: Parameters<typeof submit>[2],
    change: Partial<typeof CHANGE>,
    factory: Awaited<ReturnType<typeof makeFactory>>,
  ) => {
    const { jobId } = await submit(deps, productId, { engine: 'shell', verify: 'npm test', ...manifest });
    const claimed = await claimOne(deps, factory);
    expect(claimed.job.jobId).toBe(jobId);
    await report(deps, factory, claimed, { kind: 'started' });
    await report(deps, factory, claimed, { ...ENDED, change: { ...CHANGE, ...change } });
    await report(deps, factory, claimed, verified(true));
    return jobId;
  };

  it('ships after the reviewer profile read that commit and another person approved it, not with one of both', async () => {
    const { productId, factory } = await start();
    const jobId = await finish(productId, {}, { scope }, factory);
    const bob = operator('reviewer', productId, 'bob');
    const refused = { code: 'illegal-transition', message: expect.stringContaining('profile: reviewer') };
    const approve = () => decide(jobId, { kind: 'approve' }, bob);
    const ship = () => decideGate(deps, bob, jobId, { kind: 'ship' });
    await expect(approve()).rejects.toMatchObject(refused);

    const onBranch = { 'base-branch': 'aq/job' };
    const other = { commit: 'f00d', baseCommit: 'c0ffee' };
    await finish(productId, { ...onBranch, profile: 'developer' }, other, factory);
    await finish(productId, { ...onBranch, profile: 'reviewer' }, { ...other, baseCommit: 'beef' }, factory);
    await expect(approve()).rejects.toMatchObject(refused);
    const turnedDown = await finish(productId, { ...onBranch, profile: 'reviewer' }, other, factory);
    await decide(turnedDown, { kind: 'reject', reason: 'it read nothing' });
    await expect(approve()).rejects.toMatchObject(refused);

    const review = await finish(productId, { ...onBranch, profile: 'reviewer' }, other, factory);
    await expect(ship()).rejects.toMatchObject({ message: expect.stringContaining('approval of a person') });
    await expect(decide(jobId, { kind: 'approve' })).rejects.toMatchObject({
      message: expect.stringContaining('nobody approves their own'),
    });
    expect((await approve()).job.approvals).toMatchObject([{ by: 'bob', commit: 'c0ffee', review }]);
    await ship();
    expect((await claimOne(deps, factory)).run.kind).toBe('land');
  });
});

describe('the policy auto', () => {
  it('offers the merge to a factory without a person', async () => {
    const { productId, factory } = await start();
    await submit(deps, productId, { 'review-policy': 'auto', verify: 'npm test' });
    const { job } = await build(deps, factory);
    const landing = await claimOne(deps, factory);
    expect(landing).toMatchObject({ job: { jobId: job.jobId }, run: { kind: 'land' } });
  });
});

describe('promoting', () => {
  it('takes what has no verify out of review, without merging it', async () => {
    const { productId, factory } = await start();
    const { jobId } = await submit(deps, productId);
    const claimed = await claimOne(deps, factory);
    await report(deps, factory, claimed, { kind: 'started' });
    await report(deps, factory, claimed, FINISHED);
    expect((await decide(jobId, { kind: 'promote' })).job).toMatchObject({ stage: 'testing' });
    expect(await claim(deps, factory)).toEqual([]);
  });
});

describe('what takes too long', () => {
  it('is late in the detail, the list and the explanation', async () => {
    const { productId } = await start();
    const { jobId } = await submit(deps, productId, { priority: 'critical' });
    expect((await detail(deps, jobId)).sla).toMatchObject({ phase: 'start', breached: false });
    cloud.clock.advance(301);
    const query = { productId, limit: 10 };
    const late = { phase: 'start', breached: true };
    expect((await detail(deps, jobId)).sla).toMatchObject(late);
    expect((await listJobs(deps, ADMIN, { query })).jobs[0]?.sla).toMatchObject(late);
    expect((await explainJob(deps, ADMIN, { params: { jobId } })).sla).toMatchObject(late);
  });
});
