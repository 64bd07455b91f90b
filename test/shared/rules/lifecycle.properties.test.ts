import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../shared/contract/api.js';
import { FAILURE_REASONS, JobSchema, RunSchema } from '../../../shared/contract/job.js';
import type { Run, Stage } from '../../../shared/contract/job.js';
import { decide } from '../../../shared/rules/lifecycle.js';
import type { Command, EventDraft } from '../../../shared/rules/lifecycle.js';
import { addUsage, NO_USAGE, spendOf } from '../../../shared/rules/spend.js';
import { isEnded, isInFlight, isReady } from '../../../shared/rules/stages.js';
import { REPORTS, USAGE, at, cancel, claim, job, lose, report, requeue, ship } from './fixtures.js';

/** The stages that may follow each other, written down a second time on purpose. */
const EDGES: Record<Stage, readonly Stage[]> = {
  queued: ['assigned', 'failed'],
  assigned: ['building', 'queued', 'failed', 'dead_letter'],
  building: ['review', 'queued', 'failed', 'dead_letter'],
  review: ['testing', 'queued', 'failed', 'dead_letter'],
  testing: ['shipped', 'review', 'failed'],
  shipped: [],
  failed: ['queued'],
  dead_letter: ['queued'],
};

const FACTORIES = ['linux-1', 'linux-2'] as const;
const epochs = fc.integer({ min: 1, max: 4 });
const reports: fc.Arbitrary<RunReport> = fc.oneof(
  fc.constantFrom<RunReport>(...Object.values(REPORTS)),
  fc.record({
    kind: fc.constant('failed' as const),
    reason: fc.constantFrom(...FAILURE_REASONS),
    message: fc.constant('no'),
    exitCode: fc.constant(null),
    usage: fc.constant(USAGE),
  }),
);
/** The likely epoch is that of the job; the fixed one is often stale. */
type Step = { how: 'current' | 'fixed'; epoch: number; factoryId: string; report: RunReport } | Command;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        how: fc.constantFrom('current' as const, 'current' as const, 'fixed' as const),
        epoch: epochs,
        factoryId: fc.constantFrom(...FACTORIES),
        report: reports,
      }),
    },
    { weight: 2, arbitrary: fc.constantFrom(...FACTORIES).map((id) => claim('build', id)) },
    { weight: 1, arbitrary: fc.constantFrom(...FACTORIES).map((id) => claim('land', id)) },
    { weight: 1, arbitrary: fc.constantFrom<Command>(ship, ship, cancel, requeue) },
    { weight: 1, arbitrary: epochs.map((epoch) => lose(epoch)) },
  ),
  { maxLength: 40 },
);
const manifests = fc.record({
  verify: fc.constantFrom('npm test', undefined),
  retry: fc.record({
    max: fc.integer({ min: 0, max: 2 }),
    on: fc.subarray(['timeout', 'verify_failed', 'engine_failed', 'lost'] as const),
  }),
});

describe('whatever is told to a job, in whatever order', () => {
  it('keeps its promises', () => {
    fc.assert(
      fc.property(manifests, steps, (fields, told) => {
        let current = job({ ...fields, retry: { ...fields.retry, on: [...fields.retry.on] } });
        const runs = new Map<number, Run>();
        const log: EventDraft[] = [];
        for (const [tick, step] of told.entries()) {
          const before = current;
          const command: Command =
            'how' in step
              ? report(
                  step.how === 'current' ? Math.max(1, before.epoch) : step.epoch,
                  step.report,
                  step.how === 'current' ? (before.holder ?? step.factoryId) : step.factoryId,
                )
              : step;
          const epoch = 'epoch' in command ? command.epoch : before.epoch;
          const decision = decide(before, runs.get(epoch), command, at(tick));
          if (decision.kind === 'rejected') continue;
          current = decision.job;
          if (decision.run !== undefined) runs.set(decision.run.epoch, decision.run);
          log.push(...decision.events);

          // Nothing without an event; each event starts where the one before it ended.
          if (decision.events.length === 0) expect(current).toBe(before);
          let stage = before.stage;
          for (const event of decision.events) {
            expect(event.from ?? event.stage).toBe(stage);
            stage = event.stage;
          }
          expect(current.stage).toBe(stage);
          if (stage !== before.stage) expect(EDGES[before.stage]).toContain(stage);
          // The fence: only the holder's own reports move a job that is held.
          if (command.kind === 'report' && decision.events.length > 0)
            expect([command.epoch, command.factoryId]).toEqual([before.epoch, before.holder]);
          // Epochs only grow, one with each claim.
          expect(current.epoch).toBe(before.epoch + (command.kind === 'claim' ? 1 : 0));
          // One open run at most, that of the holder; none without one.
          const open = [...runs.values()].filter((run) => run.endedAt === undefined);
          expect(open.map((run) => [run.epoch, run.factoryId])).toEqual(
            isInFlight(current) ? [[current.epoch, current.holder]] : [],
          );
          if (isEnded(current.stage)) expect(isInFlight(current) || isReady(current)).toBe(false);
          expect(current.attempts).toBeLessThanOrEqual(current.manifest.retry.max + 1);
          JobSchema.parse(current);
          for (const run of runs.values()) RunSchema.parse(run);
        }
        // What the events say was spent is what the job says, and no epoch says it twice.
        const spent = log.filter((event) => spendOf(event) !== undefined);
        const total = spent.reduce((sum) => addUsage(sum, USAGE), NO_USAGE);
        expect(current.usage).toEqual(total);
        const spentEpochs = spent.map(({ body }) => ('epoch' in body ? body.epoch : 0));
        expect(new Set(spentEpochs).size).toBe(spentEpochs.length);
      }),
      { numRuns: 400 },
    );
  });
});
