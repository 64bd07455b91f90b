import { describe, expect, it } from 'vitest';
import { submitJob } from '../../../functions/operations/submitJob.js';
import type { ReadyEntry } from '../../../shared/contract/fleet.js';
import { READY, poolQueueName } from '../../../shared/topology.js';
import { ADMIN, cloudOfTests, detail, makeProduct, operator, submit } from '../fixture.js';

const { cloud, deps } = await cloudOfTests();

describe('submitting a job', () => {
  it('writes job and event as one, and offers the job in its pool at once', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId);

    const { job, events } = await detail(deps, jobId);
    expect(job).toMatchObject({ stage: 'queued', events: 1, headHash: events[0]?.hash });
    const entry = await cloud.documents.read<ReadyEntry>(READY, ['any'], jobId);
    expect(entry?.document).toMatchObject({ productId, lane: job.lane, epoch: 0 });
    expect(await cloud.bus.waiting(poolQueueName('any'), 100)).toContain(`${jobId}.0.1`);
  });

  it('makes one job of fifty identical submits at the same moment', async () => {
    const { productId } = await makeProduct(deps);
    const manifest = { body: 'echo hi', 'idempotency-key': 'nightly' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => submitJob(deps, ADMIN, { body: { productId, manifest } })),
    );
    expect(new Set(answers.map(({ job }) => job.jobId)).size).toBe(1);
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    const { events } = await detail(deps, answers[0]?.job.jobId ?? '');
    expect(events).toHaveLength(1);
  });

  it('refuses the same key with other content, and leaves the first job as it is', async () => {
    const { productId } = await makeProduct(deps);
    const first = await submit(deps, productId, { 'idempotency-key': 'k' });
    await expect(submit(deps, productId, { 'idempotency-key': 'k', body: 'other' })).rejects.toMatchObject({
      code: 'idempotency-conflict',
      status: 409,
      detail: { jobId: first.jobId },
    });
    expect((await detail(deps, first.jobId)).job.contentHash).toBe(first.contentHash);
  });

  it('takes the same key of two products for two jobs', async () => {
    const [one, other] = await Promise.all([makeProduct(deps), makeProduct(deps)]);
    const jobs = await Promise.all(
      [one, other].map(({ productId }) => submit(deps, productId, { 'idempotency-key': 'k' })),
    );
    expect(jobs[0]?.jobId).not.toBe(jobs[1]?.jobId);
  });

  it('refuses an invalid manifest with every problem, its path, line and nearest name', async () => {
    const { productId } = await makeProduct(deps);
    const text = '---\nengine: shel\nprioritty: high\ntimeout: soon\n---\necho hi\n';
    const refusal = submitJob(deps, ADMIN, { body: { productId, text } });
    await expect(refusal).rejects.toMatchObject({ code: 'invalid-manifest', status: 400 });
    const error = await refusal.catch((thrown: unknown) => thrown as { detail: { problems: object[] } });
    expect(error).toMatchObject({
      detail: {
        problems: [
          { path: 'engine', line: 2, nearest: 'shell' },
          { line: 3, nearest: 'priority' },
          { path: 'timeout', line: 4 },
        ],
      },
    });
  });

  it('tells what only the fleet can know together with what the text shows, each with its line', async () => {
    const { productId } = await makeProduct(deps, { defaults: { engine: 'shell' } });
    const text = '---\nprofile: noone\ntimeout: soon\ndeps:\n  - nobody\n  - nothing\n---\necho hi\n';
    await expect(submitJob(deps, ADMIN, { body: { productId, text } })).rejects.toMatchObject({
      code: 'invalid-manifest',
      message: 'the manifest has 5 problems',
      detail: {
        problems: [
          { path: 'repo' },
          { path: 'profile', line: 2, message: 'there is no profile noone' },
          { path: 'timeout', line: 3 },
          { path: 'deps.0', line: 5 },
          { path: 'deps.1', line: 6 },
        ],
      },
    });
  });

  it('fills what the manifest leaves open from the product, and only that', async () => {
    const { productId } = await makeProduct(deps, {
      defaults: {
        repo: 'https://example.com/a.git',
        baseBranch: 'develop',
        engine: 'claude',
        verify: 'npm test',
      },
    });
    const open = await submit(deps, productId);
    expect(open.manifest).toMatchObject({
      repo: 'https://example.com/a.git',
      'base-branch': 'develop',
      verify: 'npm test',
    });
    expect(open.engine).toBe('claude');
    const text =
      '---\nengine: shell\nbase-branch: main\nrepo: https://example.com/b.git\nverify: make\n---\nhi';
    const { job } = await submitJob(deps, ADMIN, { body: { productId, text } });
    expect(job.manifest).toMatchObject({
      engine: 'shell',
      'base-branch': 'main',
      repo: 'https://example.com/b.git',
      verify: 'make',
    });
  });

  it('keeps the identity of a job when the product changes its defaults', async () => {
    const { productId } = await makeProduct(deps);
    const first = await submit(deps, productId, { 'idempotency-key': 'k' });
    await makeProduct(deps, { defaults: { repo: 'https://example.com/new.git' } });
    const again = await submit(deps, productId, { 'idempotency-key': 'k' });
    expect(again.jobId).toBe(first.jobId);
  });

  it('says so when nobody names a repository', async () => {
    const { productId } = await makeProduct(deps, { defaults: { engine: 'shell' } });
    await expect(submit(deps, productId)).rejects.toMatchObject({
      code: 'invalid-manifest',
      detail: { problems: [{ path: 'repo' }] },
    });
  });

  it('refuses unknown and reserved products, and people without the role', async () => {
    const body = (productId: string) => ({ body: { productId, manifest: { body: 'x' } } });
    await expect(submitJob(deps, ADMIN, body('nobody'))).rejects.toMatchObject({ code: 'not-found' });
    await expect(submitJob(deps, ADMIN, body('fleet'))).rejects.toMatchObject({ code: 'invalid-request' });
    const { productId } = await makeProduct(deps);
    await expect(submitJob(deps, operator('viewer', productId), body(productId))).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  it('survives an answer that got lost after the write', async () => {
    const { productId } = await makeProduct(deps);
    cloud.cosmos.faults.add({ kind: 'loseAck', times: 1, on: 'writes', container: 'fleet_jobs' });
    const { jobId } = await submit(deps, productId, { 'idempotency-key': 'k' });
    expect((await detail(deps, jobId)).events).toHaveLength(1);
  });

  it('keeps a job although its dispatch met a busy bus', async () => {
    const { productId } = await makeProduct(deps);
    cloud.serviceBus.faults.inject({ kind: 'throttle', operations: ['send'], times: 1 });
    const { jobId } = await submit(deps, productId);
    expect((await detail(deps, jobId)).job.stage).toBe('queued');
  });
});
