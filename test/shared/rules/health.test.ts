import { describe, expect, it } from 'vitest';
import { healthAfter, outcomeOf } from '../../../shared/rules/health.js';
import { REPORTS } from './fixtures.js';

describe('the health of a factory', () => {
  it('falls with a run that the machine spoilt, and comes back with good ones', () => {
    const fallen = healthAfter(undefined, false);
    expect(fallen).toBe(0.8);
    expect(healthAfter(fallen, false)).toBe(0.64);
    expect(healthAfter(fallen, true)).toBe(0.84);
    let health = fallen;
    for (let run = 0; run < 40; run++) health = healthAfter(health, true);
    expect(health).toBeGreaterThan(0.99);
    expect(healthAfter(1, true)).toBe(1);
  });

  it('is told by engines, timeouts and pre-flights, not by what a change or a person did', () => {
    const failed = (reason: 'timeout' | 'preflight' | 'no_change' | 'merge_conflict') =>
      outcomeOf({ ...REPORTS.failed, reason });
    expect([outcomeOf(REPORTS.failed), failed('timeout'), failed('preflight')]).toEqual([
      false,
      false,
      false,
    ]);
    expect([failed('no_change'), failed('merge_conflict'), outcomeOf(REPORTS.broken)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([outcomeOf(REPORTS.finished), outcomeOf(REPORTS.landed)]).toEqual([true, true]);
  });
});
