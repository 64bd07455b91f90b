import { describe, expect, it } from 'vitest';
import { PRIORITIES } from '../../../shared/contract/manifest.js';
import { decide } from '../../../shared/rules/lifecycle.js';
import { SLA_SECONDS, slaOf } from '../../../shared/rules/sla.js';
import { REPORTS, accept, after, at, claim, hold, job, jobId, ship } from './fixtures.js';

const { started, finished, passed, landed } = REPORTS;
const TESTED = [claim('build'), started, finished, passed] as const;

describe('the time that a job may take', () => {
  it('runs for a factory, for the run, and for a person, each by its priority', () => {
    const urgent = job({ priority: 'critical' });
    expect(slaOf(urgent, at(10))).toEqual({ phase: 'start', dueAt: at(300), breached: false });
    expect(slaOf(after(urgent, claim('build')).job, at(10))).toMatchObject({ phase: 'run', dueAt: at(3600) });
    expect(slaOf(after(urgent, ...TESTED).job, at(10))).toMatchObject({ phase: 'decide', dueAt: at(3600) });
    expect(slaOf(after(urgent, ...TESTED, ship).job, at(10))).toMatchObject({
      phase: 'start',
      dueAt: at(300),
    });
  });

  it('is over a moment after it is due', () => {
    const urgent = job({ priority: 'critical' });
    expect(slaOf(urgent, at(300))?.breached).toBe(false);
    expect(slaOf(urgent, at(301))?.breached).toBe(true);
  });

  it('stands still for what is on hold, waits for others, or has ended', () => {
    expect(slaOf(after(job(), hold).job, at(1))).toBeUndefined();
    expect(slaOf({ ...job(), waitsFor: [jobId(2)] }, at(1))).toBeUndefined();
    expect(slaOf(after(job(), ...TESTED, ship, claim('land'), started, landed).job, at(1))).toBeUndefined();
  });

  it('is told once a phase: a second time changes nothing, and the next phase has a clock of its own', () => {
    const breach = { kind: 'breach', actor: { kind: 'system', id: 'sla' } } as const;
    const urgent = job({ priority: 'critical' });
    expect(urgent.sla).toEqual({ phase: 'start', dueAt: at(300), breached: false });
    expect(decide(urgent, undefined, breach, at(300))).toMatchObject({ kind: 'rejected', legal: [] });

    const late = accept({ job: urgent, run: undefined }, breach, at(301));
    expect(late.events).toMatchObject([{ body: { kind: 'sla.breached', phase: 'start', dueAt: at(300) } }]);
    expect(late.job.sla?.breached).toBe(true);
    expect(accept(late, breach, at(400)).events).toEqual([]);

    const taken = accept(late, claim('build'), at(500));
    expect(taken.job.sla).toEqual({ phase: 'run', dueAt: at(500 + 3600), breached: false });
    const held = accept(late, hold, at(600));
    expect(held.job).not.toHaveProperty('sla');
  });

  it('grows as the priority falls', () => {
    for (const phase of ['start', 'run', 'decide'] as const) {
      const times = PRIORITIES.map((priority) => SLA_SECONDS[priority][phase]);
      expect(times).toEqual(times.toSorted((one, other) => one - other));
    }
  });
});
