import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../shared/contract/api.js';
import { STAGES } from '../../../shared/contract/job.js';
import { omit } from '../../../shared/rules/decision.js';
import { LEGAL, decide, legalCommands } from '../../../shared/rules/lifecycle.js';
import type { Command } from '../../../shared/rules/lifecycle.js';
import {
  NOW,
  PLANNED,
  REPORTS,
  REVIEWER,
  adopt,
  after,
  approve,
  at,
  cancel,
  claim,
  hold,
  job,
  jobId,
  lose,
  override,
  pause,
  promote,
  reject,
  report,
  requeue,
  resume,
  settle,
  ship,
  unblock,
} from './fixtures.js';
import type { State } from './fixtures.js';

const { started, finished, passed, broken, failed, conflict, released, landed } = REPORTS;
const BUILD = [claim('build'), started, finished] as const;
const LAND = [...BUILD, passed, ship, claim('land')] as const;
const reviewed = job({ 'review-policy': { reviewers: ['@bob'] } });
const blocked = { ...job(), deps: [{ jobId: jobId(2), until: 'shipped' as const }], waitsFor: [jobId(2)] };
const composite = job({ kind: 'composite' });
/** Its profile produces plans: it has no children before its run. */
const planner = omit(composite, 'children');
const noRetry = job({ retry: { max: 0 } });

/** Every situation that a job can be in, reached by commands alone. */
const SITUATIONS: Record<string, State> = {
  queued: after(job()),
  assigned: after(job(), claim('build')),
  building: after(job(), claim('build'), started),
  verifying: after(job(), ...BUILD),
  parked: after(job({ verify: undefined }), ...BUILD),
  testing: after(job(), ...BUILD, passed),
  shipping: after(job(), ...BUILD, passed, ship),
  claimed: after(job(), ...LAND),
  landing: after(job(), ...LAND, started),
  held: after(job(), hold),
  paused: after(job(), claim('build'), started, pause),
  blocked: after(blocked),
  guarded: after(reviewed, ...BUILD, passed),
  approved: after(reviewed, ...BUILD, passed, approve),
  kept: after(job(), ...BUILD, passed, hold),
  delayed: after(job(), ...BUILD, passed, ship, hold),
  conflict: after(job(), ...LAND, started, conflict),
  shipped: after(job(), ...LAND, started, landed),
  failed: after(job(), ...BUILD, broken),
  dead: after(noRetry, claim('build'), failed),
  outside: after(
    job(),
    claim('build'),
    started,
    {
      ...finished,
      change: {
        ...finished.change,
        scope: { allowed: ['src/**'], outside: ['ci.yml'], shared: [], gates: [] },
      },
    },
    passed,
  ),
  childless: after(composite),
  parent: after(composite, adopt),
  whole: after(composite, adopt, settle()),
  torn: after(composite, adopt, settle(jobId(2))),
  retried: after(composite, adopt, settle(jobId(2)), requeue),
  unplanned: after(planner),
  planning: after(planner, claim('plan'), started),
  planned: after(planner, claim('plan'), started, PLANNED),
  planless: after(planner, claim('plan'), started, failed),
};

/** In this order: the stage that follows · `-` illegal · `x` stale · `=` accepted before, nothing changes. */
const MOVES: Record<string, (state: State) => Command> = {
  build: () => claim('build'),
  land: () => claim('land'),
  started: told(started),
  finished: told(finished),
  passed: told(passed),
  broken: told(broken),
  failed: told(failed),
  released: told(released),
  landed: told(landed),
  lose: ({ job: { epoch } }) => lose(epoch),
  ship: () => ship,
  cancel: () => cancel,
  requeue: () => requeue,
  approve: () => approve,
  reject: () => reject,
  promote: () => promote,
  hold: () => hold,
  pause: () => pause,
  resume: () => resume,
  unblock: () => unblock,
  override: () => override,
  plan: () => claim('plan'),
  planned: told(PLANNED),
  adopt: () => adopt,
  settle: () => settle(),
  saved: told(REPORTS.checkpointed),
};

function told(what: RunReport): (state: State) => Command {
  return ({ job: { epoch } }) => report(Math.max(1, epoch), what);
}

const TABLE = `
            build    land     started  finished passed   broken   failed   released landed   lose     ship     cancel   requeue  approve  reject   promote  hold     pause    resume   unblock  override plan     planned  adopt    settle   saved
queued      assigned -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        queued   -        -        -        -        -        x        -        -        x
assigned    -        -        building -        -        -        queued   queued   -        queued   -        failed   -        -        -        -        -        queued   -        -        -        -        -        -        -        -
building    -        -        =        review   -        -        queued   queued   -        queued   -        failed   -        -        -        -        -        queued   -        -        -        -        -        -        -        building
verifying   -        -        -        =        testing  failed   queued   queued   -        queued   -        failed   queued   -        -        -        -        queued   -        -        -        -        -        -        -        -
parked      -        -        x        =        x        x        x        x        x        x        testing  failed   queued   -        failed   testing  review   -        -        -        -        -        x        -        -        x
testing     -        -        x        x        =        x        x        x        x        x        testing  failed   -        -        failed   -        testing  -        -        -        -        -        x        -        -        x
shipping    -        testing  x        x        =        x        x        x        x        x        =        failed   -        -        -        -        testing  -        -        -        -        -        x        -        -        x
claimed     -        -        testing  -        -        -        review   testing  -        testing  =        failed   -        -        -        -        -        testing  -        -        -        -        -        -        -        -
landing     -        -        =        -        -        -        review   testing  shipped  testing  =        failed   -        -        -        -        -        testing  -        -        -        -        -        -        -        -
held        -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        -        -        queued   -        -        -        x        -        -        x
paused      -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        -        -        queued   -        -        -        x        -        -        x
blocked     -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        queued   -        -        queued   -        -        x        -        -        x
guarded     -        -        x        x        =        x        x        x        x        x        -        failed   -        testing  failed   -        testing  -        -        -        -        -        x        -        -        x
approved    -        -        x        x        =        x        x        x        x        x        testing  failed   -        =        failed   -        testing  -        -        -        -        -        x        -        -        x
kept        -        -        x        x        =        x        x        x        x        x        -        failed   -        -        failed   -        -        -        testing  -        -        -        x        -        -        x
delayed     -        -        x        x        =        x        x        x        x        x        -        failed   -        -        -        -        -        -        testing  -        -        -        x        -        -        x
conflict    -        -        x        x        x        x        x        x        x        x        testing  failed   queued   -        failed   testing  review   -        -        -        -        -        x        -        -        x
shipped     -        -        x        x        x        x        x        x        =        x        -        -        -        -        -        -        -        -        -        -        -        -        x        -        -        x
failed      -        -        x        x        x        =        x        x        x        x        -        -        queued   -        -        -        -        -        -        -        -        -        x        -        -        x
dead        -        -        x        x        x        x        =        x        x        x        -        -        queued   -        -        -        -        -        -        -        -        -        x        -        -        x
outside     -        -        x        x        =        x        x        x        x        x        -        failed   -        -        failed   -        testing  -        -        -        testing  -        x        -        -        x
childless   -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        queued   -        -        -        -        -        x        queued   -        x
parent      -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        queued   -        -        -        -        -        x        =        shipped  x
whole       -        -        x        x        x        x        x        x        x        x        -        -        -        -        -        -        -        -        -        -        -        -        x        -        -        x
torn        -        -        x        x        x        x        x        x        x        x        -        -        queued   -        -        -        -        -        -        -        -        -        x        -        -        x
retried     -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        queued   -        -        -        -        -        x        =        shipped  x
unplanned   -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        queued   -        -        -        -        assigned x        queued   -        x
planning    -        -        =        -        -        -        queued   queued   -        queued   -        failed   -        -        -        -        -        queued   -        -        -        -        queued   -        -        building
planned     -        -        x        x        x        x        x        x        x        x        -        failed   -        -        -        -        queued   -        -        -        -        -        =        =        shipped  x
planless    -        -        x        x        x        x        =        x        x        x        -        failed   -        -        -        -        queued   -        -        -        -        assigned x        queued   -        x
`;

const [header = '', ...rows] = TABLE.trim().split('\n');
const columns = header.trim().split(/\s+/);
const CASES = rows.flatMap((row) => {
  const [situation = '', ...outcomes] = row.trim().split(/\s+/);
  return columns.map((move, column) => ({ situation, move, outcome: outcomes[column] ?? '' }));
});

function outcomeOf(state: State, command: Command): string {
  const decision = decide(state.job, state.run, command, at(5));
  if (decision.kind === 'rejected') return decision.code === 'stale-epoch' ? 'x' : '-';
  if (decision.events.length > 0) return decision.job.stage;
  expect(decision.job).toBe(state.job);
  expect(decision.run).toBeUndefined();
  return '=';
}

describe('the lifecycle table', () => {
  it('knows every situation and every move', () => {
    expect(columns).toEqual(Object.keys(MOVES));
    expect(rows.map((row) => row.split(' ')[0])).toEqual(Object.keys(SITUATIONS));
    expect(new Set(Object.values(SITUATIONS).map((state) => state.job.stage))).toEqual(new Set(STAGES));
  });

  it.each(CASES)('$situation × $move → $outcome', ({ situation, move, outcome }) => {
    const state = SITUATIONS[situation] ?? after(job());
    expect(outcomeOf(state, MOVES[move]?.(state) ?? ship)).toBe(outcome);
  });

  it('names what is legal instead', () => {
    const { job: testing } = after(job(), ...BUILD, passed);
    expect(decide(testing, undefined, requeue, NOW)).toMatchObject({
      kind: 'rejected',
      code: 'illegal-transition',
      legal: ['ship', 'reject', 'cancel', 'hold'],
    });
    const { job: building, run } = after(job(), claim('build'), started);
    expect(decide(building, run, report(1, passed), NOW)).toMatchObject({
      code: 'illegal-transition',
      legal: ['checkpointed', 'finished', 'failed', 'released'],
    });
  });

  it('offers people exactly the commands that would change something', () => {
    for (const { job: one, run } of Object.values(SITUATIONS)) {
      const all = [ship, approve, reject, promote, override, cancel, requeue, hold, pause, resume];
      const useful = all.filter((command) => {
        const decision = decide(one, run, command, NOW);
        return decision.kind === 'accepted' && decision.events.length > 0;
      });
      expect(legalCommands(one, REVIEWER)).toEqual(useful.map((command) => command.kind));
    }
  });

  it('lets nothing follow on shipped', () => {
    expect(LEGAL.shipped).toEqual([]);
  });
});
