import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PREEMPT_AFTER_SECONDS, selectWithPreemption } from '../../../shared/rules/preemption.js';
import type { RunningJob } from '../../../shared/rules/preemption.js';
import { NOW, at, context, entry, factory, jobId } from './fixtures.js';

const now = Date.parse(NOW);
const critical = (fields: Parameters<typeof entry>[1] = {}) =>
  entry(1, { priority: 'critical', readySince: at(-PREEMPT_AFTER_SECONDS), ...fields });
const run = (n: number, fields: Partial<RunningJob> & { seconds?: number } = {}): RunningJob => {
  const { seconds = 60, ...rest } = fields;
  return {
    jobId: jobId(n),
    factoryId: 'linux-1',
    epoch: 1,
    priorityRank: 2,
    kind: 'build',
    startedAt: now - seconds * 1000,
    madeRoom: false,
    ...rest,
  };
};
const full = factory({ stations: 2 });
const choose = (
  running: RunningJob[],
  waiting = critical(),
  factories = [full],
  around = context(),
): string => {
  const choice = selectWithPreemption(waiting, running, factories, around, now);
  return choice.kind === 'preempt' ? choice.victim.jobId : choice.why;
};

describe('a critical job that cannot be placed', () => {
  it('takes the station of the run that loses least', () => {
    expect(choose([run(2, { seconds: 90 }), run(3, { seconds: 20 })])).toBe(jobId(3));
    const choice = selectWithPreemption(
      critical(),
      [run(2), run(3, { seconds: 20 })],
      [full],
      context(),
      now,
    );
    expect(choice).toMatchObject({ why: `made room for ${jobId(1)}: the cheapest loss, 20 s of work` });
  });

  it('takes the less urgent one of equal losses, then the first by id', () => {
    expect(choose([run(2, { priorityRank: 1 }), run(3, { priorityRank: 3 })])).toBe(jobId(3));
    expect(choose([run(3), run(2)])).toBe(jobId(2));
  });

  it.each([
    ['it is as urgent', { priorityRank: 0 }],
    ['it is about to merge', { kind: 'land' as const }],
    ['it made room the last time it ran', { madeRoom: true }],
  ])('leaves a run alone when %s', (_, fields) => {
    expect(choose([run(2, fields), run(3, { seconds: 900 })])).toBe(jobId(3));
    expect(choose([run(2, fields), run(3, fields)])).toBe(
      'nothing of lower priority runs where it could run',
    );
  });

  it('cuts nothing short while a station is free, or on a factory that could not run it', () => {
    expect(choose([run(2)])).toBe('linux-1 has a free station');
    const mac = factory({ id: 'mac-1', pools: ['mac'], stations: 1 });
    const elsewhere = run(4, { factoryId: 'mac-1', seconds: 1 });
    expect(choose([run(2), run(3), elsewhere], critical(), [full, mac])).toBe(jobId(2));
    expect(choose([elsewhere], critical(), [mac])).toBe('no factory that is online could run it');
    expect(choose([run(2), run(3)], critical({ requirements: ['gpu'] }))).toBe(
      'no factory that is online could run it',
    );
  });

  it('waits a moment first, and does not ask for what would not help', () => {
    expect(choose([run(2), run(3)], critical({ readySince: at(1 - PREEMPT_AFTER_SECONDS) }))).toBe(
      'it has not waited long enough',
    );
    const paused = context({ pausedProducts: new Map([['acme', 'the invoice is open']]) });
    expect(choose([run(2), run(3)], critical(), [full], paused)).toBe('a free station would not help it');
  });
});

it('work that is not critical takes no station from others', () => {
  expect(choose([run(2), run(3)], critical({ priority: 'high' }))).toBe(
    'high work takes no station from others',
  );
});

it('whatever runs, a victim is less urgent, not in its second turn, and of the cheapest loss', () => {
  const runs = fc.array(
    fc.record({
      priorityRank: fc.nat(3),
      seconds: fc.nat(500),
      madeRoom: fc.boolean(),
      kind: fc.constantFrom('build' as const, 'land' as const),
    }),
    { minLength: 2, maxLength: 8 },
  );
  fc.assert(
    fc.property(runs, (list) => {
      const running = list.map((fields, n) => run(n + 2, fields));
      const choice = selectWithPreemption(critical(), running, [full], context(), now);
      const eligible = running.filter((one) => one.priorityRank > 0 && !one.madeRoom && one.kind === 'build');
      expect(choice.kind).toBe(eligible.length === 0 ? 'refused' : 'preempt');
      if (choice.kind === 'refused') return;
      expect(eligible).toContain(choice.victim);
      expect(choice.victim.startedAt).toBe(Math.max(...eligible.map((one) => one.startedAt)));
    }),
  );
});
