import { describe, expect, it } from 'vitest';
import type { Actor, Job, ScopeReport } from '../../../shared/contract/job.js';
import type { ManifestInput } from '../../../shared/contract/manifest.js';
import { shipsByItself } from '../../../shared/rules/gates.js';
import { decide, legalCommands } from '../../../shared/rules/lifecycle.js';
import { isReady } from '../../../shared/rules/stages.js';
import {
  NOW,
  REPORTS,
  accept,
  after,
  at,
  claim,
  hold,
  job,
  jobId,
  override,
  pause,
  report,
  requeue,
  resume,
  ship,
} from './fixtures.js';

const { started, finished, passed, broken, conflict } = REPORTS;
const BUILD = [claim('build'), started, finished] as const;
const REVIEW = jobId(7);
const person = (id: string): Actor => ({ kind: 'operator', id });
const approves = (id: string) => ({ kind: 'approve', actor: person(id) }) as const;
const tested = (policy: ManifestInput['review-policy'], change: Partial<Job> = {}) =>
  after({ ...job({ 'review-policy': policy }), ...change }, ...BUILD, passed);
const refusal = (state: ReturnType<typeof tested>, id: string): string => {
  const decision = decide(state.job, state.run, approves(id), NOW);
  return decision.kind === 'rejected' ? decision.message : 'accepted';
};

const scope = (more: Partial<ScopeReport>): ScopeReport => ({
  allowed: [],
  outside: [],
  shared: [],
  gates: [],
  ...more,
});
const changed = (more: Partial<ScopeReport>) =>
  report(1, { ...finished, change: { ...finished.change, scope: scope(more) } });

describe('a change that left its scope', () => {
  const outside = { allowed: ['src/**'], outside: ['ci.yml'] };
  const left = after(job(), claim('build'), started, changed(outside), passed);

  it('is not shipped, and the refusal names the files, the limit and who may override', () => {
    expect(legalCommands(left.job)).toContain('override');
    expect(legalCommands(left.job)).not.toContain('ship');
    expect(decide(left.job, left.run, ship, NOW)).toMatchObject({
      kind: 'rejected',
      message: expect.stringMatching(/changes ci\.yml.*allowed scope \(src\/\*\*\).*admin/) as unknown,
    });
  });

  it('ships after an override, which is an event with its reason and counts for that commit only', () => {
    const free = accept(left, override);
    expect(free.events[0]?.body).toEqual({
      kind: 'gate.overridden',
      commit: 'c0ffee',
      reason: 'the licence header was asked for',
    });
    expect(legalCommands(free.job)).not.toContain('override');
    expect(accept(free, ship).job.landing).toBeDefined();
    const other = { ...free.job, change: { ...finished.change, commit: 'beef', scope: scope(outside) } };
    expect(legalCommands(other)).not.toContain('ship');
  });

  it('needs no override within its scope', () => {
    const kept = after(job(), claim('build'), started, changed({ allowed: ['src/**'] }), passed);
    expect(decide(kept.job, kept.run, override, NOW)).toMatchObject({ kind: 'rejected' });
  });
});

describe('a change of a shared package', () => {
  it('needs the approval of somebody who did not ask for it, also where the policy names nobody', () => {
    const touched = after(job(), claim('build'), started, changed({ shared: ['shared/a.ts'] }), passed);
    expect(legalCommands(touched.job)).not.toContain('ship');
    expect(refusal(touched, touched.job.submittedBy.id)).toContain('nobody approves their own');
    const review = { jobId: REVIEW, commit: 'c0ffee' };
    const approved = accept(touched, { ...approves('bob'), review });
    expect(approved.job.approvals).toMatchObject([{ by: 'bob', commit: 'c0ffee', review: REVIEW }]);
    expect(approved.events[0]?.body).toMatchObject({ kind: 'gate.approved', open: 0, review: REVIEW });
    expect(accept(approved, ship).job.landing).toBeDefined();
  });

  it.each([
    ['none', undefined],
    ['one of another commit', { jobId: REVIEW, commit: 'beef' }],
  ])('is not approved with %s as its review by the profile reviewer', (_, review) => {
    const policies: ManifestInput['review-policy'][] = [undefined, 'auto', { reviewers: ['bob'] }];
    for (const policy of policies) {
      const touched = after(
        job({ 'review-policy': policy }),
        claim('build'),
        started,
        changed({ shared: ['shared/a.ts'] }),
        passed,
      );
      expect(decide(touched.job, touched.run, { ...approves('bob'), review }, NOW)).toMatchObject({
        kind: 'rejected',
        code: 'illegal-transition',
        message: expect.stringMatching(
          /shared\/a\.ts.*profile reviewer has not read c0ffee.*base-branch: aq\//,
        ) as unknown,
      });
      expect(legalCommands(touched.job)).not.toContain('ship');
    }
  });
});

it('a change away from shared packages is approved without a review by a profile', () => {
  expect(accept(tested({ reviewers: ['bob'] }), approves('bob')).job.approvals).toEqual([
    { by: 'bob', at: NOW, commit: 'c0ffee' },
  ]);
});

describe('reviewers with a quorum', () => {
  const policy = { reviewers: ['@Bob', 'eve@example.com', 'dan'], quorum: 2 };

  it('let a change ship when enough of them said yes, and not before', () => {
    const none = tested(policy);
    expect(decide(none.job, none.run, ship, NOW)).toMatchObject({
      message: expect.stringContaining('2 more approvals, of @Bob, eve@example.com, dan') as unknown,
    });
    const one = accept(none, approves('bob'), at(1));
    expect(one.events[0]?.body).toEqual({ kind: 'gate.approved', commit: 'c0ffee', open: 1 });
    expect(decide(one.job, one.run, ship, NOW)).toMatchObject({
      message: expect.stringContaining('1 more approval, of eve@example.com, dan') as unknown,
    });
    const two = accept(one, approves('Eve@example.com'));
    expect(two.job.stage).toBe('testing');
    expect(accept(two, ship).job.landing).toBeDefined();
  });

  it('count each person once', () => {
    const once = accept(tested(policy), approves('bob'));
    expect(accept(once, approves('BOB')).events).toEqual([]);
    expect(legalCommands(once.job, person('bob'))).not.toContain('approve');
    expect(legalCommands(once.job, person('dan'))).toContain('approve');
  });

  it('are the ones that are named, with their domain where it is named', () => {
    expect(refusal(tested(policy), 'mallory')).toContain('not among its reviewers');
    expect(refusal(tested(policy), 'bob@elsewhere.example')).toContain('not among its reviewers');
    expect(refusal(tested(policy), 'eve')).toContain('not among its reviewers');
  });

  it('never approve what they submitted or filed themselves', () => {
    const own = tested({ reviewers: ['ada', 'ada@example.com'] });
    expect(refusal(own, 'ada')).toContain('submitted it');
    expect(refusal(own, 'ada@example.com')).toContain('submitted it');
    expect(legalCommands(own.job, person('ada'))).not.toContain('approve');
    const trackerItem = { tracker: 'github', repository: 'a/b', number: 1, url: 'u', author: 'Bob' } as const;
    const filed = tested(policy, { trackerItem, submittedBy: { kind: 'tracker', id: 'github' } });
    expect(refusal(filed, 'bob')).toContain('filed its item');
    expect(refusal(filed, 'dan')).toBe('accepted');
  });

  it('are asked again for another change, and not for the same one that met a conflict', () => {
    const shipped = accept(accept(accept(tested(policy), approves('bob')), approves('dan')), ship);
    const claimed = accept(shipped, claim('land'));
    const back = accept(accept(claimed, report(2, started)), report(2, conflict));
    expect(back.job).toMatchObject({ stage: 'review', approvals: [{ by: 'bob' }, { by: 'dan' }] });
    const again = accept(back, requeue);
    expect(again.job).not.toHaveProperty('approvals');
  });
});

describe('the policy auto', () => {
  it('asks for the merge as soon as verify passed, in its own name', () => {
    const state = accept(after(job({ 'review-policy': 'auto' }), ...BUILD), report(1, passed), at(9));
    expect(state.job.landing).toEqual({
      requestedBy: { kind: 'system', id: 'review-policy' },
      requestedAt: at(9),
    });
    expect(state.events.map(({ body }) => body.kind)).toEqual(['run.verified', 'ship.requested']);
    expect(isReady(state.job)).toBe(true);
  });

  it('leaves to a person what has no verify, what failed, and what met a conflict', () => {
    const unverified = after(job({ 'review-policy': 'auto', verify: undefined }), ...BUILD);
    expect(unverified.job).toMatchObject({ stage: 'review' });
    expect(legalCommands(unverified.job)).toContain('ship');
    expect(after(job({ 'review-policy': 'auto' }), ...BUILD, broken).job.stage).toBe('failed');
    const back = after(job({ 'review-policy': 'auto' }), ...BUILD, passed, claim('land'), started, conflict);
    expect(back.job).toMatchObject({ stage: 'review' });
    expect(isReady(back.job)).toBe(false);
  });

  it.each([
    ['no limit on paths and nothing told', {}, true],
    ['a limit, and nobody looked', { allowed: ['src/**'] }, false],
    ['a limit that was kept', { allowed: ['src/**'], scope: scope({}) }, true],
    ['a limit that was left', { allowed: ['src/**'], scope: scope({ outside: ['ci.yml'] }) }, false],
    ['a shared package', { scope: scope({ shared: ['packages/core/a.ts'] }) }, false],
    ['its own tests', { scope: scope({ gates: ['test/a.test.ts'] }) }, false],
  ])('with %s', (_, told, ships) => {
    expect(shipsByItself({ policy: 'auto', verify: { passed: true }, scope: undefined, ...told })).toBe(
      ships,
    );
    expect(shipsByItself({ policy: 'manual', verify: { passed: true }, scope: undefined, ...told })).toBe(
      false,
    );
  });
});

describe('a hold', () => {
  it('keeps a job from being claimed until it is lifted', () => {
    const held = accept(after(job()), hold);
    expect(isReady(held.job)).toBe(false);
    expect(decide(held.job, undefined, claim('build'), NOW)).toMatchObject({
      message: expect.stringContaining('ada put it on hold: after the release') as unknown,
    });
    expect(isReady(accept(held, resume).job)).toBe(true);
  });

  it('as a pause ends the run, counts no attempt and goes on with a new epoch', () => {
    const paused = accept(after(job(), claim('build'), started), pause, at(4));
    expect(paused.job).toMatchObject({ stage: 'queued', attempts: 0, epoch: 1, hold: { at: at(4) } });
    expect(paused.run).toMatchObject({ status: 'failed', failure: { reason: 'cancelled' } });
    expect(decide(paused.job, paused.run, report(1, finished), NOW)).toMatchObject({ code: 'stale-epoch' });
    expect(accept(accept(paused, resume), claim('build')).job.epoch).toBe(2);
  });
});
