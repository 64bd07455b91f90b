import { describe, expect, it } from 'vitest';
import { accrueSpend } from '../../../functions/operations/accrueSpend.js';
import {
  giveBackUnclaimed,
  readBudget,
  reserve,
  unreserve,
} from '../../../functions/operations/budgetStore.js';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { getBudget } from '../../../functions/operations/getBudget.js';
import { getBurndown } from '../../../functions/operations/getBurndown.js';
import { pauseProduct, resumeProduct } from '../../../functions/operations/pauseProduct.js';
import { putBudget } from '../../../functions/operations/putBudget.js';
import type { JobEvent } from '../../../shared/contract/event.js';
import type { LedgerEntry } from '../../../shared/contract/fleet.js';
import { BUDGETS } from '../../../shared/topology.js';
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
  operator,
  report,
  submit,
} from '../fixture.js';

const { cloud, deps } = await cloudOfTests();

/** A product whose day has a ceiling, with a factory for agents. */
async function productWith(dayUsd: number) {
  const { productId } = await makeProduct(deps);
  const params = { productId };
  await putBudget(deps, ADMIN, { params, body: { dayUsd } });
  const factory = await makeFactory(deps, productId, ['os:linux', 'engine:shell', 'engine:claude']);
  return {
    productId,
    params,
    factory,
    submit: (usd?: number) =>
      submit(deps, productId, { engine: 'claude', ...(usd !== undefined && { budget: { usd } }) }),
    claim: (stations = 1) => claim(deps, factory, stations, 'claude'),
    today: async () => {
      const budget = await getBudget(deps, ADMIN, { params });
      return { ...budget.windows[0], reservedUsd: budget.reservedUsd, status: budget.status };
    },
    /** The feed tells every event of a job, some of them twice. */
    settle: async (jobId: string) => {
      const { events } = await detail(deps, jobId);
      await Promise.all([...events, ...events].map((event: JobEvent) => accrueSpend(deps, event)));
    },
  };
}

describe('a claim', () => {
  it('reserves what the job may cost, and the run settles what it did cost', async () => {
    const product = await productWith(10);
    const { jobId } = await product.submit(4);
    const [first] = await product.claim();
    if (!first) throw new Error('nothing was claimed');
    expect(await product.today()).toMatchObject({ spentUsd: 0, reservedUsd: 4, leftUsd: 6 });
    await report(deps, product.factory, first, { kind: 'started' });
    await report(deps, product.factory, first, FINISHED);
    await product.settle(jobId);
    await product.settle(jobId);
    expect(await product.today()).toMatchObject({ spentUsd: 0.5, reservedUsd: 0, leftUsd: 9.5 });
  });

  it('gives no more than the budget has left, to however many factories ask at the same moment', async () => {
    const product = await productWith(10);
    await Promise.all(Array.from({ length: 6 }, () => product.submit(3)));
    const factories = await Promise.all(
      Array.from({ length: 6 }, () =>
        makeFactory(deps, product.productId, ['os:linux', 'engine:shell', 'engine:claude']),
      ),
    );
    const claims = await Promise.all(factories.map((factory) => claim(deps, factory, 1, 'claude')));
    expect(claims.flat()).toHaveLength(3);
    expect(await product.today()).toMatchObject({ reservedUsd: 9, leftUsd: 1 });
    expect(await product.claim(4)).toEqual([]);
  });

  it('is kept from one product alone, and the explanation says what more it takes', async () => {
    const [spent, other] = [await productWith(10), await productWith(10)];
    await spent.submit(9.1);
    await spent.claim();
    const { jobId } = await spent.submit(3);
    await other.submit(3);
    expect(await spent.claim()).toEqual([]);
    expect(await other.claim()).toHaveLength(1);
    const explanation = await explainJob(deps, ADMIN, { params: { jobId } });
    expect(explanation.wouldPlace).toBe(`$2.10 more in the daily budget of ${spent.productId}`);
    await putBudget(deps, ADMIN, { params: spent.params, body: { dayUsd: 12.1 } });
    expect(await spent.claim()).toHaveLength(1);
  });

  it('takes scripts whatever was spent', async () => {
    const product = await productWith(4);
    await product.submit(4);
    expect(await product.claim()).toHaveLength(1);
    expect(await product.today()).toMatchObject({ status: 'exceeded', leftUsd: 0 });
    await submit(deps, product.productId, { engine: 'shell' });
    expect(await claim(deps, product.factory)).toHaveLength(1);
  });

  it('keeps no station free for rarer work that the budget has nothing left for', async () => {
    const product = await productWith(4);
    await product.submit(4);
    expect(await product.claim()).toHaveLength(1);
    await product.submit(4);
    const { jobId } = await submit(deps, product.productId, { engine: 'shell' });
    expect((await claimOne(deps, product.factory)).job.jobId).toBe(jobId);
  });

  it('rings once for a job that it holds back, however many tickets led there', async () => {
    const product = await productWith(10);
    await product.submit(4);
    await submit(deps, product.productId, { engine: 'shell' });
    const rung: string[] = [];
    let now = Math.ceil(Date.parse(deps.clock.now()) / 1000) * 1000;
    const ears: typeof deps = {
      ...deps,
      clock: { ...deps.clock, now: () => new Date(now).toISOString() },
      bus: {
        ...deps.bus,
        send: async (queue, message) => {
          rung.push(message.messageId);
          await deps.bus.send(queue, message);
        },
      },
    };
    for (let look = 0; look < 3; look += 1) {
      expect(await claim(ears, product.factory)).toEqual([]);
      now += 300;
    }
    expect(rung).toHaveLength(3);
    expect(new Set(rung).size).toBe(1); // the queue drops the repeats
  });

  it('takes a job that names no budget for what the product assumes', async () => {
    const product = await productWith(10);
    await putBudget(deps, ADMIN, { params: product.params, body: { assumedUsd: 6 } });
    await Promise.all([product.submit(), product.submit()]);
    expect(await product.claim(4)).toHaveLength(1);
    expect(await product.today()).toMatchObject({ reservedUsd: 6 });
  });

  it('knows its own reservation again when it died before it claimed', async () => {
    const product = await productWith(5);
    const job = await product.submit(5);
    const stored = await readBudget(deps, product.productId);
    expect(await reserve(deps, job, 1, stored?.document)).toBe(true);
    expect(await product.today()).toMatchObject({ reservedUsd: 5, leftUsd: 0 });
    expect(await reserve(deps, job, 1, stored?.document)).toBe(true);
    expect(await product.today()).toMatchObject({ reservedUsd: 5 });
    await unreserve(deps, job, 1);
    await unreserve(deps, job, 1);
    expect(await product.today()).toMatchObject({ reservedUsd: 0, leftUsd: 5 });
  });

  it('gives back what it reserved for an epoch that was settled while it stood still', async () => {
    const product = await productWith(10);
    const job = await product.submit(4);
    const stored = await readBudget(deps, product.productId);
    const faster = await claimOne(deps, product.factory, 'claude');
    await report(deps, product.factory, faster, { kind: 'released', message: 'draining' });
    await product.settle(job.jobId);
    expect(await reserve(deps, job, 1, stored?.document)).toBe(true);
    expect(await product.today()).toMatchObject({ spentUsd: 0, reservedUsd: 4 });
    cloud.clock.advance(LEASE_SECONDS + 1);
    await giveBackUnclaimed(deps, new Set());
    expect(await product.today()).toMatchObject({ spentUsd: 0, reservedUsd: 0 });
  });

  it('leaves what it reserved to a faster one on the same epoch, which settles it', async () => {
    const product = await productWith(10);
    const job = await product.submit(4);
    await claimOne(deps, product.factory, 'claude');
    cloud.clock.advance(LEASE_SECONDS + 1);
    await giveBackUnclaimed(deps, new Set());
    expect(await product.today()).toMatchObject({ reservedUsd: 4 });
    await decideGate(deps, ADMIN, job.jobId, { kind: 'cancel', reason: 'no' });
    await product.settle(job.jobId);
    expect(await product.today()).toMatchObject({ spentUsd: 4, reservedUsd: 0 });
  });

  it('begins a new day with what is still reserved', async () => {
    const product = await productWith(10);
    await Promise.all([product.submit(6), product.submit(6)]);
    expect(await product.claim(2)).toHaveLength(1);
    cloud.clock.advance(86_400);
    expect(await product.claim()).toEqual([]);
    await putBudget(deps, ADMIN, { params: product.params, body: { dayUsd: 12 } });
    expect(await product.claim()).toHaveLength(1);
  });
});

describe('a run that does not say what it cost', () => {
  it('counts as what was reserved when it was taken away', async () => {
    const product = await productWith(10);
    const { jobId } = await product.submit(4);
    await product.claim();
    await decideGate(deps, ADMIN, jobId, { kind: 'cancel', reason: 'no' });
    await product.settle(jobId);
    expect(await product.today()).toMatchObject({ spentUsd: 4, reservedUsd: 0 });
    const ledger = await cloud.documents.read<LedgerEntry>(BUDGETS, [product.productId], `ledger:${jobId}:1`);
    expect(ledger?.document).toMatchObject({ usd: 4, assumed: true });
  });

  it('counts as nothing when it was given back', async () => {
    const product = await productWith(10);
    const { jobId } = await product.submit(4);
    const first = await claimOne(deps, product.factory, 'claude');
    await report(deps, product.factory, first, { kind: 'released', message: 'draining' });
    await product.settle(jobId);
    expect(await product.today()).toMatchObject({ spentUsd: 0, reservedUsd: 0 });
  });
});

describe('a job that has used its own budget up', () => {
  it('is not tried again by itself', async () => {
    const product = await productWith(10);
    const { jobId } = await product.submit(0.5);
    const first = await claimOne(deps, product.factory, 'claude');
    await report(deps, product.factory, first, {
      kind: 'failed',
      reason: 'timeout',
      message: 'slow',
      exitCode: null,
      usage: { wallSeconds: 2, tokens: 100, usd: 0.5, accuracy: 'exact' },
    });
    expect((await detail(deps, jobId)).job.stage).toBe('failed');
  });
});

describe('a product', () => {
  it('is paused and resumed by an operator', async () => {
    const { params, productId, ...product } = await productWith(10);
    await product.submit(1);
    await pauseProduct(deps, operator('operator', productId), { params, body: { reason: 'invoice' } });
    expect(await product.claim()).toEqual([]);
    expect(await getBudget(deps, ADMIN, { params })).toMatchObject({
      status: 'paused',
      paused: { reason: 'invoice' },
    });
    await resumeProduct(deps, operator('operator', productId), { params });
    expect(await resumeProduct(deps, ADMIN, { params })).not.toHaveProperty('paused');
    expect(await product.claim()).toHaveLength(1);
  });

  it('shows what it spent day by day, and where that leads', async () => {
    const product = await productWith(10);
    const { jobId } = await product.submit(4);
    const first = await claimOne(deps, product.factory, 'claude');
    await report(deps, product.factory, first, { kind: 'started' });
    await report(deps, product.factory, first, FINISHED);
    await product.settle(jobId);
    const { days, forecast } = await getBurndown(deps, ADMIN, { params: product.params, query: { days: 3 } });
    expect(days.map(({ usd, runs }) => [usd, runs])).toEqual([
      [0, 0],
      [0, 0],
      [0.5, 1],
    ]);
    expect(forecast[0]).toMatchObject({ window: 'day', ceilingUsd: 10 });
    expect(forecast[0]?.expectedUsd).toBeGreaterThanOrEqual(0.5);
  });

  it('has its ceilings set by an admin alone', async () => {
    const { productId, params } = await productWith(1);
    const body = { dayUsd: 1_000_000 };
    await expect(putBudget(deps, operator('reviewer', productId), { params, body })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
