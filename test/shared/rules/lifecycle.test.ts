import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../shared/contract/api.js';
import { decide, runId } from '../../../shared/rules/lifecycle.js';
import { isReady, nextRunKind } from '../../../shared/rules/stages.js';
import {
  CHANGE,
  NOW,
  OPERATOR,
  REPORTS,
  USAGE,
  accept,
  after,
  at,
  cancel,
  claim,
  job,
  jobId,
  lose,
  pause,
  report,
  resume,
  requeue,
  ship,
} from './fixtures.js';
import type { State } from './fixtures.js';

const { started, finished, passed, broken, failed, conflict, released, landed } = REPORTS;
const BUILD = [claim('build'), started, finished] as const;
const LAND = [...BUILD, passed, ship, claim('land')] as const;
const noRetry = job({ retry: { max: 0 } });

describe('a claim', () => {
  it('raises the epoch, sets the holder, counts the attempt and makes the run', () => {
    const { job: next, run, events } = accept(after(job()), claim('build'), at(3));
    expect(next).toMatchObject({
      epoch: 1,
      holder: 'linux-1',
      attempts: 1,
      stage: 'assigned',
      stageSince: at(3),
    });
    expect(run).toMatchObject({
      id: runId(1),
      epoch: 1,
      kind: 'build',
      status: 'assigned',
      startedAt: at(3),
    });
    expect(events).toMatchObject([
      { stage: 'assigned', from: 'queued', body: { kind: 'job.assigned', epoch: 1, pool: 'linux' } },
    ]);
  });

  it('takes what an earlier attempt left behind off the job', () => {
    const retried = after(job(), claim('build'), failed);
    expect(retried.job.failure?.reason).toBe('engine_failed');
    const { job: next } = accept(retried, claim('build'));
    expect(next).toMatchObject({ epoch: 2, attempts: 2 });
    expect(next).not.toHaveProperty('failure');
    expect(next).not.toHaveProperty('notBefore');
  });

  it('to land counts no attempt and keeps the stage', () => {
    const { job: next, events } = accept(after(job(), ...BUILD, passed, ship), claim('land'));
    expect(next).toMatchObject({ epoch: 2, attempts: 1, stage: 'testing', change: CHANGE });
    expect(events[0]).not.toHaveProperty('from');
  });
});

describe('a report', () => {
  it('of another epoch or another factory is stale and names the one that holds the job', () => {
    const state = after(job(), claim('build'), started, released, claim('build', 'linux-2'));
    for (const command of [report(1, finished), report(2, started, 'linux-1'), report(3, started, 'linux-2')])
      expect(decide(state.job, state.run, command, NOW)).toMatchObject({
        code: 'stale-epoch',
        message: expect.stringContaining('linux-2 holds it'),
      });
  });

  it('told twice is accepted twice and changes something once', () => {
    const chain: RunReport[] = [started, finished, passed];
    let state: State = after(job(), claim('build'));
    for (const what of chain) {
      state = accept(state, report(1, what));
      expect(accept(state, report(1, what)).events).toEqual([]);
    }
  });

  it('told twice over a database that reorders its keys is still a repeat', () => {
    const state = after(job(), claim('build'), started, finished);
    const shuffled = Object.fromEntries(Object.entries(CHANGE).toReversed()) as typeof CHANGE;
    expect(accept(state, report(1, { ...finished, change: shuffled })).events).toEqual([]);
  });

  it('with other content than before is not a repeat', () => {
    const state = after(job(), claim('build'), started, finished);
    const other = { ...finished, change: { ...CHANGE, commit: 'other' } };
    expect(decide(state.job, state.run, report(1, other), NOW).kind).toBe('rejected');
  });

  it('of a failure still counts as told when the next factory has the job', () => {
    const first = after(job(), claim('build'), failed);
    const second = accept(first, claim('build', 'linux-2'));
    expect(accept({ job: second.job, run: first.run }, report(1, failed)).events).toEqual([]);
  });

  it('after the reaper took the job changes nothing, even when it repeats the last one', () => {
    const lost = after(job(), claim('build'), started, lose(1));
    expect(decide(lost.job, lost.run, report(1, started), NOW)).toMatchObject({ code: 'stale-epoch' });
  });

  it('adds its usage to the job once a run', () => {
    const { job: next, events } = after(job(), ...BUILD, { ...failed, reason: 'timeout' }) as ReturnType<
      typeof accept
    >;
    expect(next.usage).toEqual(USAGE);
    expect(events[0]?.body).not.toHaveProperty('usage');
    const again = after(next, claim('build'), started, finished);
    expect(again.job.usage).toEqual({ wallSeconds: 24, tokens: 2000, usd: 0.5, accuracy: 'exact' });
  });
});

describe('a failed run', () => {
  it('goes back to the queue with a growing wait, then to the dead letters', () => {
    let state: State = after(job({ retry: { max: 2, backoff: '10s' } }));
    for (const seconds of [10, 20]) {
      state = accept(accept(state, claim('build')), report(state.job.epoch + 1, failed));
      expect(state.job).toMatchObject({ stage: 'queued', notBefore: at(seconds) });
    }
    state = accept(accept(state, claim('build')), report(3, failed));
    expect(state.job).toMatchObject({ stage: 'dead_letter', attempts: 3 });
    expect(state.job.failure).toEqual({ reason: 'engine_failed', message: 'exit 3' });
  });

  it.each(['preflight', 'refused', 'no_change', 'merge_conflict', 'cancelled'] as const)(
    'is never retried for %s',
    (reason) => {
      expect(after(job(), claim('build'), { ...failed, reason }).job.stage).toBe('failed');
    },
  );

  it('whose tests failed is retried only where the manifest says so', () => {
    expect(after(job(), ...BUILD, broken).job.stage).toBe('failed');
    const asked = after(job({ retry: { on: ['verify_failed'] } }), ...BUILD, broken);
    expect(asked.job).toMatchObject({ stage: 'queued', notBefore: at(10), verify: broken.verify });
  });

  it('whose tests failed tells the result first and what follows second', () => {
    const state = accept(after(job(), ...BUILD), report(1, broken));
    expect(state.events).toMatchObject([
      { stage: 'review', body: { kind: 'run.verified' } },
      { stage: 'failed', from: 'review', body: { kind: 'run.failed', reason: 'verify_failed', exitCode: 1 } },
    ]);
  });

  it('that was lost is retried like any other', () => {
    const state = accept(after(job(), claim('build'), started), lose(1));
    expect(state.job).toMatchObject({ stage: 'queued', notBefore: at(10), attempts: 1 });
    expect(state.run).toMatchObject({ status: 'lost', endedAt: NOW });
    expect(state.events[0]?.body).toMatchObject({ kind: 'run.lost', retryAt: at(10) });
  });
});

describe('a released run', () => {
  it('counts no attempt, keeps the epoch and waits for nobody', () => {
    const { job: next } = after(job(), claim('build'), started, released);
    expect(next).toMatchObject({ stage: 'queued', attempts: 0, epoch: 1 });
    expect(isReady(next)).toBe(true);
    expect(next).not.toHaveProperty('notBefore');
  });
});

describe('a checkpoint', () => {
  const { checkpointed } = REPORTS;
  const kept = (): State => after(job(), claim('build'), started, checkpointed);

  it.each([
    ['gives it back', report(1, released)],
    ['is lost', lose(1)],
    ['is paused', pause],
    ['runs out of time', report(1, { ...failed, reason: 'timeout' })],
  ])('of a run that %s is there for the next one', (_, command) => {
    const state = accept(kept(), command);
    const free = state.job.hold === undefined ? state : accept(state, resume);
    expect(accept(free, claim('build', 'linux-2'), at(3600)).job.checkpoint).toEqual(checkpointed.checkpoint);
  });

  it.each([
    ['has a result', report(1, finished)],
    ['is cancelled', cancel],
  ])('goes when the job %s', (_, command) => {
    expect(accept(kept(), command).job).not.toHaveProperty('checkpoint');
  });

  it('goes with the last attempt', () => {
    const state = after(job({ retry: { max: 0 } }), claim('build'), started, checkpointed, failed);
    expect(state.job.stage).toBe('dead_letter');
    expect(state.job).not.toHaveProperty('checkpoint');
  });

  it('of a stale epoch is refused', () => {
    const { job: next } = accept(kept(), lose(1));
    expect(decide(next, kept().run, report(1, checkpointed), NOW)).toMatchObject({ code: 'stale-epoch' });
  });

  it.each([
    ['another job', `refs/aq/checkpoint/${jobId(2)}/1`],
    ['another epoch', `refs/aq/checkpoint/${jobId(1)}/2`],
    ['a branch', 'refs/heads/main'],
  ])('at the place of %s is refused', (_, ref) => {
    const { job: building, run } = after(job(), claim('build'), started);
    const elsewhere = { ...checkpointed, checkpoint: { ...checkpointed.checkpoint, ref } };
    expect(decide(building, run, report(1, elsewhere), NOW)).toMatchObject({
      kind: 'rejected',
      code: 'illegal-transition',
      message: expect.stringContaining(`lies at refs/aq/checkpoint/${jobId(1)}/1`) as unknown,
    });
  });
});

describe('shipping', () => {
  it('is one step from review where there is no verify command: the person is the gate', () => {
    const { job: next, events } = accept(after(job({ verify: undefined }), ...BUILD), ship);
    expect(next).toMatchObject({ stage: 'testing', landing: { requestedBy: OPERATOR } });
    expect(events).toMatchObject([{ from: 'review', stage: 'testing', body: { kind: 'ship.requested' } }]);
    expect(isReady(next) && nextRunKind(next)).toBe('land');
  });

  it('ends with the merge', () => {
    const { job: next, run } = after(job(), ...LAND, started, landed);
    expect(next).toMatchObject({ stage: 'shipped', mergeCommit: 'feed' });
    expect(next).not.toHaveProperty('holder');
    expect(next).not.toHaveProperty('landing');
    expect(run).toMatchObject({ kind: 'land', status: 'succeeded' });
  });

  it('that meets a conflict goes back to review with the reason', () => {
    const state = accept(after(job(), ...LAND, started), report(2, conflict));
    expect(state.job).toMatchObject({
      stage: 'review',
      failure: { reason: 'merge_conflict', message: 'src/a.js' },
    });
    expect(state.job).not.toHaveProperty('landing');
    expect(state.events[0]?.body).toMatchObject({ kind: 'ship.refused', message: 'src/a.js' });
  });

  it.each([
    ['lost', lose(2)],
    ['given back', report(2, released)],
  ])('that was %s is ready again at once', (_, command) => {
    const { job: next } = accept(after(job(), ...LAND, started), command);
    expect(next.stage).toBe('testing');
    expect(isReady(next)).toBe(true);
  });
});

describe('a person', () => {
  it('who cancels a running job fences its worker off', () => {
    const state = accept(after(job(), claim('build'), started), cancel);
    expect(state.job).toMatchObject({ stage: 'failed', failure: { reason: 'cancelled' } });
    expect(state.run).toMatchObject({ status: 'failed', failure: { reason: 'cancelled' } });
    expect(decide(state.job, state.run, report(1, finished), NOW)).toMatchObject({ code: 'stale-epoch' });
  });

  it('who requeues gives the job a fresh start under the same epochs', () => {
    const state = accept(after(noRetry, claim('build'), failed), requeue);
    expect(state.job).toMatchObject({ stage: 'queued', attempts: 0, epoch: 1 });
    expect(accept(state, claim('build')).job.epoch).toBe(2);
  });
});
