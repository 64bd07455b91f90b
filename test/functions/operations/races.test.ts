// Two who change one job at the same moment, the second one exactly between the first one's read and its write.
import { describe, expect, it } from 'vitest';
import type { Deps } from '../../../functions/operations/deps.js';
import { pauseProduct, resumeProduct } from '../../../functions/operations/pauseProduct.js';
import { reapLeases } from '../../../functions/operations/reapLeases.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { reportRun } from '../../../functions/operations/reportRun.js';
import type { Documents, Identified, PartitionKey, Stored } from '../../../shared/cloud/documents.js';
import { CloudError } from '../../../shared/cloud/errors.js';
import type { ReadyEntry } from '../../../shared/contract/fleet.js';
import type { Job } from '../../../shared/contract/job.js';
import { CONTROL, JOBS, LEASES, READY } from '../../../shared/topology.js';
import {
  ADMIN,
  FINISHED,
  LEASE_SECONDS,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
} from '../fixture.js';

const { cloud, deps } = await cloudOfTests();

/** Lets somebody else act right before a batch is written to the jobs, `times` times. */
function meeting(times: number, other: () => Promise<unknown>): Deps {
  let left = times;
  const batch: Documents['batch'] = async (container, ...rest) => {
    if (container === JOBS && left > 0) {
      left -= 1;
      await other();
    }
    return deps.documents.batch(container, ...rest);
  };
  return { ...deps, documents: { ...deps.documents, batch } };
}

async function running() {
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId);
  const { jobId } = await submit(deps, productId, { verify: 'npm test', retry: { max: 2, backoff: 1 } });
  const claimed = await claimOne(deps, factory);
  await report(deps, factory, claimed, { kind: 'started' });
  return { productId, factory, jobId, claimed, params: { jobId, epoch: claimed.run.epoch } };
}

/** The job is written as it is, by whoever: its version is another one. */
async function touch(productId: string, jobId: string): Promise<void> {
  const stored = await deps.documents.read<Job>(JOBS, [productId, jobId], 'job');
  if (stored) await deps.documents.upsert(JOBS, stored.document);
}

const kindsOf = async (jobId: string): Promise<string[]> =>
  (await detail(deps, jobId)).events.map(({ body }) => body.kind);

describe('a report and the reaper at the same moment', () => {
  it('the reaper first: the report is refused, and nothing of it is there', async () => {
    const { factory, jobId, params } = await running();
    cloud.clock.advance(LEASE_SECONDS + 1);
    const late = reportRun(
      meeting(1, () => reapLeases(deps)),
      factory,
      { params, body: FINISHED },
    );
    await expect(late).rejects.toMatchObject({ code: 'stale-epoch', status: 409 });
    expect((await kindsOf(jobId)).slice(2)).toEqual(['run.started', 'run.lost']);
    expect((await detail(deps, jobId)).job).toMatchObject({ stage: 'queued', epoch: 1 });
  });

  it('the report that ends the run first: nothing is taken, and the lease goes', async () => {
    const { factory, jobId, claimed } = await running();
    cloud.clock.advance(LEASE_SECONDS + 1);
    const failed = { kind: 'failed', reason: 'engine_failed', message: 'x', exitCode: 1 } as const;
    const taken = await reapLeases(meeting(1, () => report(deps, factory, claimed, failed)));
    expect(taken).toBe(0);
    expect((await kindsOf(jobId)).slice(2)).toEqual(['run.started', 'run.failed']);
    expect(await cloud.documents.read(LEASES, [jobId], jobId)).toBeUndefined();
  });

  it('a report that meets another write tries again on what that left', async () => {
    const { factory, jobId, params, productId } = await running();
    await reportRun(
      meeting(3, () => touch(productId, jobId)),
      factory,
      { params, body: FINISHED },
    );
    expect((await kindsOf(jobId)).slice(2)).toEqual(['run.started', 'run.finished']);
  });
});

describe('a job that others change all the time', () => {
  it('has a report answered with contended, which its factory sends again; nothing is taken for stale', async () => {
    const { factory, jobId, params, productId } = await running();
    const busy = meeting(Number.POSITIVE_INFINITY, () => touch(productId, jobId));
    const refused = reportRun(busy, factory, { params, body: FINISHED });
    await expect(refused).rejects.toMatchObject({ code: 'contended' });
    await reportRun(deps, factory, { params, body: FINISHED });
    expect((await kindsOf(jobId)).at(-1)).toBe('run.finished');
  });

  it('is not given up by the reaper: the lease stays over until a look gets through', async () => {
    const { jobId, productId } = await running();
    cloud.clock.advance(LEASE_SECONDS + 1);
    const busy = meeting(Number.POSITIVE_INFINITY, () => touch(productId, jobId));
    await expect(reapLeases(busy)).rejects.toMatchObject({ code: 'contended' });
    expect(await cloud.documents.read(LEASES, [jobId], jobId)).toBeDefined();
    expect(await reapLeases(deps)).toBe(1);
    expect((await kindsOf(jobId)).at(-1)).toBe('run.lost');
  });
});

describe('the lock of a job', () => {
  async function twoOfOneLock() {
    const { productId } = await makeProduct(deps);
    const [factory, neighbour] = [await makeFactory(deps, productId), await makeFactory(deps, productId)];
    const first = await submit(deps, productId, { lock: 'db', targetFactoryId: factory.id });
    const second = await submit(deps, productId, { lock: 'db', targetFactoryId: neighbour.id });
    return { productId, factory, neighbour, first: first.jobId, second: second.jobId };
  }

  it('stays with the claim that was faster, on the same epoch', async () => {
    const { factory, neighbour, first } = await twoOfOneLock();
    const faster: string[] = [];
    const slower = meeting(1, async () => faster.push((await claimOne(deps, factory)).job.jobId));
    expect(await claim(slower, factory)).toEqual([]);
    expect(faster).toEqual([first]);
    // Run out by the clock, and held all the same: its job is in flight.
    cloud.clock.advance(LEASE_SECONDS + 1);
    expect(await claim(deps, neighbour)).toEqual([]);
  });

  it('stays with a later epoch when somebody claims on an old read', async () => {
    const { productId, factory, neighbour, first } = await twoOfOneLock();
    const old = await cloud.documents.read<Job>(JOBS, [productId, first], 'job');
    const entries = await cloud.documents.query<ReadyEntry>(READY, {
      text: 'SELECT * FROM c WHERE c.id = @first',
      parameters: { first },
    });
    await report(deps, factory, await claimOne(deps, factory), { kind: 'released', message: 'going away' });
    expect((await claimOne(deps, factory)).run.epoch).toBe(2);

    const behind = { ...deps, documents: { ...deps.documents } };
    behind.documents.read = async <T extends Identified>(...call: Parameters<Documents['read']>) =>
      call[0] === JOBS && call[2] === 'job' ? (old as unknown as Stored<T>) : deps.documents.read<T>(...call);
    behind.documents.query = async <T extends Identified>(...call: Parameters<Documents['query']>) =>
      call[0] === READY ? (entries as unknown as Stored<T>[]) : deps.documents.query<T>(...call);
    expect(await claim(behind, factory)).toEqual([]);

    cloud.clock.advance(LEASE_SECONDS + 1);
    expect(await claim(deps, neighbour)).toEqual([]);
  });

  it('is not given back by a job that ended before another one took it', async () => {
    const { productId, factory, neighbour, second } = await twoOfOneLock();
    const ending = await claimOne(deps, factory);
    const meanwhile: string[] = [];
    const read = async <T extends Identified>(...call: Parameters<Documents['read']>) => {
      if (meanwhile.length === 0 && call[0] === LEASES && call[2].startsWith('lock:')) {
        cloud.clock.advance(LEASE_SECONDS + 1);
        meanwhile.push('standing still');
        meanwhile.push((await claimOne(deps, neighbour)).job.jobId);
      }
      return deps.documents.read<T>(...call);
    };
    const slow = { ...deps, documents: { ...deps.documents, read } };
    const refused = { kind: 'failed', reason: 'refused', message: 'no', exitCode: null } as const;
    await report(slow, factory, ending, refused);
    expect(meanwhile).toEqual(['standing still', second]);
    await submit(deps, productId, { lock: 'db' });
    expect(await claim(deps, factory)).toEqual([]);
  });

  it('is lost by a claim that stood still until it had run out and was taken', async () => {
    const { factory, neighbour, first, second } = await twoOfOneLock();
    const slow = meeting(1, async () => {
      cloud.clock.advance(LEASE_SECONDS + 1);
      await claimOne(deps, neighbour);
    });
    expect(await claim(slow, factory)).toEqual([]);
    expect((await detail(deps, second)).job.stage).toBe('assigned');
    expect((await detail(deps, first)).job).toMatchObject({ stage: 'queued', attempts: 0 });
    expect((await kindsOf(first)).slice(1)).toEqual(['job.assigned', 'run.released']);
  });
});

it('a renewal whose lease got lost is not refused by an instance that reads the job as it was before the claim', async () => {
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId);
  const waiting = await submit(deps, productId);
  const { run } = await claimOne(deps, factory);
  await cloud.documents.remove(LEASES, [waiting.jobId], waiting.jobId);
  const read = async <T extends Identified>(container: string, partition: PartitionKey, id: string) =>
    container === JOBS && id === 'job'
      ? ({ document: waiting, etag: '"old"' } as unknown as Stored<T>)
      : deps.documents.read<T>(container, partition, id);
  const behind = { ...deps, documents: { ...deps.documents, read } };
  const input = { params: { jobId: waiting.jobId, epoch: run.epoch }, body: { running: 1 } };
  await expect(renewLease(behind, factory, input)).rejects.toMatchObject({ code: 'contended' });
  expect((await renewLease(deps, factory, input)).directives).toEqual([]);
});

describe('a product that is resumed', () => {
  it.each([
    ['whose first answer got lost', 2],
    ['that is not paused', 0],
  ])('%s is answered as resumed', async (_what, times) => {
    const { productId } = await makeProduct(deps);
    const params = { productId };
    if (times > 0) await pauseProduct(deps, ADMIN, { params, body: { reason: 'stocktaking' } });
    let patches = 0;
    // The service did it, the answer was lost on its way, and the client asks again by itself.
    const patch = (async (...call: Parameters<Documents['patch']>) => {
      if (call[0] !== CONTROL) return deps.documents.patch(...call);
      patches += 1;
      await deps.documents.patch(...call);
      patches += 1;
      return deps.documents.patch(...call);
    }) as Documents['patch'];
    const lossy = { ...deps, documents: { ...deps.documents, patch } };
    expect((await resumeProduct(lossy, ADMIN, { params })).paused).toBeUndefined();
    expect(patches).toBe(times);
  });

  it('by two at the same moment is resumed for both', async () => {
    const { productId } = await makeProduct(deps);
    const params = { productId };
    await pauseProduct(deps, ADMIN, { params, body: { reason: 'stocktaking' } });
    const both = await Promise.all([1, 2].map(() => resumeProduct(deps, ADMIN, { params })));
    expect(both.map(({ paused }) => paused)).toEqual([undefined, undefined]);
  });
});

it('a claim whose reads fail one after the other fails once: no failure is left that nobody waits for', async () => {
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId, ['os:linux', 'engine:shell', 'engine:claude']);
  await submit(deps, productId);
  const away = new CloudError('unavailable', 'the database is away');
  // As an unhandled rejection it would end the whole worker of the function app, with all that runs in it.
  const left: unknown[] = [];
  const note = (reason: unknown): void => void left.push(reason);
  process.on('unhandledRejection', note);
  try {
    const documents: Documents = {
      ...deps.documents,
      read: (...call) => (call[0] === CONTROL ? Promise.reject(away) : deps.documents.read(...call)),
      select: async (...call) => {
        if (call[0] !== READY) return deps.documents.select(...call);
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw away;
      },
    };
    await expect(claim({ ...deps, documents }, factory)).rejects.toBe(away);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(left).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
  }
});
