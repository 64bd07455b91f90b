import { describe, expect, it } from 'vitest';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { tellBreaches } from '../../../functions/operations/tellBreaches.js';
import type { Job } from '../../../shared/contract/job.js';
import { hashOfEvent } from '../../../shared/eventChain.js';
import { ADMIN, claimOne, cloudOfTests, detail, makeFactory, makeProduct, submit } from '../fixture.js';

const MINUTE = 60;

const { cloud, deps } = await cloudOfTests();

const breachesOf = async ({ jobId }: Pick<Job, 'jobId'>) =>
  (await detail(deps, jobId)).events.flatMap(({ body, actor }) =>
    body.kind === 'sla.breached' ? [[actor.id, body.phase, body.priority]] : [],
  );

describe('a job that is late', () => {
  it('says so once a phase, in its own log, whoever looks and how often', async () => {
    const { productId } = await makeProduct(deps);
    const urgent = await submit(deps, productId, { priority: 'critical' });
    const patient = await submit(deps, productId, { priority: 'low' });
    expect(await tellBreaches(deps)).toBe(0);

    cloud.clock.advance(6 * MINUTE);
    await Promise.all([tellBreaches(deps), tellBreaches(deps)]);
    await tellBreaches(deps);
    expect(await breachesOf(urgent)).toEqual([['sla', 'start', 'critical']]);
    expect(await breachesOf(patient)).toEqual([]);
    const explanation = await explainJob(deps, ADMIN, { params: { jobId: urgent.jobId } });
    expect(explanation.sla).toMatchObject({ phase: 'start', breached: true });

    const factory = await makeFactory(deps, productId);
    const { job } = await claimOne(deps, factory);
    expect(job.sla).toMatchObject({ phase: 'run', breached: false });
    cloud.clock.advance(61 * MINUTE);
    await tellBreaches(deps);
    expect(await breachesOf(urgent)).toEqual([
      ['sla', 'start', 'critical'],
      ['sla', 'run', 'critical'],
    ]);
  });

  it('can still be claimed, and its log stays one chain', async () => {
    const { productId } = await makeProduct(deps);
    const job = await submit(deps, productId, { priority: 'critical' });
    cloud.clock.advance(6 * MINUTE);
    await tellBreaches(deps);
    const claimed = await claimOne(deps, await makeFactory(deps, productId));
    expect(claimed.job.jobId).toBe(job.jobId);
    const { events } = await detail(deps, job.jobId);
    expect(events.map(({ body }) => body.kind)).toEqual(['job.submitted', 'sla.breached', 'job.assigned']);
    expect(events.map((event) => event.prevHash).slice(1)).toEqual(events.map(hashOfEvent).slice(0, -1));
  });
});
