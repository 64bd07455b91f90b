import { describe, expect, it } from 'vitest';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { getDag } from '../../../functions/operations/getDag.js';
import { unblockDependents } from '../../../functions/operations/unblockDependents.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import type { Claim } from '../../../shared/contract/api.js';
import type { Job } from '../../../shared/contract/job.js';
import {
  ADMIN,
  FINISHED,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
  runToEnd,
} from '../fixture.js';

const { deps } = await cloudOfTests();

const start = async () => {
  const { productId } = await makeProduct(deps);
  return { productId, factory: await makeFactory(deps, productId) };
};
const dag = (jobId: string) => getDag(deps, ADMIN, { params: { jobId } });
const explain = (jobId: string) => explainJob(deps, ADMIN, { params: { jobId } });
/** What the change feed does, for all that happened to these jobs so far; twice, as it may. */
const feed = async (...jobs: readonly Pick<Job, 'jobId'>[]): Promise<void> => {
  for (const { jobId } of jobs)
    for (const event of (await detail(deps, jobId)).events) {
      await unblockDependents(deps, event);
      await unblockDependents(deps, event);
    }
};
/** Does the next run that the factory is given, whatever it is; a build that passed is shipped at once. */
const runNext = async (factory: FactoryCaller): Promise<Claim> => {
  const claimed = await claimOne(deps, factory);
  await runToEnd(deps, factory, claimed);
  if (claimed.run.kind === 'build') await decideGate(deps, ADMIN, claimed.job.jobId, { kind: 'ship' });
  return claimed;
};

describe('a job that waits for another', () => {
  it('is claimed when that one has shipped, and not before', async () => {
    const { productId, factory } = await start();
    const first = await submit(deps, productId, { verify: 'x', 'idempotency-key': 'first' });
    const second = await submit(deps, productId, { verify: 'x', deps: ['first'] });
    expect(second.waitsFor).toEqual([first.jobId]);
    expect(await explain(second.jobId)).toMatchObject({
      state: 'blocked',
      wouldPlace: `${first.jobId} to ship`,
    });
    expect((await runNext(factory)).job.jobId).toBe(first.jobId);
    await feed(first, second);
    const landing = await runNext(factory);
    expect(landing).toMatchObject({ job: { jobId: first.jobId }, run: { kind: 'land' } });
    expect(await claim(deps, factory)).toEqual([]);
    await feed(first);
    const kinds = (await detail(deps, second.jobId)).events.map(({ body }) => body.kind);
    expect(kinds).toEqual(['job.submitted', 'deps.met']);
    expect((await claimOne(deps, factory)).job.jobId).toBe(second.jobId);
  });

  it('goes on after testing where that is enough, also when a person promoted it', async () => {
    const { productId, factory } = await start();
    const first = await submit(deps, productId);
    const second = await submit(deps, productId, { deps: [`${first.jobId}@testing`] });
    const third = await submit(deps, productId, { deps: [first.jobId] });
    const claimed = await claimOne(deps, factory);
    await report(deps, factory, claimed, { kind: 'started' });
    await report(deps, factory, claimed, FINISHED);
    await decideGate(deps, ADMIN, first.jobId, { kind: 'promote' });
    await feed(first);
    expect((await claim(deps, factory, 4)).map(({ job }) => job.jobId)).toEqual([second.jobId]);
    expect((await detail(deps, third.jobId)).job.waitsFor).toEqual([first.jobId]);
  });

  it('waits for nothing that has shipped before', async () => {
    const { productId, factory } = await start();
    const first = await submit(deps, productId, { verify: 'x' });
    await runNext(factory);
    await runNext(factory);
    const second = await submit(deps, productId, { deps: [first.jobId] });
    expect(second.waitsFor).toBeUndefined();
    expect((await claimOne(deps, factory)).job.jobId).toBe(second.jobId);
  });

  it('finds by itself what arrived while it was being submitted', async () => {
    const { productId, factory } = await start();
    const first = await submit(deps, productId, { verify: 'x' });
    const second = await submit(deps, productId, { deps: [first.jobId] });
    await runNext(factory);
    await runNext(factory);
    await feed(second);
    expect((await claimOne(deps, factory)).job.jobId).toBe(second.jobId);
  });

  it('says which one failed', async () => {
    const { productId } = await start();
    const first = await submit(deps, productId);
    const second = await submit(deps, productId, { deps: [first.jobId] });
    await decideGate(deps, ADMIN, first.jobId, { kind: 'cancel', reason: 'no' });
    await feed(first, second);
    expect(await explain(second.jobId)).toMatchObject({
      summary: `Waits for ${first.jobId} (failed).`,
      wouldPlace: `${first.jobId} to ship (it is in failed: requeue it)`,
    });
  });

  it('is refused with every name that is no job of its product', async () => {
    const [mine, theirs] = await Promise.all([start(), start()]);
    const other = await submit(deps, theirs.productId);
    await expect(submit(deps, mine.productId, { deps: ['nobody', other.jobId] })).rejects.toMatchObject({
      code: 'invalid-manifest',
      detail: { problems: [{ path: 'deps.0' }, { path: 'deps.1' }] },
    });
  });

  it('is refused with the cycle when it waits for itself', async () => {
    const { productId } = await start();
    await expect(submit(deps, productId, { 'idempotency-key': 'me', deps: ['me'] })).rejects.toMatchObject({
      detail: {
        problems: [{ message: expect.stringMatching(/^a cycle: (job-\w+) → \1$/) as unknown }],
      },
    });
  });

  it('submitted twice is the same job', async () => {
    const { productId } = await start();
    const first = await submit(deps, productId);
    const again = { 'idempotency-key': 'twice', deps: [first.jobId] };
    expect((await submit(deps, productId, again)).jobId).toBe((await submit(deps, productId, again)).jobId);
  });
});

describe('a graph', () => {
  it('that fans out and in again is drained in order, and shows itself', async () => {
    const { productId, factory } = await start();
    const top = await submit(deps, productId, { verify: 'x', title: 'top' });
    const middle = await Promise.all(
      ['a', 'b', 'c'].map((title) => submit(deps, productId, { verify: 'x', title, deps: [top.jobId] })),
    );
    const needs = middle.map(({ jobId }) => jobId);
    const bottom = await submit(deps, productId, { verify: 'x', title: 'bottom', deps: needs });
    const order: string[] = [];
    for (let runs = 0; runs < 10; runs += 1) {
      const { job, run } = await runNext(factory);
      if (run.kind === 'build') order.push(job.jobId);
      await feed(job);
    }
    expect(order[0]).toBe(top.jobId);
    expect(order.slice(1, 4).toSorted()).toEqual(needs.toSorted());
    expect(order[4]).toBe(bottom.jobId);
    const { jobs, edges } = await dag(middle[1]?.jobId ?? '');
    expect([jobs[0]?.title, jobs[4]?.title, jobs.length]).toEqual(['top', 'bottom', 5]);
    expect(edges).toHaveLength(6);
    expect(edges.every(({ met }) => met)).toBe(true);
  });

  it('of a job that nothing hangs together with is that job', async () => {
    const { productId } = await start();
    const { jobId } = await submit(deps, productId, { title: 'alone' });
    expect(await dag(jobId)).toEqual({ jobs: [{ jobId, title: 'alone', stage: 'queued' }], edges: [] });
  });
});
