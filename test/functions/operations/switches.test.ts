import { afterEach, describe, expect, it } from 'vitest';
import { accrueSpend } from '../../../functions/operations/accrueSpend.js';
import { claimJobs } from '../../../functions/operations/claimJobs.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { getBudget } from '../../../functions/operations/getBudget.js';
import { putBudget } from '../../../functions/operations/putBudget.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { halt, listSwitchRecords, listSwitches, resume } from '../../../functions/operations/switches.js';
import type { Claim } from '../../../shared/contract/api.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import { drain } from '../../support/queues.js';
import {
  ADMIN,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  operator,
  report,
  submit,
} from '../fixture.js';

const { cloud, deps } = await cloudOfTests();
afterEach(async () => {
  for (const { scope } of (await listSwitches(deps, ADMIN)).on)
    await resume(deps, ADMIN, { body: { scope } });
});

const stop = (scope: string) => halt(deps, ADMIN, { body: { scope, reason: 'incident' } });
const renew = (factory: FactoryCaller, { job, run }: Claim) =>
  renewLease(deps, factory, { params: { jobId: job.jobId, epoch: run.epoch }, body: { running: 1 } });
const setUp = async () => {
  const { productId } = await makeProduct(deps);
  return { productId, factory: await makeFactory(deps, productId), job: await submit(deps, productId) };
};

describe('a kill switch', () => {
  it.each(['fleet', 'pool:any', 'product'])(
    'of the %s stops claims at once, and lets them go on',
    async (what) => {
      const { productId, factory, job } = await setUp();
      const scope = what === 'product' ? `product:${productId}` : what;
      await stop(scope);
      const body = { pool: 'any', stations: 1, running: 0, warm: [] };
      expect(await claimJobs(deps, factory, { body })).toEqual({
        claims: [],
        waiting: 1,
        halted: [{ scope, reason: 'incident' }],
      });
      const explanation = await explainJob(deps, ADMIN, { params: { jobId: job.jobId } });
      expect(explanation).toMatchObject({
        summary: `Waits: ${scope} is halted (incident).`,
        wouldPlace: expect.stringContaining(`aq halt ${scope} --lift`) as string,
      });
      await resume(deps, ADMIN, { body: { scope } });
      expect(await claim(deps, factory)).toHaveLength(1);
    },
  );

  it('leaves other products and pools alone', async () => {
    const [one, other] = [await setUp(), await setUp()];
    await stop(`product:${one.productId}`);
    await stop('pool:mac');
    expect(await claim(deps, other.factory)).toHaveLength(1);
  });

  it('stops a running job with its next renewal, without counting an attempt', async () => {
    const { factory, job } = await setUp();
    const running = await claimOne(deps, factory);
    await report(deps, factory, running, { kind: 'started' });
    expect((await renew(factory, running)).directives).toEqual([]);
    await stop('fleet');
    expect((await renew(factory, running)).directives).toEqual(['stop']);
    expect((await detail(deps, job.jobId)).job).toMatchObject({ stage: 'queued', attempts: 0, epoch: 1 });
    await expect(renew(factory, running)).rejects.toMatchObject({ code: 'stale-epoch' });
    expect(await claim(deps, factory)).toEqual([]);
    await resume(deps, ADMIN, { body: { scope: 'fleet' } });
    expect((await claimOne(deps, factory)).run.epoch).toBe(2);
  });

  it('lifted rings for a job that became ready only moments before, whose ticket was spent in vain', async () => {
    const { productId } = await makeProduct(deps);
    await stop('pool:windows');
    await submit(deps, productId, { capabilities: ['os:windows'] });
    expect(await drain(cloud, 'pool-windows', { sessions: true })).toHaveLength(1);
    await resume(deps, ADMIN, { body: { scope: 'pool:windows' } });
    expect(await drain(cloud, 'pool-windows', { sessions: true })).toHaveLength(1);
  });

  it('counts what it stopped as spent, since nobody knows better', async () => {
    const { productId } = await makeProduct(deps);
    const params = { productId };
    await putBudget(deps, ADMIN, { params, body: { dayUsd: 10 } });
    const factory = await makeFactory(deps, productId, ['os:linux', 'engine:shell', 'engine:claude']);
    const { jobId } = await submit(deps, productId, { engine: 'claude', budget: { usd: 4 } });
    const running = await claimOne(deps, factory, 'claude');
    await stop('fleet');
    await renew(factory, running);
    for (const event of (await detail(deps, jobId)).events) await accrueSpend(deps, event);
    const { windows, reservedUsd } = await getBudget(deps, ADMIN, { params });
    expect([windows[0]?.spentUsd, reservedUsd]).toEqual([4, 0]);
  });

  it('is on the record, each change of it', async () => {
    const { productId } = await makeProduct(deps);
    const scope = `product:${productId}`;
    const ada = operator('operator', productId);
    await halt(deps, ada, { body: { scope, reason: 'first' } });
    cloud.clock.advance(1);
    await halt(deps, ada, { body: { scope, reason: 'second' } });
    expect((await listSwitches(deps, ada)).on).toMatchObject([
      { scope, reason: 'second', by: { id: 'ada' } },
    ]);
    cloud.clock.advance(1);
    await resume(deps, ada, { body: { scope } });
    const told = async (caller: ReturnType<typeof operator>) => {
      const { records } = await listSwitchRecords(deps, caller, { query: { limit: 1000 } });
      return records.filter((record) => record.scope === scope);
    };
    expect((await told(ada)).map(({ action, reason, actor }) => [action, reason, actor.id])).toEqual([
      ['resume', undefined, 'ada'],
      ['halt', 'second', 'ada'],
      ['halt', 'first', 'ada'],
    ]);
    expect(await told(operator('viewer', 'another'))).toEqual([]);
  });

  it('takes the right to it: a product by its operators, fleet and pools by those of all products', async () => {
    const { productId } = await makeProduct(deps);
    const thrown = (caller: ReturnType<typeof operator>, scope: string) =>
      halt(deps, caller, { body: { scope, reason: 'x' } });
    const own = operator('operator', productId);
    for (const scope of ['fleet', 'pool:any', 'product:another'])
      await expect(thrown(own, scope)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(thrown(operator('viewer', '*'), 'fleet')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(thrown(ADMIN, 'pool:cellar')).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(thrown(ADMIN, 'product:mistyped')).rejects.toMatchObject({ code: 'not-found' });
    const other = await makeProduct(deps);
    await stop(`product:${other.productId}`);
    expect((await listSwitches(deps, own)).on).toEqual([]);
  });

  it('keeps every one of several that are thrown at the same moment', async () => {
    const scopes = ['fleet', 'pool:any', 'pool:linux', 'pool:mac'];
    await Promise.all(scopes.map(stop));
    expect((await listSwitches(deps, ADMIN)).on.map(({ scope }) => scope).toSorted()).toEqual(scopes);
  });
});
