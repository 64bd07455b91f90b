import { describe, expect, it } from 'vitest';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { putProfile } from '../../../functions/operations/putProfile.js';
import { PutProfileSchema } from '../../../shared/contract/profile.js';
import {
  ADMIN,
  type Report,
  claim,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
} from '../fixture.js';
import { child, familyOn } from './family.js';

const { deps } = await cloudOfTests();

const { add, stageOf, kindsOf, start, feed, drain } = familyOn(deps);

describe('a budget', () => {
  it('is shared among the children: what they name must fit, the rest is split', async () => {
    const { parent } = await start({ budget: { usd: 10, tokens: '1M' } });
    const { children } = await add(parent.jobId, {
      children: [child('a', { budget: { usd: 4 } }), child('b'), child('c')],
    });
    const budgets = await Promise.all(
      children.map(async ({ jobId }) => (await detail(deps, jobId)).job.manifest.budget),
    );
    expect(budgets).toEqual([
      { usd: 4, tokens: 333_333 },
      { usd: 3, tokens: 333_333 },
      { usd: 3, tokens: 333_333 },
    ]);
    await expect(add(parent.jobId, { children: [child('more')] })).rejects.toMatchObject({
      detail: { problems: [{ path: 'children.budget.usd' }] },
    });
  });

  it('that is given away does not keep the same plan from being sent again', async () => {
    const { parent } = await start({ budget: { usd: 10 } });
    const plan = { children: [child('a')] };
    const first = await add(parent.jobId, plan);
    expect((await add(parent.jobId, plan)).children).toEqual(first.children);
  });

  it('and keys are held against the plans of the same moment: one of two that overlap is refused', async () => {
    const { parent } = await start({ budget: { usd: 50 } });
    const plans = [['k1', 'k2'], ['k2'], ['k2', 'k3'], ['k2', 'k4']];
    const added = await Promise.allSettled(
      plans.map((keys) => add(parent.jobId, { children: keys.map((key) => child(key)) })),
    );
    const taken = added.filter(({ status }) => status === 'fulfilled');
    expect(taken).toHaveLength(1);
    const { children } = (await detail(deps, parent.jobId)).job;
    expect(children?.plans).toHaveLength(1);
    expect(children?.usd).toBeLessThanOrEqual(50);
  });
});

describe('a planner', () => {
  const planner = {
    title: 'P',
    summary: 'Plans.',
    persona: 'You plan.',
    'engine-class': 'script',
    produces: 'plan',
  };
  const begin = async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const body = PutProfileSchema.parse({ profile: planner });
    await putProfile(deps, ADMIN, { params: { owner: productId, name: 'planner' }, body });
    const parent = await submit(deps, productId, {
      kind: 'composite',
      profile: 'planner',
      retry: { backoff: 1 },
    });
    const [claimed] = await claim(deps, factory);
    if (!claimed) throw new Error('nothing was claimed');
    expect(claimed.run.kind).toBe('plan');
    await report(deps, factory, claimed, { kind: 'started' });
    return { factory, parent, claimed };
  };
  const planned = (...children: ReturnType<typeof child>[]): Report => ({
    kind: 'planned',
    plan: { 'on-failure': 'continue', children },
    usage: { wallSeconds: 1, tokens: 10, usd: 0.25, accuracy: 'exact' },
  });

  it('makes the children of its composite out of its plan, once however often it reports it', async () => {
    const { factory, parent, claimed } = await begin();
    const plan = planned(child('a'), child('b', { deps: ['a'] }));
    await report(deps, factory, claimed, plan);
    await report(deps, factory, claimed, plan);
    expect(await kindsOf(parent.jobId)).toEqual([
      'job.submitted',
      'job.assigned',
      'run.started',
      'run.planned',
      'children.requested',
    ]);
    await feed(parent.jobId);
    await drain(factory);
    const { job, rollup } = await detail(deps, parent.jobId);
    expect(job).toMatchObject({ stage: 'shipped', usage: { usd: 0.25 }, children: { count: 2 } });
    expect(rollup).toMatchObject({ jobs: 2, usage: { usd: 1.25 } });
  });

  it('is told what is wrong with a plan, and nothing of it comes into being', async () => {
    const { factory, parent, claimed } = await begin();
    await expect(
      report(deps, factory, claimed, planned(child('a', { engine: 'shel' }))),
    ).rejects.toMatchObject({
      code: 'invalid-manifest',
      detail: { problems: [{ path: 'children.a.engine', nearest: 'shell' }] },
    });
    expect(await stageOf(parent.jobId)).toBe('building');
  });

  it('whose lease is over makes nothing', async () => {
    const { factory, parent, claimed } = await begin();
    await decideGate(deps, ADMIN, parent.jobId, { kind: 'cancel', reason: 'x' });
    await expect(report(deps, factory, claimed, planned(child('a')))).rejects.toMatchObject({
      code: 'stale-epoch',
    });
    expect((await detail(deps, parent.jobId)).job.children).toBeUndefined();
  });
});
