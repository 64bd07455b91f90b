/** What a factory's report does to its run and job. Stage and fence have been checked before (lifecycle.ts). */
import { assertExhaustive } from '../errors.js';
import type { RunReport } from '../contract/api.js';
import type { Actor, Job, Run } from '../contract/job.js';
import { draft, enter, omit } from './decision.js';
import type { Accepted, CommandOf } from './decision.js';
import { planned } from './composite.js';
import { failRun, releaseRun } from './failure.js';
import { AUTO_SHIP, goesDirectly, PUSH_POLICY, shipsByItself } from './gates.js';
import { land } from './personCommands.js';
import { allowedScopeOf, reviewPolicyOf, verifyOf } from './profile.js';
import { addUsage } from './spend.js';

type ReportOf<K extends RunReport['kind']> = Extract<RunReport, { kind: K }>;

/** Applies a legal report of the current holder. */
export function applyReport(
  job: Job,
  run: Run,
  { report, actor, intent }: CommandOf<'report'>,
  now: string,
): Accepted {
  switch (report.kind) {
    case 'started':
      return started(job, run, report, actor, now);
    case 'checkpointed':
      return checkpointed(job, run, report, actor, now);
    case 'finished':
      return finished(job, run, report, actor, now);
    case 'verified':
      return verified(job, run, report, actor, now);
    case 'failed':
      return failRun(job, run, report, actor, now);
    case 'released':
      return releaseRun(job, run, report.message, actor, now, report.usage);
    case 'planned':
      return planned(job, run, report, intent, actor, now);
    case 'landed':
      return landed(job, run, report, actor, now);
    default:
      return assertExhaustive(report);
  }
}

function started(job: Job, run: Run, report: ReportOf<'started'>, actor: Actor, now: string): Accepted {
  const version = report.engineVersion === undefined ? {} : { engineVersion: report.engineVersion };
  const next = run.kind !== 'land' ? enter(job, 'building', now) : job;
  const body = { epoch: run.epoch, run: run.kind, factoryId: run.factoryId, ...version };
  return {
    kind: 'accepted',
    job: next,
    run: { ...run, status: 'running', ...version },
    events: [draft({ kind: 'run.started', ...body }, actor, now, job, next)],
  };
}

/** The last one counts; what came of the run otherwise is not known yet. */
function checkpointed(
  job: Job,
  run: Run,
  { checkpoint }: ReportOf<'checkpointed'>,
  actor: Actor,
  now: string,
): Accepted {
  const next: Job = { ...job, checkpoint };
  const body = { kind: 'run.checkpointed', epoch: run.epoch, factoryId: run.factoryId, checkpoint } as const;
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}

/** The engine is done. Without a verify command, its own or the repository's, nothing more happens in this run: a person looks at the change. */
function finished(job: Job, run: Run, report: ReportOf<'finished'>, actor: Actor, now: string): Accepted {
  const { change, usage } = report;
  const kept = keptBy(report);
  const over = verifyOf(job) === undefined && report.verify === undefined;
  const told: Job = {
    ...enter(omit(job, 'checkpoint'), 'review', now),
    change,
    usage: addUsage(job.usage, usage),
  };
  const next: Job = over ? omit(told, 'holder') : told;
  const fence = { epoch: run.epoch, factoryId: run.factoryId };
  return {
    kind: 'accepted',
    job: next,
    run: { ...run, change, usage, ...kept, ...(over && { status: 'succeeded', endedAt: now }) },
    events: [draft({ kind: 'run.finished', ...fence, change, usage, ...kept }, actor, now, job, next)],
  };
}

const keptBy = ({ artifacts }: Pick<ReportOf<'verified'>, 'artifacts'>): Pick<Run, 'artifacts'> =>
  artifacts === undefined ? {} : { artifacts };

function verified(job: Job, run: Run, report: ReportOf<'verified'>, actor: Actor, now: string): Accepted {
  const { verify } = report;
  const kept = keptBy(report);
  const fence = { epoch: run.epoch, factoryId: run.factoryId };
  const body = { kind: 'run.verified', ...fence, verify, ...kept } as const;
  if (verify.passed) {
    if (goesDirectly(job, run, { verify, scope: job.change?.scope })) {
      // Held on: it is shipped by this very run, and if that dies by any other.
      const held: Job = { ...enter(job, 'testing', now), verify };
      const shipping = land(held, PUSH_POLICY, now);
      return {
        kind: 'accepted',
        job: shipping.job,
        run: { ...run, verify, ...kept },
        events: [draft(body, actor, now, job, held), ...shipping.events],
      };
    }
    const tested: Job = { ...enter(omit(job, 'holder'), 'testing', now), verify };
    const policy = reviewPolicyOf(job);
    const shipped = shipsByItself({ policy, verify, allowed: allowedScopeOf(job), scope: job.change?.scope })
      ? land(tested, AUTO_SHIP, now)
      : undefined;
    return {
      kind: 'accepted',
      job: shipped?.job ?? tested,
      run: { ...run, verify, ...kept, status: 'succeeded', endedAt: now },
      events: [draft(body, actor, now, job, tested), ...(shipped?.events ?? [])],
    };
  }
  // Two events: what the command said, and what follows from it (a retry and when, or the end).
  const told: Job = { ...job, verify };
  const failure = {
    reason: 'verify_failed',
    message: `verify failed: ${verify.command}`.slice(0, 4000),
    exitCode: verify.exitCode,
  } as const;
  const failed = failRun(told, { ...run, verify, ...kept }, failure, actor, now);
  return { ...failed, events: [draft(body, actor, now, job, told), ...failed.events] };
}

function landed(job: Job, run: Run, report: ReportOf<'landed'>, actor: Actor, now: string): Accepted {
  const { mergeCommit, baseBranch } = report;
  const next: Job = {
    ...enter(omit(job, 'holder', 'landing', 'failure'), 'shipped', now),
    mergeCommit,
  };
  const fence = { epoch: run.epoch, factoryId: run.factoryId };
  return {
    kind: 'accepted',
    job: next,
    run: { ...run, status: 'succeeded', endedAt: now },
    events: [draft({ kind: 'ship.landed', ...fence, mergeCommit, baseBranch }, actor, now, job, next)],
  };
}

/**
 * Did the run take this very report already? Then its acknowledgement was lost on the way, and telling it once more
 * changes nothing. Read from the run, which keeps what it was told.
 */
export function isRepeat(job: Job, run: Run, report: RunReport): boolean {
  const held = job.epoch === run.epoch && job.holder === run.factoryId;
  switch (report.kind) {
    case 'started':
      return (
        held &&
        run.status === 'running' &&
        run.change === undefined &&
        run.engineVersion === report.engineVersion
      );
    case 'checkpointed':
      return held && same(job.checkpoint, report.checkpoint);
    case 'finished':
      return (
        run.verify === undefined &&
        ((held && run.status === 'running') || run.status === 'succeeded') &&
        same(run.change, report.change) &&
        same(run.usage, report.usage)
      );
    case 'verified':
      return (run.endedAt !== undefined || run.push === 'direct') && same(run.verify, report.verify);
    case 'failed':
      return (
        run.status === 'failed' &&
        run.verify === undefined &&
        same(run.failure, { reason: report.reason, message: report.message, exitCode: report.exitCode })
      );
    case 'released':
      return run.status === 'released';
    case 'planned':
      return run.kind === 'plan' && run.status === 'succeeded' && same(run.usage, report.usage);
    case 'landed':
      return run.kind !== 'plan' && run.status === 'succeeded' && job.mergeCommit === report.mergeCommit;
    default:
      return assertExhaustive(report);
  }
}

/** Equal as JSON, whatever the order of the keys: one side has been through the database. */
function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const [left, right] = [Object.entries(one), new Map(Object.entries(other))];
  return left.length === right.size && left.every(([key, value]) => same(value, right.get(key)));
}
