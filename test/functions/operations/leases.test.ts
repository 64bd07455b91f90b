import { describe, expect, it } from 'vitest';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { readFactories } from '../../../functions/operations/listFactories.js';
import { reapLeases, reapOrphans } from '../../../functions/operations/reapLeases.js';
import { reportRun } from '../../../functions/operations/reportRun.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import type { Identified, PartitionKey, Stored } from '../../../shared/cloud/documents.js';
import type { Claim } from '../../../shared/contract/api.js';
import type { Lease } from '../../../shared/contract/fleet.js';
import { JOBS, LEASES, READY } from '../../../shared/topology.js';
import {
  ADMIN,
  FINISHED,
  LEASE_SECONDS,
  build,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
  verified,
} from '../fixture.js';

const { cloud, deps } = await cloudOfTests();

const renew = (factory: FactoryCaller, { job, run }: Claim) =>
  renewLease(deps, factory, { params: { jobId: job.jobId, epoch: run.epoch }, body: { running: 1 } });

async function claimed(manifest: Record<string, unknown> = {}) {
  const { productId } = await makeProduct(deps);
  const [factory, other] = await Promise.all([makeFactory(deps, productId), makeFactory(deps, productId)]);
  const { jobId } = await submit(deps, productId, { verify: 'npm test', ...manifest });
  return { productId, factory, other, jobId, claim: await claimOne(deps, factory) };
}

describe('a lease', () => {
  it('is kept by its holder, who is then not reaped', async () => {
    const { factory, claim, jobId } = await claimed();
    cloud.clock.advance(LEASE_SECONDS - 5);
    const { expiresAt, directives } = await renew(factory, claim);
    expect(expiresAt > claim.lease.expiresAt).toBe(true);
    expect(directives).toEqual([]);
    cloud.clock.advance(10);
    await reapLeases(deps);
    expect((await detail(deps, jobId)).job.holder).toBe(factory.id);
  });

  it('that runs out and a run that fails tell against the factory in the score, until others went well', async () => {
    const { factory, claim, jobId, productId } = await claimed({ retry: { backoff: 1 } });
    const health = async () => (await readFactories(deps)).find(({ id }) => id === factory.id)?.health;
    expect(await health()).toBeUndefined();
    cloud.clock.advance(LEASE_SECONDS + 1);
    await reapLeases(deps);
    expect((await detail(deps, jobId)).runs[0]?.status).toBe('lost');
    expect(await health()).toBe(0.8);
    await submit(deps, productId, { verify: 'npm test', priority: 'critical' });
    await build(deps, factory);
    expect(await health()).toBeCloseTo(0.84);
    expect(claim.job.jobId).toBe(jobId);
  });

  it('of a silent factory is taken back, and another one finishes the job', async () => {
    const { factory, other, claim, jobId } = await claimed({ retry: { backoff: 1 } });
    await report(deps, factory, claim, { kind: 'started' });
    cloud.clock.advance(LEASE_SECONDS + 1);
    await reapLeases(deps);

    const lost = await detail(deps, jobId);
    expect(lost.job).toMatchObject({ stage: 'queued' });
    expect(lost.runs[0]?.status).toBe('lost');
    expect((await readFactories(deps)).find(({ id }) => id === factory.id)?.status).toBe('offline');

    cloud.clock.advance(5);
    const second = await claimOne(deps, other);
    expect(second.run.epoch).toBe(2);
    await report(deps, other, second, { kind: 'started' });
    await report(deps, other, second, FINISHED);
    expect((await report(deps, other, second, verified(true))).stage).toBe('testing');
  });

  it('that runs out before the next look is waited for, and taken back when it ends', async () => {
    const { jobId, claim } = await claimed();
    cloud.clock.advance(LEASE_SECONDS - 1);
    await reapLeases(deps, 0);
    expect((await detail(deps, jobId)).job.stage).toBe('assigned');
    await reapLeases(deps, 2);
    const [run] = (await detail(deps, jobId)).runs;
    expect(run?.status).toBe('lost');
    const late = Date.parse(run?.endedAt ?? '') - Date.parse(claim.lease.expiresAt);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1000);
  });

  it('that is renewed while the reaper waits for its end stays with its holder', async () => {
    const { jobId, claim, factory } = await claimed();
    cloud.clock.advance(LEASE_SECONDS - 1);
    const looking = reapLeases(deps, 2);
    await renew(factory, claim);
    await looking;
    expect((await detail(deps, jobId)).job.holder).toBe(factory.id);
  });

  it('whose takeover failed half-way is taken back by the next look', async () => {
    const { jobId, factory, claim } = await claimed();
    cloud.clock.advance(LEASE_SECONDS + 1);
    cloud.cosmos.faults.add({ kind: 'refuse', status: 503, on: 'writes', container: JOBS });
    await expect(reapLeases(deps)).rejects.toMatchObject({ kind: 'unavailable' });
    cloud.cosmos.faults.clear();
    expect((await detail(deps, jobId)).job.holder).toBe(factory.id);
    await reapLeases(deps);
    const { job, events } = await detail(deps, jobId);
    expect(job).toMatchObject({ stage: 'queued' });
    expect(JSON.stringify(events.at(-1)?.body)).toContain(`no sign of life from ${factory.id} since`);
    expect(await cloud.documents.read(LEASES, [jobId], jobId)).toBeUndefined();
    await expect(renew(factory, claim)).rejects.toMatchObject({ code: 'stale-epoch' });
  });

  it('that is stale is refused, and changes nothing', async () => {
    const { factory, other, claim, jobId } = await claimed({ retry: { backoff: 1 } });
    await report(deps, factory, claim, { kind: 'started' });
    cloud.clock.advance(LEASE_SECONDS + 1);
    await reapLeases(deps);
    cloud.clock.advance(5);
    await claimOne(deps, other);
    const before = await detail(deps, jobId);

    const stale = { code: 'stale-epoch', status: 409 };
    await expect(renew(factory, claim)).rejects.toMatchObject(stale);
    await expect(report(deps, factory, claim, FINISHED)).rejects.toMatchObject(stale);
    await expect(
      report(deps, factory, { ...claim, run: { ...claim.run, epoch: 2 } }, FINISHED),
    ).rejects.toMatchObject(stale);
    expect(await detail(deps, jobId)).toEqual(before);
  });

  it('whose document got lost is written again for the one who holds the job', async () => {
    const { factory, claim, jobId } = await claimed();
    await cloud.documents.remove(LEASES, [jobId], jobId);
    await renew(factory, claim);
    expect(await cloud.documents.read(LEASES, [jobId], jobId)).toBeDefined();
  });

  it('that the reaper has fenced is not written again, although the job is not taken yet', async () => {
    const { factory, claim, jobId } = await claimed();
    const lease = await cloud.documents.read<Lease>(LEASES, [jobId], jobId);
    if (!lease) throw new Error('the claim wrote no lease');
    const fenced: Lease = { ...lease.document, holder: 'reaper', takenFrom: factory.id };
    await cloud.documents.replace(LEASES, [jobId], fenced, lease.etag);
    await expect(renew(factory, claim)).rejects.toMatchObject({ code: 'stale-epoch' });
    expect((await cloud.documents.read<Lease>(LEASES, [jobId], jobId))?.document.holder).toBe('reaper');
  });

  it('is not refused by an instance that still reads the job as it was before the claim', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const waiting = await submit(deps, productId);
    const claim = await claimOne(deps, factory);
    let reads = 0;
    const behind: typeof deps = {
      ...deps,
      documents: {
        ...deps.documents,
        read: async <T extends Identified>(container: string, partition: PartitionKey, id: string) => {
          const isOld = container === JOBS && id === 'job' && (reads += 1) < 3;
          if (isOld) return { document: waiting, etag: '"old"' } as unknown as Stored<T>;
          return deps.documents.read<T>(container, partition, id);
        },
      },
    };
    const params = { jobId: claim.job.jobId, epoch: claim.run.epoch };
    const { job } = await reportRun(behind, factory, { params, body: { kind: 'started' } });
    expect(job.stage).toBe('building');
    expect(reads).toBe(3);
  });

  it('is not shortened by a renewal that was slow on its way', async () => {
    const { factory, claim } = await claimed();
    const slow = { ...deps, clock: { ...deps.clock, now: () => claim.run.startedAt } };
    cloud.clock.advance(10);
    const { expiresAt } = await renew(factory, claim);
    const params = { jobId: claim.job.jobId, epoch: claim.run.epoch };
    expect((await renewLease(slow, factory, { params, body: { running: 1 } })).expiresAt).toBe(expiresAt);
    const lease = await cloud.documents.read<Lease>(LEASES, [params.jobId], params.jobId);
    expect(lease?.document.expiresAt).toBe(expiresAt);
  });

  it('that was left behind by a run that is over goes, and its holder renews it no more', async () => {
    const { factory, claim, jobId } = await claimed();
    const lease = await cloud.documents.read<Lease>(LEASES, [jobId], jobId);
    await decideGate(deps, ADMIN, jobId, { kind: 'cancel', reason: 'no' });
    // As when the host dies between the two writes.
    if (lease) await cloud.documents.create(LEASES, lease.document);
    await reapOrphans(deps);
    expect(await cloud.documents.read(LEASES, [jobId], jobId)).toBeUndefined();
    await expect(renew(factory, claim)).rejects.toMatchObject({ code: 'stale-epoch' });
  });

  it('that was never written leaves a job that is taken back after a lease time, not before', async () => {
    const { jobId } = await claimed();
    await cloud.documents.remove(LEASES, [jobId], jobId);
    await reapOrphans(deps);
    expect((await detail(deps, jobId)).job.stage).toBe('assigned');
    cloud.clock.advance(LEASE_SECONDS + 1);
    await reapOrphans(deps);
    expect((await detail(deps, jobId)).job).toMatchObject({ stage: 'queued' });
  });

  it('ends with the run: lease and lock go, and a report that comes twice is answered as the first', async () => {
    const { factory, claim, jobId, productId } = await claimed({ lock: 'x' });
    await report(deps, factory, claim, { kind: 'started' });
    await report(deps, factory, claim, FINISHED);
    const first = await report(deps, factory, claim, verified(true));
    const again = await report(deps, factory, claim, verified(true));
    expect(again).toEqual(first);
    expect(await cloud.documents.read(LEASES, [jobId], jobId)).toBeUndefined();
    const lock = `lock:${productId}:x`;
    expect(await cloud.documents.read(LEASES, [lock], lock)).toBeUndefined();
  });

  it('of a lost land run leaves the job ready to land again', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const { jobId } = await submit(deps, productId, { verify: 'npm test' });
    await build(deps, factory);
    await decideGate(deps, ADMIN, jobId, { kind: 'ship' });
    await claimOne(deps, factory);
    cloud.clock.advance(LEASE_SECONDS + 1);
    await reapLeases(deps);
    expect(await cloud.documents.read(READY, ['any'], jobId)).toBeDefined();
    expect((await claimOne(deps, factory)).run).toMatchObject({ kind: 'land', epoch: 3 });
  });
});

describe('commands of people', () => {
  it('that the stage does not allow are refused with the legal ones', async () => {
    const { jobId } = await claimed();
    await expect(decideGate(deps, ADMIN, jobId, { kind: 'ship' })).rejects.toMatchObject({
      code: 'illegal-transition',
      status: 409,
      detail: { legal: ['cancel', 'pause'], stage: 'assigned' },
    });
  });

  it('on an unknown job are answered with 404', async () => {
    const params = { jobId: 'job-0000000000000000' };
    await expect(decideGate(deps, ADMIN, params.jobId, { kind: 'ship' })).rejects.toMatchObject({
      code: 'not-found',
      status: 404,
    });
  });
});
