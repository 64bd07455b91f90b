/**
 * The lifecycle of a job: the one table of what is legal when, and the pure function that every write to a job goes
 * through. Nothing else sets a stage.
 */
import { assertExhaustive } from '../errors.js';
import type { RunReport } from '../contract/api.js';
import type { Job, Run, Stage } from '../contract/job.js';
import { draft, enter, omit } from './decision.js';
import type { Accepted, Command, CommandOf, Decision, Rejected } from './decision.js';
import { cancelledRun, loseRun } from './failure.js';
import { applyReport, isRepeat } from './report.js';
import { isInFlight, isLanding, isParked, isReady, isVerified, nextRunKind } from './stages.js';

export type { Accepted, Command, Decision, EventDraft, Rejected } from './decision.js';
export { newJob } from './newJob.js';

/** Commands by name; a report counts by its own kind. */
export type Move = Exclude<Command['kind'], 'report'> | RunReport['kind'];

/** Stage × command. What depends on more than the stage (who holds it, is it landing) stands in `obstacle`. */
export const LEGAL: Record<Stage, readonly Move[]> = {
  queued: ['claim', 'cancel'],
  assigned: ['started', 'failed', 'released', 'lose', 'cancel'],
  building: ['finished', 'failed', 'released', 'lose', 'cancel'],
  // Verify runs here while a factory holds the job; afterwards it waits for a person.
  review: ['verified', 'failed', 'released', 'lose', 'ship', 'cancel', 'requeue'],
  // From ship until the merge a factory claims it once more, to land it.
  testing: ['claim', 'started', 'failed', 'released', 'landed', 'lose', 'ship', 'cancel'],
  shipped: [],
  failed: ['requeue'],
  dead_letter: ['requeue'],
};

const MOVES_OF_PEOPLE: readonly Move[] = ['ship', 'cancel', 'requeue'];
const MOVES_OF_FACTORIES: readonly Move[] = [
  'started',
  'finished',
  'verified',
  'failed',
  'released',
  'landed',
];

/** The id of a run's document; sorts as the epochs do. */
export const runId = (epoch: number): string => `run:${String(epoch).padStart(8, '0')}`;

/** Why the move is not legal now; undefined when it is. */
function obstacle(job: Job, move: Move): string | undefined {
  if (!LEGAL[job.stage].includes(move)) return `a job in ${job.stage} does not allow ${move}`;
  switch (move) {
    case 'claim':
      if (isReady(job)) return undefined;
      return isInFlight(job) ? `${job.holder} holds it` : 'nobody has said ship';
    case 'ship':
      if (job.stage === 'testing' || (isParked(job) && isVerified(job))) return undefined;
      return isInFlight(job) ? 'its verify command is still running' : 'its verify command has not passed';
    case 'started':
    case 'finished':
    case 'verified':
    case 'failed':
    case 'released':
    case 'landed':
    case 'lose':
      return isInFlight(job) ? undefined : 'nobody holds it';
    case 'cancel':
    case 'requeue':
      return undefined;
    default:
      return assertExhaustive(move);
  }
}

const legalAmong = (job: Job, moves: readonly Move[]): string[] =>
  moves.filter((move) => obstacle(job, move) === undefined);

/** What people may do with the job now, whatever their role; a second ship is accepted, and not worth offering. */
export const legalCommands = (job: Job): string[] =>
  legalAmong(job, MOVES_OF_PEOPLE).filter((move) => move !== 'ship' || !isLanding(job));

const stale = (message: string): Rejected => ({ kind: 'rejected', code: 'stale-epoch', message, legal: [] });

function illegal(job: Job, move: Move, why: string): Rejected {
  const peers = MOVES_OF_PEOPLE.includes(move) ? MOVES_OF_PEOPLE : MOVES_OF_FACTORIES;
  const legal = move === 'claim' || move === 'lose' ? [] : legalAmong(job, peers);
  return {
    kind: 'rejected',
    code: 'illegal-transition',
    message: `cannot ${move} ${job.jobId}: ${why}`,
    legal,
  };
}

/**
 * What a command does to a job.
 * @param run the run that the command is about: that of the report's epoch, else that of the job's epoch if there is one
 * @param now ISO time
 */
export function decide(job: Job, run: Run | undefined, command: Command, now: string): Decision {
  if (command.kind === 'report') return decideReport(job, run, command, now);
  if (command.kind === 'lose' && (command.epoch !== job.epoch || !isInFlight(job)))
    return stale(`epoch ${command.epoch} of ${job.jobId} is over already`);
  const why = obstacle(job, command.kind);
  if (why !== undefined) return illegal(job, command.kind, why);
  const current = run?.epoch === job.epoch && isInFlight(job) ? run : undefined;
  switch (command.kind) {
    case 'claim':
      return claim(job, command, now);
    case 'lose':
      if (current === undefined) return stale(`${job.jobId} has no run of epoch ${command.epoch}`);
      return loseRun(job, current, command.message, command.actor, now);
    case 'ship':
      return ship(job, command, now);
    case 'cancel':
      return cancel(job, current, command, now);
    case 'requeue':
      return requeue(job, current, command, now);
    default:
      return assertExhaustive(command);
  }
}

function decideReport(job: Job, run: Run | undefined, command: CommandOf<'report'>, now: string): Decision {
  const { epoch, factoryId, report } = command;
  const own = run?.epoch === epoch && run.factoryId === factoryId ? run : undefined;
  if (own !== undefined && isRepeat(job, own, report)) return { kind: 'accepted', job, events: [] };
  if (epoch !== job.epoch || factoryId !== job.holder) {
    const holding = job.holder === undefined ? 'nobody holds it' : `${job.holder} holds it`;
    return stale(
      `${factoryId} reports on epoch ${epoch} of ${job.jobId}; it is at epoch ${job.epoch} and ${holding}`,
    );
  }
  if (own === undefined) return stale(`${job.jobId} has no run of epoch ${epoch} by ${factoryId}`);
  const why = obstacle(job, report.kind) ?? outOfOrder(own, report);
  if (why !== undefined) return illegal(job, report.kind, why);
  return applyReport(job, own, report, command.actor, now);
}

/** Within one stage a landing has an order of its own: started once, and only then landed. */
function outOfOrder(run: Run, report: RunReport): string | undefined {
  if (report.kind === 'started' && run.status !== 'assigned') return 'the run has started already';
  if (report.kind === 'landed' && run.status !== 'running') return 'the run has not started';
  return undefined;
}

function claim(job: Job, command: CommandOf<'claim'>, now: string): Decision {
  if (command.run !== nextRunKind(job))
    return illegal(job, 'claim', `its next run is to ${nextRunKind(job)}, not to ${command.run}`);
  const epoch = job.epoch + 1;
  const { actor, factoryId, pool, engine, decision } = command;
  const held: Job = { ...omit(job, 'notBefore'), epoch, holder: factoryId };
  const next: Job =
    command.run === 'land'
      ? held
      : {
          // What an earlier attempt left behind belongs to that attempt's run.
          ...enter(omit(held, 'change', 'verify', 'failure'), 'assigned', now),
          attempts: job.attempts + 1,
        };
  const run: Run = {
    id: runId(epoch),
    type: 'run',
    productId: job.productId,
    jobId: job.jobId,
    epoch,
    kind: command.run,
    factoryId,
    pool,
    engine,
    status: 'assigned',
    startedAt: now,
  };
  const body = { kind: 'job.assigned', epoch, run: run.kind, factoryId, pool, decision } as const;
  return { kind: 'accepted', job: next, run, events: [draft(body, actor, now, job, next)] };
}

/** From review it goes straight on: without a verify command the person who ships is the gate. */
function ship(job: Job, command: CommandOf<'ship'>, now: string): Accepted {
  if (isLanding(job)) return { kind: 'accepted', job, events: [] };
  const next: Job = {
    ...enter(omit(job, 'failure'), 'testing', now),
    landing: { requestedBy: command.actor, requestedAt: now },
  };
  return {
    kind: 'accepted',
    job: next,
    events: [draft({ kind: 'ship.requested' }, command.actor, now, job, next)],
  };
}

function cancel(job: Job, run: Run | undefined, command: CommandOf<'cancel'>, now: string): Accepted {
  const next: Job = {
    ...enter(omit(job, 'holder', 'landing', 'notBefore'), 'failed', now),
    failure: { reason: 'cancelled', message: command.reason },
  };
  const body = { kind: 'job.cancelled', reason: command.reason } as const;
  return {
    kind: 'accepted',
    job: next,
    ...(run !== undefined && { run: cancelledRun(run, command.reason, now) }),
    events: [draft(body, command.actor, now, job, next)],
  };
}

function requeue(job: Job, run: Run | undefined, command: CommandOf<'requeue'>, now: string): Accepted {
  const next: Job = {
    ...enter(omit(job, 'holder', 'notBefore', 'failure', 'change', 'verify'), 'queued', now),
    attempts: 0,
  };
  const body = { kind: 'job.requeued', reason: command.reason } as const;
  return {
    kind: 'accepted',
    job: next,
    ...(run !== undefined && { run: cancelledRun(run, `requeued: ${command.reason}`, now) }),
    events: [draft(body, command.actor, now, job, next)],
  };
}
