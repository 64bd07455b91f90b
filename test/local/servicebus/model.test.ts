import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { Engine } from '../../../local/servicebus/engine.js';
import { arbitraryStep, Run } from './model.js';

describe('the engine, held against a naive model', () => {
  it.each([
    ['without sessions', false],
    ['with sessions', true],
  ])('shows the same messages after any steps %s', (_which, hasSessions) => {
    let compared = 0;
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 80, size: 'max' }), (steps) => {
        const run = new Run(hasSessions);
        for (const step of steps) {
          run.step(step);
          run.compare();
          compared++;
        }
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(5_000);
  });

  it.each([
    ['without sessions', false],
    ['with sessions', true],
  ])('is the same after a restart at any point %s, but for the locks', (_which, hasSessions) => {
    const restarted = (run: Run, changes: Iterable<Parameters<Run['changes']['push']>[0]>): unknown[] => {
      const engine = new Engine({ clock: new VirtualClock(run.clock.now()) });
      engine.restore(changes);
      return [...engine.snapshot()];
    };
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 40, size: 'max' }), (steps) => {
        const run = new Run(hasSessions);
        for (const step of steps) {
          run.step(step);
          const now = [...run.engine.snapshot()];
          expect(restarted(run, run.changes)).toEqual(now);
          expect(restarted(run, now)).toEqual(now);
        }
      }),
      { numRuns: 100 },
    );
  });
});
