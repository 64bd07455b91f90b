import { describe, expect, it } from 'vitest';
import { accrueSpend } from '../../../functions/operations/accrueSpend.js';
import { dispatchReadyJob } from '../../../functions/operations/dispatchReadyJob.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { listFactories } from '../../../functions/operations/listFactories.js';
import { sweepTickets } from '../../../functions/operations/sweepTickets.js';
import type { Spend } from '../../../shared/contract/fleet.js';
import type { JobEvent } from '../../../shared/contract/event.js';
import { BUDGETS, READY } from '../../../shared/topology.js';
import { drain } from '../../support/queues.js';
import {
  ADMIN,
  build,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  operator,
  submit,
} from '../fixture.js';

const { cloud, deps } = await cloudOfTests();

const firstEvent = async (jobId: string): Promise<JobEvent> => {
  const [event] = (await detail(deps, jobId)).events;
  if (!event) throw new Error('no event');
  return event;
};

describe('dispatch from the feed', () => {
  it('offers a job whose submit died before it could', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId);
    await cloud.documents.remove(READY, ['any'], jobId);
    await dispatchReadyJob(deps, await firstEvent(jobId));
    expect(await cloud.documents.read(READY, ['any'], jobId)).toBeDefined();
  });

  it('offers nothing for a job that went on in the meantime', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId);
    await claimOne(deps, await makeFactory(deps, productId));
    await dispatchReadyJob(deps, await firstEvent(jobId));
    expect(await cloud.documents.read(READY, ['any'], jobId)).toBeUndefined();
  });

  it('comes again when it reads a job that is older than the event', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId);
    const event = { ...(await firstEvent(jobId)), seq: 2 };
    await expect(dispatchReadyJob(deps, event)).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('the sweeper', () => {
  it('sends a ticket again that got lost, and none while it waits', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId, { capabilities: ['os:windows'] });
    cloud.clock.advance(60);
    expect(await sweepTickets(deps)).toBe(0);
    expect(await drain(cloud, 'pool-windows', { sessions: true })).toHaveLength(1);
    expect(await sweepTickets(deps)).toBe(1);
    const [ticket] = await drain(cloud, 'pool-windows', { sessions: true });
    expect(ticket).toMatchObject({ ticket: { jobId, pool: 'windows' } });
  });

  it('marks an idle factory offline that lets work lie, and no other', async () => {
    const { productId } = await makeProduct(deps);
    const gone = await makeFactory(deps, productId, ['os:windows', 'engine:shell']);
    const elsewhere = await makeFactory(deps, productId);
    const statuses = async (): Promise<Record<string, string>> => {
      const { factories } = await listFactories(deps, ADMIN);
      return Object.fromEntries(factories.map(({ id, status }) => [id, status]));
    };
    cloud.clock.advance(1);
    await submit(deps, productId, { capabilities: ['os:windows'] });
    cloud.clock.advance(20);
    await sweepTickets(deps);
    expect(await statuses()).toMatchObject({ [gone.id]: 'online' });
    cloud.clock.advance(deps.settings.leaseSeconds);
    const arrived = await makeFactory(deps, productId, ['os:windows', 'engine:shell']);
    await sweepTickets(deps);
    expect(await statuses()).toMatchObject({
      [gone.id]: 'offline',
      [elsewhere.id]: 'online',
      [arrived.id]: 'online',
    });
    await drain(cloud, 'pool-windows', { sessions: true });
  });
});

describe('spend', () => {
  it('counts each run once, however often its event comes, also when many come at once', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const events: JobEvent[] = [];
    for (let count = 0; count < 5; count += 1) {
      const { jobId } = await submit(deps, productId, { verify: 'x' });
      await build(deps, factory);
      events.push(...(await detail(deps, jobId)).events);
    }
    await Promise.all([...events, ...events].map((event) => accrueSpend(deps, event)));
    const id = `spend:${events[0]?.at.slice(0, 10)}`;
    const day = await cloud.documents.read<Spend>(BUDGETS, [productId], id);
    expect(day?.document).toMatchObject({ usd: 2.5, tokens: 500, wallSeconds: 10, runs: 5 });
  });
});

describe('an explanation', () => {
  const explain = (jobId: string) => explainJob(deps, ADMIN, { params: { jobId } });

  it('says what a waiting job waits for and what would place it', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId, { capabilities: ['os:mac'] });
    const explanation = await explain(jobId);
    expect(explanation).toMatchObject({ state: 'waiting', pool: 'mac', position: 1 });
    expect(explanation.wouldPlace).toContain('os:mac');
  });

  it('says so when no pool could ever run a job', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId, { capabilities: ['has:quantum'] });
    expect(await explain(jobId)).toMatchObject({ state: 'unroutable' });
  });

  it('keeps the decision that placed it', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId);
    await claimOne(deps, await makeFactory(deps, productId));
    expect(await explain(jobId)).toMatchObject({ state: 'placed', assignment: { candidates: 1 } });
  });

  it('is not for people of another product', async () => {
    const { productId } = await makeProduct(deps);
    const { jobId } = await submit(deps, productId);
    await expect(explainJob(deps, operator('admin', 'other'), { params: { jobId } })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
