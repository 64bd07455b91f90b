import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { claimJobs } from '../../../functions/operations/claimJobs.js';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { dispatchJob } from '../../../functions/operations/dispatchJob.js';
import { putProduct } from '../../../functions/operations/putProduct.js';
import type { Identified, PartitionKey, Stored } from '../../../shared/cloud/documents.js';
import type { Factory, Lease, ReadyEntry } from '../../../shared/contract/fleet.js';
import { FACTORIES, FLEET, JOBS, LEASES, READY } from '../../../shared/topology.js';
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
} from '../fixture.js';

const WINDOWS = ['os:windows', 'engine:shell'];

const { cloud, deps } = await cloudOfTests();

async function entryOf(jobId: string, pool = 'any'): Promise<ReadyEntry> {
  const stored = await cloud.documents.read<ReadyEntry>(READY, [pool], jobId);
  if (!stored) throw new Error(`${jobId} is not in the ready set`);
  return stored.document;
}

/** Entries without jobs behind them: they fill the window, and a claim that meets one removes it. */
async function flood(
  like: ReadyEntry,
  count: number,
  fields: (n: number) => Partial<ReadyEntry>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      cloud.documents.create(READY, {
        ...like,
        ...fields(n),
        id: `job-${randomUUID().replaceAll('-', '').slice(0, 16)}`,
      }),
    ),
  );
}

/** The order of an entry that was submitted so many milliseconds before another one. */
const earlier = ({ submittedAt, orderKey }: ReadyEntry, ms: number): Partial<ReadyEntry> => ({
  submittedAt: new Date(Date.parse(submittedAt) - ms).toISOString(),
  orderKey: orderKey - ms,
});

async function patchFactory(id: string, fields: Partial<Factory>): Promise<void> {
  const steps = Object.entries(fields).map(([name, value]) => ({
    op: 'set' as const,
    path: `/${name}`,
    value,
  }));
  await cloud.documents.patch(FACTORIES, [FLEET], id, steps);
}

describe('claiming jobs', () => {
  it('gives one job to one of ten factories that want it at the same moment', async () => {
    const { productId } = await makeProduct(deps);
    const factories = await Promise.all(Array.from({ length: 10 }, () => makeFactory(deps, productId)));
    const { jobId } = await submit(deps, productId);

    const claims = (await Promise.all(factories.map((factory) => claim(deps, factory)))).flat();

    expect(claims).toHaveLength(1);
    const { job, runs, events } = await detail(deps, jobId);
    expect(job).toMatchObject({ stage: 'assigned', epoch: 1, holder: claims[0]?.run.factoryId });
    expect(runs).toHaveLength(1);
    expect(events).toHaveLength(2);
    const lease = await cloud.documents.read<Lease>(LEASES, [jobId], jobId);
    expect(lease?.document).toMatchObject({ epoch: 1, holder: job.holder });
    expect(await cloud.documents.read(READY, ['any'], jobId)).toBeUndefined();
  });

  it('never gives a job twice while many factories empty a queue', async () => {
    const { productId } = await makeProduct(deps);
    const factories = await Promise.all(Array.from({ length: 4 }, () => makeFactory(deps, productId)));
    const jobs = await Promise.all(Array.from({ length: 12 }, () => submit(deps, productId)));
    const taken: string[] = [];
    await Promise.all(
      factories.map(async (factory) => {
        for (let idle = 0; idle < 2;) {
          const claims = await claim(deps, factory, 2);
          idle = claims.length > 0 ? 0 : idle + 1;
          taken.push(...claims.map(({ job }) => job.jobId));
        }
      }),
    );
    expect(taken.toSorted()).toEqual(jobs.map(({ jobId }) => jobId).toSorted());
  });

  it('takes the most urgent job first, whatever the order they came in', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const low = await submit(deps, productId, { priority: 'low' });
    const critical = await submit(deps, productId, { priority: 'critical' });
    expect((await claimOne(deps, factory)).job.jobId).toBe(critical.jobId);
    expect((await claimOne(deps, factory)).job.jobId).toBe(low.jobId);
  });

  it('stores why it chose the job', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const { jobId } = await submit(deps, productId);
    await claimOne(deps, factory);
    const { events } = await detail(deps, jobId);
    expect(events[1]?.body).toMatchObject({
      kind: 'job.assigned',
      factoryId: factory.id,
      decision: { why: expect.stringContaining(factory.id) as string, candidates: 1 },
    });
  });

  it('never runs two jobs of one lock, and rings for the next when the lock is free', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const jobs = await Promise.all([1, 2].map(() => submit(deps, productId, { lock: 'database' })));
    const claims = await claim(deps, factory, 4);
    expect(claims).toHaveLength(1);
    expect(await claim(deps, factory, 4)).toHaveLength(0);
    const first = claims[0];
    if (!first) throw new Error('nothing was claimed');
    await report(deps, factory, first, {
      kind: 'failed',
      reason: 'refused',
      message: 'no',
      exitCode: null,
    });
    const waiting = jobs.find(({ jobId }) => jobId !== first.job.jobId);
    const tickets = await cloud.bus.waiting('pool-any', 500);
    expect(tickets.some((id) => id.startsWith(`${waiting?.jobId}.0.lock-`))).toBe(true);
    expect((await claimOne(deps, factory)).job.jobId).toBe(waiting?.jobId);
  });

  it('frees the lock of a claimer that died before it claimed', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const { jobId } = await submit(deps, productId, { lock: 'l' });
    await cloud.documents.create(LEASES, {
      id: `lock:${productId}:l`,
      type: 'lock',
      productId,
      key: 'l',
      jobId: 'job-0000000000000000',
      epoch: 1,
      expiresAt: cloud.clock.now(),
      ttl: 3600,
    });
    expect((await claimOne(deps, factory)).job.jobId).toBe(jobId);
  });

  it('gives no job of a paused product', async () => {
    const product = await makeProduct(deps);
    const { productId } = product;
    const factory = await makeFactory(deps, productId);
    await submit(deps, productId);
    const { name, defaults } = product;
    const paused = { reason: 'budget', since: cloud.clock.now() };
    await putProduct(deps, ADMIN, { params: { productId }, body: { name, defaults, paused } });
    expect(await claim(deps, factory)).toHaveLength(0);
    await putProduct(deps, ADMIN, { params: { productId }, body: { name, defaults } });
    expect(await claim(deps, factory)).toHaveLength(1);
  });

  it('removes an entry whose job is not ready any more, and gives the next one', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const gone = await submit(deps, productId, { priority: 'critical' });
    const next = await submit(deps, productId);
    await decideGate(deps, ADMIN, gone.jobId, { kind: 'cancel', reason: 'no' });
    await dispatchJob(deps, gone);
    expect(await cloud.documents.read(READY, ['any'], gone.jobId)).toBeDefined();
    expect((await claimOne(deps, factory)).job.jobId).toBe(next.jobId);
    expect(await cloud.documents.read(READY, ['any'], gone.jobId)).toBeUndefined();
  });

  it('keeps the entry of a ready job that it still reads as it was before', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const { jobId } = await submit(deps, productId);
    const building = await claimOne(deps, factory);
    await report(deps, factory, building, { kind: 'started' });
    await report(deps, factory, building, FINISHED);
    await decideGate(deps, ADMIN, jobId, { kind: 'ship' });
    const landing = await claimOne(deps, factory);
    await report(deps, factory, landing, { kind: 'released', message: 'drain' });
    // Another instance may see the job as it was when the landing was in flight.
    const { documents } = deps;
    const held = { document: landing.job, etag: '"old"' };
    const behind: typeof deps = {
      ...deps,
      documents: {
        ...documents,
        read: async <T extends Identified>(container: string, partition: PartitionKey, id: string) =>
          container === JOBS && id === 'job'
            ? (held as unknown as Stored<T>)
            : documents.read<T>(container, partition, id),
      },
    };
    expect(await claim(behind, factory)).toEqual([]);
    expect((await claimOne(deps, factory)).job.jobId).toBe(jobId);
  });

  it('knows its own claim again when the answer to the write got lost', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const { jobId } = await submit(deps, productId);
    cloud.cosmos.faults.add({ kind: 'loseAck', times: 1, on: 'writes', container: 'fleet_jobs' });
    const claimed = await claimOne(deps, factory);
    expect(claimed.job).toMatchObject({ jobId, epoch: 1 });
    expect((await detail(deps, jobId)).job.epoch).toBe(1);
  });

  it('passes a ticket on that was for another factory or product, once a minute', async () => {
    const [mine, theirs] = await Promise.all([makeProduct(deps), makeProduct(deps)]);
    const [right, wrong, stranger] = await Promise.all([
      makeFactory(deps, theirs.productId, WINDOWS),
      makeFactory(deps, theirs.productId, WINDOWS),
      makeFactory(deps, mine.productId, WINDOWS),
    ]);
    await submit(deps, theirs.productId, { capabilities: ['os:windows'], targetFactoryId: right.id });
    const body = { pool: 'windows', lane: 'l', stations: 1, running: 0, warm: [] };
    const scheduled = (): number => cloud.serviceBus.engine.queue('pool-windows').counts().scheduled;
    for (const factory of [wrong, stranger, wrong, stranger])
      expect((await claimJobs(deps, factory, { body })).claims).toEqual([]);
    expect(scheduled()).toBe(2);
    expect((await claimJobs(deps, right, { body })).claims).toHaveLength(1);
    expect(scheduled()).toBe(2);
  });

  it('sees an old job of low priority behind hundreds that are newer and more urgent', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const old = await submit(deps, productId, { priority: 'low' });
    const entry = await entryOf(old.jobId);
    // Two hours of waiting bring low up to critical.
    await cloud.documents.upsert(READY, { ...entry, ...earlier(entry, 7_201_000) });
    const urgent = { priority: 'critical', priorityRank: 0, orderKey: entry.orderKey - 5_400_000 } as const;
    await flood(entry, 250, () => urgent);
    expect((await claimOne(deps, factory)).job.jobId).toBe(old.jobId);
  });

  it('gives a product its turn whose only job stands behind the flood of another', async () => {
    const [flooding, light] = [await makeProduct(deps), await makeProduct(deps)];
    const factory = await makeFactory(deps, flooding.productId);
    const both = { ...factory, products: [flooding.productId, light.productId] };
    await patchFactory(factory.id, { products: both.products });
    const first = await submit(deps, flooding.productId);
    const second = await submit(deps, flooding.productId);
    const lone = await submit(deps, light.productId);
    const entry = await entryOf(first.jobId);
    expect((await entryOf(lone.jobId)).orderKey).toBeGreaterThan(entry.orderKey);
    for (const [n, { jobId }] of [first, second].entries())
      await cloud.documents.upsert(READY, { ...(await entryOf(jobId)), ...earlier(entry, 9000 - n) });
    await flood(entry, 250, (n) => earlier(entry, 5000 - n));
    const taken = [await claimOne(deps, both), await claimOne(deps, both)];
    expect(taken.map(({ job }) => job.productId)).toContain(light.productId);
  });

  it('leaves a job to the factory that has the repository, rings again, and does not insist', async () => {
    const { productId } = await makeProduct(deps);
    const [cold, warm] = [
      await makeFactory(deps, productId, WINDOWS),
      await makeFactory(deps, productId, WINDOWS),
    ];
    const repo = `https://example.com/${productId}.git`;
    await patchFactory(warm.id, { warm: [repo] });
    const { jobId } = await submit(deps, productId, { capabilities: ['os:windows'], repo });
    const scheduled = (): number => cloud.serviceBus.engine.queue('pool-windows').counts().scheduled;
    const before = scheduled();
    expect(await claim(deps, cold, 1, 'windows')).toEqual([]);
    expect(scheduled()).toBe(before + 1);
    const stored = await entryOf(jobId, 'windows');
    const readySince = new Date(Date.parse(stored.readySince) - 5000).toISOString();
    await cloud.documents.upsert(READY, { ...stored, readySince });
    expect(await claim(deps, cold, 1, 'windows')).toHaveLength(1);
  });

  it('refuses a pool that the factory did not join', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const body = { pool: 'mac', stations: 1, running: 0, warm: [] };
    await expect(claimJobs(deps, factory, { body })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('gives nothing to a factory without a free station', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    await submit(deps, productId);
    const body = { pool: 'any', stations: 2, running: 2, warm: [] };
    expect(await claimJobs(deps, factory, { body })).toEqual({ claims: [], waiting: 1 });
  });
});
