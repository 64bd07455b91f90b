// A change goes to the base branch without a person only where profile and product both say so.
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Coordinator } from '../../../factory/coordinator.js';
import { executeRun } from '../../../factory/runs/execute.js';
import { auditJob } from '../../../functions/operations/auditChain.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { putProfile } from '../../../functions/operations/putProfile.js';
import { reapLeases } from '../../../functions/operations/reapLeases.js';
import { PutProfileSchema } from '../../../shared/contract/profile.js';
import { AppError } from '../../../shared/errors.js';
import {
  ADMIN,
  LEASE_SECONDS,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  submit,
  type Report,
} from '../../functions/fixture.js';
import { factoryFixture } from '../support/fixture.js';
import { operationsFor } from '../support/operations.js';
import { git } from '../support/repository.js';

const { cloud, deps } = await cloudOfTests({ blobs: true });

interface Given {
  readonly profile?: 'branch' | 'direct';
  readonly product?: 'branch' | 'direct';
  readonly manifest?: Record<string, unknown>;
  readonly files?: Record<string, string>;
  readonly body?: string;
  /** Called with each report's kind before the control plane gets it. */
  readonly onReport?: (kind: Report['kind']) => void;
}

const BOTH = { profile: 'direct', product: 'direct' } as const;

async function scene({ profile = 'branch', product = 'branch', manifest, files, body, onReport }: Given) {
  const fixture = await factoryFixture({ 'a.txt': 'one\n', ...files });
  const { productId } = await makeProduct(deps, { pushPolicy: product });
  const spec = { title: 'Dev', summary: 'Writes code.', persona: 'You write code.', 'push-policy': profile };
  await putProfile(deps, ADMIN, {
    params: { owner: productId, name: 'dev' },
    body: PutProfileSchema.parse({ profile: spec, note: 'why' }),
  });
  const { jobId } = await submit(deps, productId, {
    engine: 'shell',
    repo: fixture.repository.path,
    profile: 'dev',
    verify: 'grep -rq two .',
    body: body ?? 'echo two > b',
    ...manifest,
  });
  let isFenced = false;
  const caller = await makeFactory(deps, productId);
  const operations = operationsFor(deps, caller);
  const coordinator: Coordinator = {
    ...operations,
    renewLease: (call) =>
      isFenced ? Promise.reject(new AppError('stale-epoch', 'over')) : operations.renewLease(call),
    reportRun: async (call) => {
      onReport?.(call.body.kind);
      return operations.reportRun(call);
    },
  };
  return {
    ...fixture,
    jobId,
    fence: () => (isFenced = true),
    unfence: () => (isFenced = false),
    async work() {
      const claim = await claimOne(deps, caller);
      await executeRun(claim, fixture.depsOn(coordinator), new AbortController().signal);
      return claim;
    },
    async outcome() {
      const { job, runs, events } = await detail(deps, jobId);
      expect(auditJob({ job, runs, events })).toEqual([]);
      return { job, kinds: events.map(({ body: what }) => what.kind) };
    },
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

const BUILT = ['job.submitted', 'job.assigned', 'run.started', 'run.finished', 'run.verified'];

describe('a verified change', () => {
  it('is the head of the base branch at once where profile and product say direct', async () => {
    await using direct = await scene(BOTH);
    const { run } = await direct.work();
    expect(run.push).toBe('direct');
    const { job, kinds } = await direct.outcome();
    expect(job).toMatchObject({ stage: 'shipped', epoch: 1, mergeCommit: job.change?.commit });
    expect(kinds).toEqual([...BUILT, 'ship.requested', 'ship.landed']);
    expect(direct.repository.head('main')).toBe(job.change?.commit);
    expect(direct.repository.show('main', 'b')).toBe('two');
  });

  const SHARED = { '.gigafactory.yaml': 'shared: ["b"]\n' };
  it.each<[string, Given, string?]>([
    ['the profile alone says direct', { profile: 'direct' }, 'its product does not say pushPolicy: direct'],
    ['the product alone says direct', { product: 'direct' }],
    [
      'its review policy names people',
      { ...BOTH, manifest: { 'review-policy': { reviewers: ['ada'], quorum: 1 } } },
      'its review-policy asks people',
    ],
    [
      'its review policy is manual',
      { ...BOTH, manifest: { 'review-policy': 'manual' } },
      'its review-policy asks people',
    ],
    ['it touches a shared package', { ...BOTH, files: SHARED }, 'it changes a shared package (b)'],
    [
      'it touches what judges it',
      { ...BOTH, body: 'echo two > b; mkdir test; echo x > test/b' },
      'it changes its own check (test/b)',
    ],
    [
      'it is outside of its scope',
      { ...BOTH, files: { '.gigafactory.yaml': 'scope: ["src/**"]\n' } },
      'it leaves its scope (b)',
    ],
  ])('waits on its branch for a person where %s', async (_, given, why) => {
    await using usual = await scene(given);
    const base = usual.repository.head('main');
    await usual.work();
    const { job, kinds } = await usual.outcome();
    expect([job.stage, kinds]).toEqual(['testing', BUILT]);
    expect(usual.repository.head('main')).toBe(base);
    expect((await detail(deps, usual.jobId)).notPushedDirectly).toBe(why);
    const { summary } = await explainJob(deps, ADMIN, { params: { jobId: usual.jobId } });
    expect(summary).toBe(
      `Passed its checks; waits for a person to ship it.${why === undefined ? '' : ` Not pushed directly: ${why}.`}`,
    );
    expect(usual.repository.head(`aq/${usual.jobId}`)).toBe(job.change?.commit);
  });

  it('without a check is not verified, and waits', async () => {
    await using usual = await scene({ ...BOTH, manifest: { verify: undefined } });
    await usual.work();
    expect((await usual.outcome()).job.stage).toBe('review');
  });

  it('waits on its branch with the words of a protected base that refused it', async () => {
    await using refused = await scene(BOTH);
    const hook = path.join(refused.repository.path, 'hooks', 'update');
    writeFileSync(
      hook,
      '#!/bin/sh\ncase "$1" in refs/heads/main) echo "main is protected" >&2; exit 1;; esac\n',
    );
    chmodSync(hook, 0o755);
    const base = refused.repository.head('main');
    await refused.work();
    const { job, kinds } = await refused.outcome();
    expect(job).toMatchObject({ stage: 'review', failure: { reason: 'refused' } });
    expect(job.failure?.message).toContain('refused the push to "main"');
    expect(kinds).toEqual([...BUILT, 'ship.requested', 'ship.refused']);
    expect(refused.repository.head('main')).toBe(base);
    expect(refused.repository.head(`aq/${refused.jobId}`)).toBe(job.change?.commit);
  });

  it('is merged by the next run where the base moved meanwhile', async () => {
    let meanwhile = (): void => {};
    await using moved = await scene({
      ...BOTH,
      onReport: (kind) => {
        if (kind === 'verified') meanwhile();
      },
    });
    meanwhile = () => void moved.repository.commit({ 'c.txt': 'theirs\n' });
    await moved.work();
    expect((await moved.outcome()).job).toMatchObject({ stage: 'testing', epoch: 1 });
    expect((await moved.work()).run.kind).toBe('land');
    const { job } = await moved.outcome();
    expect(job.stage).toBe('shipped');
    expect([moved.repository.show('main', 'b'), moved.repository.show('main', 'c.txt')]).toEqual([
      'two',
      'theirs',
    ]);
    expect(git(moved.repository.path, 'rev-list', '--merges', '--count', 'main')).toBe('1');
  });

  it('is not pushed by a factory whose lease is gone, and landed by whoever comes next', async () => {
    let fence = (): void => {};
    await using stale = await scene({
      ...BOTH,
      onReport: (kind) => {
        if (kind === 'verified') fence();
      },
    });
    fence = stale.fence;
    const base = stale.repository.head('main');
    await stale.work();
    expect(stale.repository.head('main')).toBe(base);
    cloud.clock.advance(LEASE_SECONDS * 3);
    await reapLeases(deps);
    stale.unfence();
    expect((await stale.work()).run).toMatchObject({ kind: 'land', epoch: 2 });
    expect((await stale.outcome()).job).toMatchObject({ stage: 'shipped', epoch: 2 });
    expect(stale.repository.show('main', 'b')).toBe('two');
  });

  it('that reached the base before its report was lost is found there, and merged no second time', async () => {
    let isLost = true;
    await using lost = await scene({
      ...BOTH,
      onReport: (kind) => {
        if (kind === 'landed' && isLost) throw new AppError('stale-epoch', 'the answer of a dead factory');
      },
    });
    await lost.work();
    const head = lost.repository.head('main');
    expect((await detail(deps, lost.jobId)).job.stage).toBe('testing');
    cloud.clock.advance(LEASE_SECONDS * 3);
    await reapLeases(deps);
    isLost = false;
    expect((await lost.work()).run.kind).toBe('land');
    expect((await lost.outcome()).job).toMatchObject({ stage: 'shipped', mergeCommit: head });
    expect(lost.repository.head('main')).toBe(head);
  });
});
