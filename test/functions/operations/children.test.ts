import { describe, expect, it } from 'vitest';
import { changeJob } from '../../../functions/operations/changeJob.js';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { getDag } from '../../../functions/operations/getDag.js';
import { checkPlan, storePlan } from '../../../functions/operations/storePlan.js';
import { sweepComposites } from '../../../functions/operations/tendChildren.js';
import { PlanSchema } from '../../../shared/contract/children.js';
import { ADMIN, claim, cloudOfTests, detail, operator, submit } from '../fixture.js';
import { child, familyOn } from './family.js';

const { deps } = await cloudOfTests();

const { add, stageOf, kindsOf, explain, start, feed, work, drain } = familyOn(deps);

describe('a composite', () => {
  it('waits for its children, in their order, and ships with the last one', async () => {
    const { factory, parent } = await start();
    expect(await claim(deps, factory)).toEqual([]);
    expect(await explain(parent.jobId)).toMatchObject({
      state: 'blocked',
      summary: 'Waits for its children: it has none yet.',
    });
    const { children } = await add(parent.jobId, {
      children: [
        child('api'),
        child('ui', { deps: ['api'] }),
        child('docs', { deps: ['api', 'ui@testing'] }),
      ],
    });
    const [api = '', ui = '', docs = ''] = children.map(({ jobId }) => jobId);
    expect((await detail(deps, docs)).job).toMatchObject({
      parent: parent.jobId,
      key: 'docs',
      waitsFor: [api, ui],
    });
    const explained = await explain(parent.jobId);
    expect(explained).toMatchObject({
      summary: expect.stringMatching(/^Waits for its children: 0 of 3 shipped, open /) as unknown,
      wouldPlace: expect.stringMatching(/ placed \(aq explain job-\w+\), then the end of 2 more$/) as unknown,
      pools: [],
    });
    // No factory takes it: a lane would only mislead.
    expect(explained).not.toHaveProperty('lane');
    expect(explained.waitsFor?.map(({ jobId, key, stage, until }) => [jobId, key, stage, until])).toEqual(
      expect.arrayContaining([
        [api, 'api', 'queued', 'ended'],
        [ui, 'ui', 'queued', 'ended'],
        [docs, 'docs', 'queued', 'ended'],
      ]),
    );
    const order: string[] = [];
    for (let jobs = await work(factory); jobs.length > 0; jobs = await work(factory))
      order.push(...jobs.filter(({ stage }) => stage === 'assigned').map(({ key }) => key ?? ''));
    expect(order).toEqual(['api', 'ui', 'docs']);
    const { job, rollup } = await detail(deps, parent.jobId);
    expect(job.stage).toBe('shipped');
    expect(rollup).toMatchObject({
      jobs: 3,
      byStage: { shipped: 3 },
      usage: { usd: 1.5 },
      verify: { passed: 3 },
    });
    expect(await kindsOf(parent.jobId)).toEqual(['job.submitted', 'children.requested', 'children.ended']);
  });

  it('shows its family in the graph, the parent last', async () => {
    const { parent } = await start();
    const { children } = await add(parent.jobId, { children: [child('a'), child('b', { deps: ['a'] })] });
    const { jobs, edges } = await getDag(deps, ADMIN, { params: { jobId: children[0]?.jobId ?? '' } });
    expect(jobs.map(({ title }) => title)).toEqual(['a', 'b', 'roadmap']);
    expect(jobs[0]?.parent).toBe(parent.jobId);
    expect(edges.map(({ from, to }) => [from, to])).toEqual(
      expect.arrayContaining([
        [children[0]?.jobId, parent.jobId],
        [children[0]?.jobId, children[1]?.jobId],
      ]),
    );
  });

  it('takes nothing of a plan with a problem, and tells all of them', async () => {
    const { productId, parent } = await start({ budget: { usd: 10 } });
    await expect(
      add(parent.jobId, {
        children: [
          child('good'),
          child('typo', { enigne: 'shell' }),
          child('lost', { deps: ['nobody'] }),
          { key: 'text', text: '---\nengine: shel\ndeps: [ring]\nprofile: noone\n---\nx' },
          child('ring', { deps: ['text'], profile: 'noone' }),
          child('dear', { budget: { usd: 99 } }),
        ],
      }),
    ).rejects.toMatchObject({
      code: 'invalid-manifest',
      detail: {
        problems: [
          { path: 'children.typo.enigne', nearest: 'engine' },
          { path: 'children.text.engine', line: 2 },
          { path: expect.stringMatching(/^children\.(text|ring)\.deps$/) as unknown },
          { path: 'children.budget.usd' },
          { path: 'children.lost.deps', message: expect.stringContaining('nobody') as unknown },
          { path: 'children.text.profile', line: 4 },
          { path: 'children.ring.profile' },
        ],
      },
    });
    expect(await kindsOf(parent.jobId)).toEqual(['job.submitted']);
    const of = {
      text: 'SELECT VALUE c.jobId FROM c WHERE c.productId = @productId AND c.type != "event"',
      parameters: { productId },
    };
    expect(await deps.documents.select('fleet_jobs', of)).toEqual([parent.jobId]);
  });

  it('refuses a ring of children and names it', async () => {
    const { parent } = await start();
    const ring = [child('a', { deps: ['c'] }), child('b', { deps: ['a'] }), child('c', { deps: ['b'] })];
    await expect(add(parent.jobId, { children: ring })).rejects.toMatchObject({
      detail: { problems: [{ message: expect.stringMatching(/^a cycle: (\w) → \w → \w → \1$/) as unknown }] },
    });
  });

  it('is the same with the same plan, and refuses other children of the same key', async () => {
    const { parent } = await start();
    const plan = { children: [child('a'), child('b')] };
    const first = await add(parent.jobId, plan);
    expect((await add(parent.jobId, plan)).children).toEqual(first.children);
    expect((await detail(deps, parent.jobId)).job.children?.count).toBe(2);
    await expect(add(parent.jobId, { children: [child('a', { body: 'other' })] })).rejects.toMatchObject({
      code: 'idempotency-conflict',
    });
    await add(parent.jobId, { children: [child('c', { deps: ['a'] })] });
    expect((await detail(deps, parent.jobId)).job.children?.count).toBe(3);
  });

  it('gets the rest of its children from the feed when the request died after its event', async () => {
    const { factory, parent } = await start();
    const actor = { kind: 'operator', id: 'ada' } as const;
    const plan = await checkPlan(
      deps,
      parent,
      PlanSchema.parse({ children: [child('a'), child('b')] }),
      actor,
    );
    await storePlan(deps, parent, plan);
    await feed(parent.jobId);
    expect(await claim(deps, factory)).toEqual([]);
    await changeJob(deps, parent, { kind: 'adopt', actor, intent: plan.intent });
    await feed(parent.jobId);
    await feed(parent.jobId);
    await drain(factory);
    expect(await stageOf(parent.jobId)).toBe('shipped');
  });

  it('that a person may not run gets no children, nor does a leaf', async () => {
    const { productId, parent } = await start();
    const plan = { children: [child('a')] };
    await expect(add(parent.jobId, plan, operator('viewer', '*'))).rejects.toMatchObject({
      code: 'forbidden',
    });
    const leaf = await submit(deps, productId);
    await expect(add(leaf.jobId, plan)).rejects.toMatchObject({
      code: 'illegal-transition',
      message: expect.stringContaining('composite') as unknown,
    });
  });
});

describe('when children fail', () => {
  it('the others go on, the parent fails with their names, and a re-run skips what has shipped', async () => {
    const { factory, parent } = await start();
    await add(parent.jobId, { children: [child('good'), child('bad'), child('fine')] });
    await drain(factory, ['bad']);
    const { job, rollup } = await detail(deps, parent.jobId);
    expect(job).toMatchObject({ stage: 'failed', failure: { reason: 'children' } });
    expect(rollup?.byStage).toEqual({ shipped: 2, failed: 1 });
    await decideGate(deps, ADMIN, parent.jobId, { kind: 'requeue', reason: 'mended' });
    await feed(parent.jobId);
    const again = await work(factory);
    expect(again.map(({ key }) => key)).toEqual(['bad']);
    await drain(factory);
    expect(await stageOf(parent.jobId)).toBe('shipped');
  });

  it('fail-fast cancels those that have brought nothing yet', async () => {
    const { factory, parent } = await start();
    const { children } = await add(parent.jobId, {
      'on-failure': 'fail-fast',
      children: [child('bad', { priority: 'critical' }), child('later'), child('last', { deps: ['later'] })],
    });
    // In the very request that told of the failure; no feed has run yet.
    await work(factory, ['bad'], 1);
    expect(await stageOf(children[2]?.jobId ?? '')).toBe('failed');
    expect((await detail(deps, parent.jobId)).job.failure?.message).toContain('3 of 3 children did not ship');
    expect(await claim(deps, factory)).toEqual([]);
  });
});

describe('a cancelled tree', () => {
  /** As by a process that dies with its answer. */
  const alone = async (jobId: string): Promise<unknown> =>
    changeJob(deps, (await detail(deps, jobId)).job, {
      kind: 'cancel',
      actor: { kind: 'operator', id: 'ada' },
      reason: 'dropped',
    });
  const asked = (jobId: string): Promise<unknown> =>
    decideGate(deps, ADMIN, jobId, { kind: 'cancel', reason: 'dropped' });

  it.each([
    { told: 'the request', end: asked },
    { told: 'the feed', end: alone },
  ])('ends at every level by $told alone', async ({ told, end }) => {
    const { factory, parent } = await start();
    const { children } = await add(parent.jobId, {
      children: [child('a'), child('epic', { kind: 'composite' })],
    });
    const epic = children[1]?.jobId ?? '';
    const below = await add(epic, { children: [child('b')] });
    await end(parent.jobId);
    if (told === 'the feed') await feed(parent.jobId, epic);
    expect(await claim(deps, factory, 4)).toEqual([]);
    const late = below.children[0]?.jobId ?? '';
    expect((await detail(deps, late)).job.failure).toMatchObject({ reason: 'cancelled' });
    expect((await detail(deps, parent.jobId)).rollup?.byStage).toEqual({ failed: 3 });
  });
});

it('the sweeper ends a composite whose last children nobody told of', async () => {
  const { parent } = await start();
  const { children } = await add(parent.jobId, { children: [child('a')] });
  const { job } = await detail(deps, children[0]?.jobId ?? '');
  const actor = { kind: 'operator', id: 'ada' } as const;
  await changeJob(deps, job, { kind: 'cancel', actor, reason: 'x' });
  expect(await stageOf(parent.jobId)).toBe('queued');
  await sweepComposites(deps);
  expect(await stageOf(parent.jobId)).toBe('failed');
});
