// The table of crash points in docs/reliability.md, for what happens to one job: each operation dies before each of
// its writes, then the feed and the timers do what they always do, and the job must end as if nothing had happened.
// The expected list of writes is the table's row: one more write fails here until it has its place there.
import { describe, expect, it } from 'vitest';
import { accrueSpend } from '../../../functions/operations/accrueSpend.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import { claimJobs } from '../../../functions/operations/claimJobs.js';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { getBudget } from '../../../functions/operations/getBudget.js';
import { preempt } from '../../../functions/operations/preempt.js';
import { putBudget } from '../../../functions/operations/putBudget.js';
import { reapLeases } from '../../../functions/operations/reapLeases.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { reportRun } from '../../../functions/operations/reportRun.js';
import { submitJob } from '../../../functions/operations/submitJob.js';
import { halt, resume } from '../../../functions/operations/switches.js';
import { unblockDependents } from '../../../functions/operations/unblockDependents.js';
import type { Claim } from '../../../shared/contract/api.js';
import { atEachWrite, untilDead } from '../../support/dying.js';
import { drain } from '../../support/queues.js';
import {
  ADMIN,
  FINISHED,
  LEASE_SECONDS,
  build,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
  verified,
  type Report,
  runToEnd,
} from '../fixture.js';
import { contradictions, feed, repair, timers } from './repairs.js';

const { cloud, deps } = await cloudOfTests();

const CLAIM = { pool: 'any', stations: 1, running: 0, warm: [] };
const paramsOf = ({ job, run }: Claim) => ({ jobId: job.jobId, epoch: run.epoch });
const stageOf = async (jobId: string): Promise<string> => (await detail(deps, jobId)).job.stage;

/** Takes whatever the product still has to do to its end, as factories would. */
async function finishAll(factory: FactoryCaller): Promise<void> {
  for (let [next] = await claim(deps, factory); next; [next] = await claim(deps, factory))
    await runToEnd(deps, factory, next);
}

/** Everything of the product has come to this stage, and nothing contradicts itself. */
async function endsIn(stage: string, productId: string, factory: FactoryCaller, jobIds: string[]) {
  // Retries wait for a second.
  cloud.clock.advance(5);
  await finishAll(factory);
  for (const jobId of jobIds) expect(await stageOf(jobId)).toBe(stage);
  expect(await contradictions(deps, productId)).toEqual([]);
}

const start = async (manifest: Record<string, unknown> = {}) => {
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId);
  const { jobId } = await submit(deps, productId, { verify: 'npm test', ...manifest });
  return { productId, factory, jobId };
};

describe('dying before each write of', { timeout: 120_000 }, () => {
  it('a submit: the job is there or was never acknowledged, and a repeat is the same job', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      const manifest = { body: 'echo hi', verify: 'npm test', 'idempotency-key': 'one' };
      await drain(cloud, 'pool-any', { sessions: true });
      let acknowledged = false;
      await untilDead(process, async (dying) => {
        await submitJob(dying, ADMIN, { body: { productId, manifest } });
        acknowledged = true;
      });
      if (!acknowledged) await submitJob(deps, ADMIN, { body: { productId, manifest } });
      await repair(deps, cloud, productId);
      expect((await drain(cloud, 'pool-any', { sessions: true })).length).toBeGreaterThan(0);
      const { job, created } = await submitJob(deps, ADMIN, { body: { productId, manifest } });
      expect(created).toBe(false);
      await endsIn('testing', productId, factory, [job.jobId]);
    });
    expect(writes).toEqual(['batch fleet_jobs job+event', 'upsert fleet_ready ready', 'send pool-any']);
  });

  it('a claim: the job is free again after a lease, with its lock and its money', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      await putBudget(deps, ADMIN, { params: { productId }, body: { dayUsd: 5 } });
      const factory = await makeFactory(deps, productId, ['os:linux', 'engine:shell', 'engine:claude']);
      const { jobId } = await submit(deps, productId, {
        engine: 'claude',
        verify: 'npm test',
        lock: 'database',
        budget: { usd: 4 },
        retry: { max: 2, backoff: 1 },
      });
      const body = { ...CLAIM, pool: 'claude' };
      await untilDead(process, (dying) => claimJobs(dying, factory, { body }));
      await repair(deps, cloud, productId);
      // A run that was claimed counts as what it might have cost, since nobody knows better: then it takes more.
      const assumed = (await detail(deps, jobId)).job.epoch === 0 ? 0 : 4;
      if (assumed > 0) await putBudget(deps, ADMIN, { params: { productId }, body: { dayUsd: 10 } });
      cloud.clock.advance(5);
      const again = await claimOne(deps, factory, 'claude');
      expect(again.job.jobId).toBe(jobId);
      await report(deps, factory, again, { kind: 'started' });
      await report(deps, factory, again, FINISHED);
      await report(deps, factory, again, verified(true));
      await feed(deps, productId);
      const { windows, reservedUsd } = await getBudget(deps, ADMIN, { params: { productId } });
      expect([windows[0]?.spentUsd, reservedUsd]).toEqual([assumed + 0.5, 0]);
      const next = await submit(deps, productId, { engine: 'shell', lock: 'database', verify: 'npm test' });
      await endsIn('testing', productId, factory, [jobId, next.jobId]);
    });
    expect(writes).toEqual([
      'patch fleet_factories',
      'batch fleet_budgets reservation+patch',
      'create fleet_leases lock',
      'batch fleet_jobs job+run+event',
      'patch fleet_leases',
      'create fleet_leases lease',
      'remove fleet_ready',
    ]);
  });

  it('a renewal that meets a kill switch: the job is given back, by that or by its lease', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId, factory, jobId } = await start({ lock: 'database', retry: { max: 2, backoff: 1 } });
      const running = await claimOne(deps, factory);
      const scope = `product:${productId}`;
      await halt(deps, ADMIN, { body: { scope, reason: 'incident' } });
      const params = paramsOf(running);
      await untilDead(process, (dying) => renewLease(dying, factory, { params, body: { running: 1 } }));
      await repair(deps, cloud, productId);
      expect((await detail(deps, jobId)).job.holder).toBeUndefined();
      const late = renewLease(deps, factory, { params, body: { running: 1 } });
      await expect(late).rejects.toMatchObject({ code: 'stale-epoch' });
      await resume(deps, ADMIN, { body: { scope } });
      await endsIn('testing', productId, factory, [jobId]);
    });
    expect(writes).toEqual([
      'patch fleet_factories',
      'patch fleet_leases',
      'batch fleet_jobs job+run+event',
      'remove fleet_leases',
      'remove fleet_leases',
      'upsert fleet_ready ready',
      'send pool-any',
    ]);
  });

  const reports: [string, readonly Report[], string[]][] = [
    ['ends the run', [{ kind: 'started' }, FINISHED, verified(true)], []],
    [
      'failed and is tried again',
      [{ kind: 'started' }, { kind: 'failed', reason: 'engine_failed', message: 'x', exitCode: 1 }],
      ['upsert fleet_ready ready', 'send pool-any', 'patch fleet_factories'],
    ],
    [
      'gives the job back',
      [{ kind: 'released', message: 'no disk' }],
      ['upsert fleet_ready ready', 'send pool-any'],
    ],
  ];
  it.each(reports)(
    'a report that %s: it is repeated, and a job that waits for the lock goes on',
    async (_what, bodies, more) => {
      const last = bodies.at(-1)!;
      const writes = await atEachWrite(deps, async (process) => {
        const { productId, factory, jobId } = await start({ lock: 'l', retry: { max: 2, backoff: 1 } });
        const running = await claimOne(deps, factory);
        const waiting = await submit(deps, productId, { lock: 'l', verify: 'npm test' });
        for (const body of bodies.slice(0, -1)) await report(deps, factory, running, body);
        const input = { params: paramsOf(running), body: last };
        let answered = false;
        await untilDead(process, async (dying) => {
          await reportRun(dying, factory, input);
          answered = true;
        });
        // The factory asks again until it is answered.
        if (!answered) await reportRun(deps, factory, input);
        await repair(deps, cloud, productId);
        const ends = (await detail(deps, jobId)).events.filter(
          ({ body }) => body.kind === `run.${last.kind}`,
        );
        expect(ends).toHaveLength(1);
        await endsIn('testing', productId, factory, [jobId, waiting.jobId]);
      });
      expect(writes).toEqual([
        'batch fleet_jobs job+run+event',
        'remove fleet_leases',
        'remove fleet_leases',
        'send pool-any',
        ...more,
      ]);
    },
  );

  it('a takeover: the next look goes on with it', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId, factory, jobId } = await start({ lock: 'l', retry: { max: 2, backoff: 1 } });
      const running = await claimOne(deps, factory);
      cloud.clock.advance(LEASE_SECONDS + 1);
      await untilDead(process, (dying) => reapLeases(dying));
      await reapLeases(deps);
      const { job, events } = await detail(deps, jobId);
      expect(job).toMatchObject({ stage: 'queued' });
      expect(events.filter(({ body }) => body.kind === 'run.lost')).toHaveLength(1);
      const late = report(deps, factory, running, { kind: 'started' });
      await expect(late).rejects.toMatchObject({ code: 'stale-epoch' });
      await repair(deps, cloud, productId);
      await endsIn('testing', productId, factory, [jobId]);
    });
    expect(writes).toEqual([
      'replace fleet_leases lease',
      'patch fleet_factories',
      'batch fleet_jobs job+run+event',
      'remove fleet_leases',
      'remove fleet_leases',
      'upsert fleet_ready ready',
      'send pool-any',
      'patch fleet_factories',
    ]);
  });

  it('a cancel of a running job: its factory renews no more', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId, factory, jobId } = await start({ lock: 'l' });
      const running = await claimOne(deps, factory);
      await untilDead(process, (dying) => decideGate(dying, ADMIN, jobId, { kind: 'cancel', reason: 'x' }));
      if (process.writes.length === 0) await decideGate(deps, ADMIN, jobId, { kind: 'cancel', reason: 'x' });
      await repair(deps, cloud, productId);
      const renewed = renewLease(deps, factory, { params: paramsOf(running), body: { running: 1 } });
      await expect(renewed).rejects.toMatchObject({ code: 'stale-epoch' });
      const next = await submit(deps, productId, { lock: 'l', verify: 'npm test' });
      await endsIn('testing', productId, factory, [next.jobId]);
      expect(await stageOf(jobId)).toBe('failed');
    });
    expect(writes).toEqual(['batch fleet_jobs job+run+event', 'remove fleet_leases', 'remove fleet_leases']);
  });

  it('ship and the landing: it is merged once it was said', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId, factory, jobId } = await start();
      await build(deps, factory);
      await untilDead(process, (dying) => decideGate(dying, ADMIN, jobId, { kind: 'ship' }));
      if (process.writes.length === 0) await decideGate(deps, ADMIN, jobId, { kind: 'ship' });
      await repair(deps, cloud, productId);
      await endsIn('shipped', productId, factory, [jobId]);
    });
    expect(writes).toEqual(['batch fleet_jobs job+event', 'upsert fleet_ready ready', 'send pool-any']);
  });

  it('a requeue', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId, factory, jobId } = await start();
      await decideGate(deps, ADMIN, jobId, { kind: 'cancel', reason: 'x' });
      await untilDead(process, (dying) => decideGate(dying, ADMIN, jobId, { kind: 'requeue', reason: 'x' }));
      if (process.writes.length === 0) await decideGate(deps, ADMIN, jobId, { kind: 'requeue', reason: 'x' });
      await repair(deps, cloud, productId);
      await endsIn('testing', productId, factory, [jobId]);
    });
    expect(writes).toEqual(['batch fleet_jobs job+event', 'upsert fleet_ready ready', 'send pool-any']);
  });

  it('lifting a halt: what waits is rung for, by that or by the sweeper', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const scope = `product:${productId}`;
      await halt(deps, ADMIN, { body: { scope, reason: 'incident' } });
      const { jobId } = await submit(deps, productId, { capabilities: ['os:windows'] });
      await drain(cloud, 'pool-windows', { sessions: true });
      await untilDead(process, (dying) => resume(dying, ADMIN, { body: { scope } }));
      if (process.writes.length === 0) await resume(deps, ADMIN, { body: { scope } });
      await timers(deps, cloud);
      expect(await drain(cloud, 'pool-windows', { sessions: true })).toHaveLength(1);
      await decideGate(deps, ADMIN, jobId, { kind: 'cancel', reason: 'seen' });
    });
    expect(writes).toEqual(['batch fleet_control switches+audit', 'send pool-windows']);
  });

  it('a preemption: at most one run is cut, and both jobs are done', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId, factory, jobId } = await start();
      const full = { ...CLAIM, stations: 1 };
      await claimJobs(deps, factory, { body: full });
      const critical = await submit(deps, productId, { priority: 'critical', verify: 'npm test' });
      for (const name of await deps.documents.select<string>('fleet_factories', {
        text: 'SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(c.products, @productId)',
        parameters: { productId },
      }))
        await deps.documents.patch('fleet_factories', ['fleet'], name, [
          { op: 'set', path: '/stations', value: 1 },
          { op: 'set', path: '/running', value: 1 },
        ]);
      cloud.clock.advance(16);
      await untilDead(process, (dying) => preempt(dying));
      await preempt(deps);
      const { job, runs } = await detail(deps, jobId);
      expect(runs).toHaveLength(1);
      // A record without its cut: the critical job waits as it would without preemption.
      if (job.holder !== undefined) await timers(deps, cloud);
      await repair(deps, cloud, productId);
      await endsIn('testing', productId, factory, [jobId, critical.jobId]);
    });
    expect(writes).toEqual([
      'create fleet_leases preemption',
      'batch fleet_jobs job+run+event',
      'remove fleet_leases',
      'upsert fleet_ready ready',
      'send pool-any',
      'send pool-any',
    ]);
  });

  it('the feed that lets a dependent go', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId, factory, jobId } = await start({ 'review-policy': 'auto' });
      const dependent = await submit(deps, productId, {
        deps: [jobId],
        verify: 'npm test',
        'review-policy': 'auto',
      });
      await finishAll(factory);
      const { events } = await detail(deps, jobId);
      await untilDead(process, async (dying) => {
        for (const event of events) await unblockDependents(dying, event);
      });
      await repair(deps, cloud, productId);
      await endsIn('shipped', productId, factory, [jobId, dependent.jobId]);
    });
    expect(writes).toEqual(['batch fleet_jobs job+event', 'upsert fleet_ready ready', 'send pool-any']);
  });

  it('the feed that settles what a run cost: it counts once', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const params = { productId };
      await putBudget(deps, ADMIN, { params, body: { dayUsd: 5 } });
      const factory = await makeFactory(deps, productId, ['os:linux', 'engine:shell', 'engine:claude']);
      const { jobId } = await submit(deps, productId, { engine: 'claude', budget: { usd: 4 } });
      const running = await claimOne(deps, factory, 'claude');
      await report(deps, factory, running, { kind: 'started' });
      await report(deps, factory, running, FINISHED);
      const { events } = await detail(deps, jobId);
      await untilDead(process, async (dying) => {
        for (const event of events) await accrueSpend(dying, event);
      });
      await feed(deps, productId);
      const { windows, reservedUsd } = await getBudget(deps, ADMIN, { params });
      expect([windows[0]?.spentUsd, reservedUsd]).toEqual([0.5, 0]);
    });
    expect(writes).toEqual(['batch fleet_budgets ledger+spend+remove+budget']);
  });
});
