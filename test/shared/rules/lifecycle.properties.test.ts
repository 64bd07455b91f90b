import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '../../../shared/contract/api.js';
import { FAILURE_REASONS, JobSchema, RunSchema } from '../../../shared/contract/job.js';
import type { Job, Run, Stage } from '../../../shared/contract/job.js';
import { openApprovals } from '../../../shared/rules/gates.js';
import { decide } from '../../../shared/rules/lifecycle.js';
import type { Accepted, Command, EventDraft } from '../../../shared/rules/lifecycle.js';
import { addUsage, NO_USAGE, spendOf } from '../../../shared/rules/spend.js';
import { isEnded, isInFlight, isReady } from '../../../shared/rules/stages.js';
import {
  REPORTS,
  USAGE,
  approve,
  at,
  cancel,
  claim,
  hold,
  job,
  lose,
  pause,
  promote,
  reject,
  report,
  requeue,
  resume,
  ship,
} from './fixtures.js';

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
    { weight: 1, arbitrary: fc.constantFrom<Command>(ship, ship, cancel, requeue, approve, reject) },
    { weight: 1, arbitrary: fc.constantFrom<Command>(promote, hold, pause, resume, resume) },
    { weight: 1, arbitrary: epochs.map((epoch) => lose(epoch)) },
  ),
  { maxLength: 40 },
);
const manifests = fc.record({
  verify: fc.constantFrom('npm test', undefined),
  'review-policy': fc.constantFrom('manual' as const, 'auto' as const, { reviewers: ['@bob'] }),
  retry: fc.record({
    max: fc.integer({ min: 0, max: 2 }),
    on: fc.subarray(['timeout', 'verify_failed', 'engine_failed', 'lost'] as const),
  }),
});

/** The command that a step stands for, given the job as it is. */
function commandOf(step: Step, { epoch, holder }: Job): Command {
  if (!('how' in step)) return step;
  return step.how === 'current'
    ? report(Math.max(1, epoch), step.report, holder ?? step.factoryId)
    : report(step.epoch, step.report, step.factoryId);
}

/** The names of the promises that an accepted command broke. */
function brokenBy(before: Job, command: Command, { job: next, events }: Accepted, runs: Run[]): string[] {
  let stage = before.stage;
  const linked = events.every((event) => {
    const follows = (event.from ?? event.stage) === stage;
    stage = event.stage;
    return follows;
  });
  const open = runs.filter((run) => run.endedAt === undefined);
  const holder = open.length === 1 && open[0]?.factoryId === next.holder && open[0]?.epoch === next.epoch;
  const isTold = command.kind === 'report' && events.length > 0;
  const promises: Record<string, boolean> = {
    'nothing changes without an event': events.length > 0 || next === before,
    'each event starts where the one before it ended': linked && stage === next.stage,
    'stages follow each other as drawn': stage === before.stage || EDGES[before.stage].includes(stage),
    'only the holder moves a job by a report':
      !isTold || (command.epoch === before.epoch && command.factoryId === before.holder),
    'epochs grow by one with each claim': next.epoch === before.epoch + (command.kind === 'claim' ? 1 : 0),
    'there is one open run, that of the holder': isInFlight(next) ? holder : open.length === 0,
    'what has ended is neither held nor ready': !isEnded(next.stage) || (!isInFlight(next) && !isReady(next)),
    'what is on hold is neither claimed nor shipped':
      before.hold === undefined || !['claim', 'ship'].includes(command.kind),
    'nothing ships without the approvals that it needs':
      command.kind !== 'ship' || openApprovals(before) === 0,
    'attempts are bounded': next.attempts <= next.manifest.retry.max + 1,
    'documents fit the contract':
      JobSchema.safeParse(next).success && runs.every((run) => RunSchema.safeParse(run).success),
  };
  return Object.keys(promises).filter((name) => promises[name] !== true);
}

/** What the events say was spent is what the job says, and no epoch says it twice. */
function isSpentOnce(final: Job, log: readonly EventDraft[]): boolean {
  const spent = log.filter((event) => spendOf(event) !== undefined);
  const total = spent.reduce((sum) => addUsage(sum, USAGE), NO_USAGE);
  const told = spent.map(({ body }) => ('epoch' in body ? body.epoch : 0));
  return new Set(told).size === told.length && isDeepStrictEqual(final.usage, total);
}

describe('whatever is told to a job, in whatever order', () => {
  it('keeps its promises', () => {
    fc.assert(
      fc.property(manifests, steps, (fields, told) => {
        let current = job({ ...fields, retry: { ...fields.retry, on: [...fields.retry.on] } });
        const runs = new Map<number, Run>();
        const log: EventDraft[] = [];
        for (const [tick, step] of told.entries()) {
          const before = current;
          const command = commandOf(step, before);
          const epoch = 'epoch' in command ? command.epoch : before.epoch;
          const decision = decide(before, runs.get(epoch), command, at(tick));
          if (decision.kind === 'rejected') continue;
          current = decision.job;
          if (decision.run !== undefined) runs.set(decision.run.epoch, decision.run);
          log.push(...decision.events);
          expect(brokenBy(before, command, decision, [...runs.values()])).toEqual([]);
        }
        expect(isSpentOnce(current, log)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
