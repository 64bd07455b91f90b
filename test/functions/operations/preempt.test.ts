import { expect, it } from 'vitest';
import { preempt } from '../../../functions/operations/preempt.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { claim, cloudOfTests, detail, makeFactory, makeProduct, report, submit } from '../fixture.js';

const { cloud, deps } = await cloudOfTests();

it('critical work takes a station from less urgent work, once, and only where that is switched on', async () => {
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId);
  await Promise.all(Array.from({ length: 4 }, () => submit(deps, productId)));
  const running = await claim(deps, factory, 4);
  expect(running).toHaveLength(4);
  const { jobId } = await submit(deps, productId, { priority: 'critical' });

  expect(await preempt(deps)).toBe(0);
  cloud.clock.advance(16);
  expect(await preempt({ ...deps, settings: { ...deps.settings, preemption: false } })).toBe(0);
  expect(await Promise.all([preempt(deps), preempt(deps)]).then((cut) => Math.max(...cut))).toBe(1);

  const states = await Promise.all(running.map(({ job }) => detail(deps, job.jobId)));
  const [victim, ...others] = states.filter(({ job }) => job.stage === 'queued');
  expect(others).toEqual([]);
  expect(victim?.job).toMatchObject({ attempts: 0, epoch: 1 });
  expect(victim?.events.at(-1)?.body).toMatchObject({
    kind: 'run.released',
    message: expect.stringContaining(`made room for ${jobId}`) as string,
  });
  const params = { jobId: victim?.job.jobId ?? '', epoch: 1 };
  await expect(renewLease(deps, factory, { params, body: { running: 4 } })).rejects.toMatchObject({
    code: 'stale-epoch',
  });
  const late = running.find(({ job }) => job.jobId === victim?.job.jobId);
  if (!late) throw new Error('the victim was not running');
  await expect(report(deps, factory, late, { kind: 'started' })).rejects.toMatchObject({
    code: 'stale-epoch',
  });
  // The station is free now: the critical job gets it, and the next look cuts nothing more.
  expect((await claim(deps, factory, 1)).map(({ job }) => job.jobId)).toEqual([jobId]);
  expect(await preempt(deps)).toBe(0);
});
