import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../../../shared/contract/job.js';
import {
  connectedJobs,
  cycleThrough,
  isReached,
  openDeps,
  parseDep,
  type DagJob,
} from '../../../shared/rules/dag.js';
import { noChildren } from '../../../shared/rules/composite.js';
import { keptBack, type ChildState } from '../../../shared/rules/keptBack.js';
import { decide } from '../../../shared/rules/lifecycle.js';
import { isReady } from '../../../shared/rules/stages.js';
import { NOW, OPERATOR, accept, at, claim, job, jobId, unblock } from './fixtures.js';

const node = (n: number, ...needs: number[]): DagJob => ({
  jobId: jobId(n),
  title: `job ${n}`,
  stage: 'queued',
  deps: needs.map((one) => ({ jobId: jobId(one), until: 'shipped' })),
});
const numbers = (jobs: readonly DagJob[]): number[] => jobs.map((one) => Number(one.jobId.slice(4)));

describe('a circle of dependencies', () => {
  it.each([
    [node(1, 1), [], [1, 1]],
    [node(1, 2), [node(2, 3), node(3, 1)], [1, 2, 3, 1]],
    [node(1, 4, 2), [node(4), node(2, 3), node(3, 4, 1)], [1, 2, 3, 1]],
    [node(1, 2, 3), [node(2, 3), node(3)], undefined],
    [node(1, 9), [], undefined],
  ])('is told from the job over the others back to it (%#)', (one, others, circle) => {
    expect(cycleThrough(one, others)?.map((id) => Number(id.slice(4)))).toEqual(circle);
  });
});

describe('a dependency', () => {
  it.each([
    ['job-0000000000000001', 'job-0000000000000001', 'shipped'],
    ['job-0000000000000001@testing', 'job-0000000000000001', 'testing'],
    ['a@b@shipped', 'a@b', 'shipped'],
    ['someone@example.com', 'someone@example.com', 'shipped'],
  ] as const)('%s means %s until %s', (text, ref, until) => {
    expect(parseDep(text)).toEqual({ ref, until });
  });

  it('is reached by shipping, and by testing where that is enough', () => {
    expect(isReached('shipped', 'testing') && isReached('shipped', 'shipped')).toBe(true);
    expect([isReached('testing', 'testing'), isReached('testing', 'shipped')]).toEqual([true, false]);
    for (const stage of ['queued', 'building', 'review', 'failed', 'dead_letter'] as const)
      expect(isReached(stage, 'testing')).toBe(false);
  });
});

describe('a job that waits for others', () => {
  const needs = [jobId(2), jobId(3)];
  const waiting = {
    ...job(),
    deps: [
      { jobId: jobId(2), until: 'shipped' as const },
      { jobId: jobId(3), until: 'testing' as const },
    ],
    waitsFor: needs,
  };

  it('is not ready, and is ready when it was let go on', () => {
    expect(isReady(waiting)).toBe(false);
    expect(decide(waiting, undefined, claim('build'), NOW)).toMatchObject({
      message: expect.stringContaining(`it waits for ${needs.join(', ')}`) as unknown,
    });
    const free = accept({ job: waiting, run: undefined }, unblock, at(60));
    expect(free.events[0]?.body).toEqual({ kind: 'deps.met' });
    expect(free.job.stageSince).toBe(at(60));
    expect(isReady(free.job)).toBe(true);
  });

  it('tells what would let it go on, and which one failed', () => {
    const stages = new Map<string, Stage>([
      [jobId(2), 'failed'],
      [jobId(3), 'building'],
    ]);
    expect(keptBack(waiting, stages)).toEqual({
      summary: `Waits for ${jobId(2)} (failed), ${jobId(3)} (building).`,
      wouldPlace: `${jobId(2)} to ship (it is in failed: requeue it), and ${jobId(3)} to reach testing`,
      waitsFor: [
        { jobId: jobId(2), stage: 'failed', until: 'shipped' },
        { jobId: jobId(3), stage: 'building', until: 'testing' },
      ],
    });
    const hold = { by: OPERATOR, at: NOW, reason: 'later' };
    stages.set(jobId(2), 'shipped').set(jobId(3), 'testing');
    expect(keptBack({ ...waiting, hold }, stages)?.wouldPlace).toBe(
      `the hold lifted (aq resume ${jobId(1)})`,
    );
  });
});

describe('a composite with children', () => {
  const child = (n: number, stage: Stage): ChildState => ({ jobId: jobId(n), key: `child-${n}`, stage });
  const parent = job({ kind: 'composite' });
  const waits = (...children: ChildState[]) =>
    keptBack({ ...parent, children: { ...noChildren(), count: children.length } }, new Map(), children);

  it.each<[string, ChildState[], string, string]>([
    [
      'the one in testing first: a person ships it',
      [child(2, 'queued'), child(3, 'testing'), child(4, 'shipped')],
      '1 of 3 shipped, open child-3 (testing), child-2 (queued)',
      `child-3 shipped (aq ship ${jobId(3)}), then the end of 1 more`,
    ],
    [
      'a person to look at the one in review',
      [child(2, 'building'), child(3, 'review')],
      '0 of 2 shipped, open child-3 (review), child-2 (building)',
      `a person's word on child-3 (aq show ${jobId(3)}), then the end of 1 more`,
    ],
    [
      'the one at work',
      [child(2, 'queued'), child(3, 'building')],
      '0 of 2 shipped, open child-3 (building), child-2 (queued)',
      'the end of child-3, which is at work, then the end of 1 more',
    ],
    [
      'a factory for one that waits, and the failed one again',
      [child(2, 'queued'), child(3, 'dead_letter')],
      '0 of 2 shipped, 1 failed (child-3), open child-2 (queued)',
      `child-3 run again, or it fails too (aq requeue ${jobId(3)}), and child-2 placed (aq explain ${jobId(2)})`,
    ],
    [
      'nobody, when all have ended',
      [child(2, 'shipped')],
      '1 of 1 shipped',
      'a moment: its children have ended',
    ],
  ])('asks for %s', (_, children, summary, wouldPlace) => {
    expect(waits(...children)).toMatchObject({
      summary: `Waits for its children: ${summary}.`,
      wouldPlace,
    });
  });

  it('names three of many in its sentence, and all of them as data', () => {
    const kept = waits(...[2, 3, 4, 5, 6].map((n) => child(n, 'queued')));
    expect(kept?.summary).toContain('child-4 (queued) and 2 more.');
    expect(kept?.waitsFor).toHaveLength(5);
    expect(kept?.waitsFor?.[0]).toEqual({
      jobId: jobId(2),
      key: 'child-2',
      stage: 'queued',
      until: 'ended',
    });
  });
});

describe('the graph', () => {
  it('has what hangs together, each job after those that it waits for', () => {
    const jobs = [node(4, 2, 3), node(3, 1), node(2, 1), node(1), node(9, 8), node(8)];
    for (const start of [1, 2, 4]) {
      const order = numbers(connectedJobs(jobId(start), jobs));
      expect(order.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4]);
      expect([order[0], order[3]]).toEqual([1, 4]);
    }
  });

  it('of a thousand jobs is drained in waves, every job once, whatever its shape', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (random) => {
        const pick = (below: number): number => random.next().value % below;
        const jobs = Array.from({ length: 1000 }, (_, n) =>
          node(n, ...new Set(Array.from({ length: Math.min(n, 3) }, () => pick(n)))),
        );
        const stages = new Map<string, Stage>(jobs.map((one) => [one.jobId, 'queued']));
        let waves = 0;
        for (let left = jobs; left.length > 0; waves += 1) {
          const ready = left.filter((one) => openDeps(one.deps ?? [], stages).length === 0);
          expect(ready.length).toBeGreaterThan(0);
          for (const one of ready) stages.set(one.jobId, 'shipped');
          left = left.filter((one) => stages.get(one.jobId) !== 'shipped');
        }
        const order = connectedJobs(jobId(0), jobs);
        expect(order).toHaveLength(1000);
        const place = new Map(order.map((one, index) => [one.jobId, index]));
        for (const one of order)
          for (const dep of one.deps ?? [])
            expect((place.get(dep.jobId) ?? 0) < (place.get(one.jobId) ?? 0)).toBe(true);
      }),
      { numRuns: 5 },
    );
  });
});
