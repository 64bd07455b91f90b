/**
 * The lifecycle of a job: the one table of what is legal when, and the pure function that every write to a job goes
 * through. Nothing else sets a stage.
 */
import { assertExhaustive } from '../errors.js';
import type { RunReport } from '../contract/api.js';
import { checkpointRef } from '../contract/job.js';
import type { Actor, Job, Run, Stage } from '../contract/job.js';
import { draft, enter, omit } from './decision.js';
import type { Command, CommandOf, Decision, Rejected } from './decision.js';
import { laneOf } from './lanes.js';
import { loseRun } from './failure.js';
import { approvalGate, hasApproved, reviewGate, scopeGate, shipGate } from './gates.js';
import * as composite from './composite.js';
import * as person from './personCommands.js';
import { applyReport, isRepeat } from './report.js';
import { isTold, slaOf, withSla } from './sla.js';
import { isInFlight, isLanding, isParked, isReady, isVerified, nextRunKind } from './stages.js';

export type { Accepted, Command, Decision, EventDraft, Rejected } from './decision.js';
export { newJob } from './newJob.js';

/** Commands by name; a report counts by its own kind. */
export type Move = Exclude<Command['kind'], 'report'> | RunReport['kind'];

/** Stage × command. What depends on more than the stage (who holds it, is it landing) stands in `obstacle`. */
export const LEGAL: Record<Stage, readonly Move[]> = {
  queued: ['claim', 'breach', 'reroute', 'unblock', 'adopt', 'settle', 'cancel', 'hold', 'resume'],
  assigned: ['breach', 'started', 'failed', 'released', 'lose', 'cancel', 'pause'],
  building: [
    'breach',
    'checkpointed',
    'finished',
    'planned',
    'failed',
    'released',
    'lose',
    'cancel',
    'pause',
  ],
  // Verify runs here while a factory holds the job; afterwards it waits for a person.
  review: [
    ...([
      'breach',
      'verified',
      'failed',
      'released',
      'lose',
      'ship',
      'approve',
      'reject',
      'promote',
    ] as const),
    ...(['override', 'cancel', 'requeue', 'hold', 'pause', 'resume'] as const),
  ],
  // From ship until the merge a factory claims it once more, to land it.
  testing: [
    ...([
      'breach',
      'claim',
      'started',
      'failed',
      'released',
      'landed',
      'lose',
      'ship',
      'approve',
      'reject',
    ] as const),
    ...(['override', 'cancel', 'hold', 'pause', 'resume'] as const),
  ],
  shipped: [],
  failed: ['requeue'],
  dead_letter: ['requeue'],
};

/** What people may ask for; the role that each takes stands with its route (`<command>Job`). */
export const COMMANDS_OF_PEOPLE = [
  'ship',
  'approve',
  'reject',
  'promote',
  'override',
  'cancel',
  'requeue',
  'hold',
  'pause',
  'resume',
] as const satisfies readonly Move[];
export type PersonCommand = (typeof COMMANDS_OF_PEOPLE)[number];
const MOVES_OF_FACTORIES: readonly Move[] = [
  'started',
  'checkpointed',
  'finished',
  'verified',
  'planned',
  'failed',
  'released',
  'landed',
];

const OF_THE_SYSTEM: readonly Move[] = ['claim', 'reroute', 'lose', 'unblock', 'settle', 'breach'];

/** The id of a run's document; sorts as the epochs do. */
export const runId = (epoch: number): string => `run:${String(epoch).padStart(8, '0')}`;

/**
 * Why the move is not legal now; undefined when it is.
 * @param actor who asks, where that matters; left out, somebody with every right
 */
function obstacle(job: Job, move: Move, actor?: Actor): string | undefined {
  if (move === 'adopt' && job.manifest.kind !== 'composite')
    return 'it is not a composite; submit a job with `kind: composite` and give it the children';
  if (!LEGAL[job.stage].includes(move))
    return move === 'adopt' ? noMoreChildren(job) : `a job in ${job.stage} does not allow ${move}`;
  switch (move) {
    case 'claim':
      if (isReady(job)) return undefined;
      if (isInFlight(job)) return `${job.holder} holds it`;
      if (job.children !== undefined) return 'it waits for its children';
      return held(job) ?? waiting(job) ?? 'nobody has said ship';
    case 'ship':
      if (isLanding(job)) return held(job);
      return inFlight(job) ?? held(job) ?? shipGate(job);
    case 'approve':
      return isLanding(job) ? 'it is being shipped already' : (inFlight(job) ?? approvalGate(job, actor));
    case 'reject':
      return isParked(job) ? undefined : (inFlight(job) ?? 'it is being shipped already');
    case 'promote':
      if (isParked(job) && isVerified(job)) return held(job);
      return inFlight(job) ?? 'its verify command has not passed';
    case 'override':
      if (!isParked(job)) return inFlight(job) ?? 'it is being shipped already';
      return scopeGate(job) === undefined ? 'its change has not left its scope' : undefined;
    case 'hold':
      return inFlight(job) ?? held(job);
    case 'adopt':
      return inFlight(job);
    case 'settle':
      return (job.children?.count ?? 0) > 0 ? undefined : 'it has no children';
    case 'reroute':
      return isInFlight(job) ? `${job.holder} holds it` : undefined;
    case 'unblock':
      return job.waitsFor === undefined ? 'it waits for no other job' : undefined;
    case 'resume':
      return job.hold === undefined ? 'it is not on hold' : undefined;
    case 'finished':
    case 'planned':
      if ((move === 'planned') !== (job.manifest.kind === 'composite'))
        return `a ${job.manifest.kind} job does not end a run with ${move}`;
      return isInFlight(job) ? undefined : 'nobody holds it';
    case 'started':
    case 'checkpointed':
    case 'verified':
    case 'failed':
    case 'released':
    case 'landed':
    case 'lose':
    case 'pause':
      return isInFlight(job) ? undefined : 'nobody holds it';
    case 'breach':
    case 'cancel':
    case 'requeue':
      return undefined;
    default:
      return assertExhaustive(move);
  }
}

const held = ({ hold }: Job): string | undefined => hold && `${hold.by.id} put it on hold: ${hold.reason}`;

/** Children come while their parent is queued. */
const noMoreChildren = ({ stage, holder }: Job): string => {
  if (holder !== undefined) return `${holder} works on it; wait for the end of its run`;
  return stage === 'failed' || stage === 'dead_letter'
    ? `it is in ${stage}; requeue it first`
    : `it is in ${stage}; submit another composite for what is to be done now`;
};

const waiting = ({ waitsFor }: Job): string | undefined => waitsFor && `it waits for ${waitsFor.join(', ')}`;

const inFlight = (job: Job): string | undefined => {
  if (!isInFlight(job)) return undefined;
  return job.stage === 'review' ? 'its verify command is still running' : `${job.holder} works on it`;
};

const legalAmong = <M extends Move>(job: Job, moves: readonly M[], actor?: Actor): M[] =>
  moves.filter((move) => obstacle(job, move, actor) === undefined);

/**
 * What people may do with the job now, whatever their role; a second ship or approval is accepted, and not worth
 * offering.
 * @param actor for one person
 */
export const legalCommands = (job: Job, actor?: Actor): PersonCommand[] =>
  legalAmong(job, COMMANDS_OF_PEOPLE, actor).filter((move) => {
    if (move === 'ship') return !isLanding(job);
    return move !== 'approve' || actor === undefined || !hasApproved(job, actor);
  });

const isOfPeople = (move: Move): move is PersonCommand => COMMANDS_OF_PEOPLE.some((one) => one === move);

const stale = (message: string): Rejected => ({ kind: 'rejected', code: 'stale-epoch', message, legal: [] });

function illegal(job: Job, move: Move, why: string, actor?: Actor): Rejected {
  const legal =
    isOfPeople(move) || move === 'adopt'
      ? legalAmong(job, COMMANDS_OF_PEOPLE, actor)
      : legalForFactories(job, move);
  return {
    kind: 'rejected',
    code: 'illegal-transition',
    message: `cannot ${move === 'adopt' ? 'add children to' : move} ${job.jobId}: ${why}`,
    legal,
  };
}

const legalForFactories = (job: Job, move: Move): Move[] =>
  OF_THE_SYSTEM.includes(move) ? [] : legalAmong(job, MOVES_OF_FACTORIES);

/** Why the job takes no children now; undefined when it does. Asked before a plan is read. */
export function refusesChildren(job: Job): Rejected | undefined {
  const why = obstacle(job, 'adopt');
  return why === undefined ? undefined : illegal(job, 'adopt', why);
}

/**
 * What a command does to a job.
 * @param run the run that the command is about: that of the report's epoch, else that of the job's epoch if there is one
 * @param now ISO time
 */
export function decide(job: Job, run: Run | undefined, command: Command, now: string): Decision {
  const decision = decideOn(job, run, command, now);
  if (decision.kind === 'rejected' || decision.events.length === 0) return decision;
  return { ...decision, job: withSla(decision.job, now) };
}

function decideOn(job: Job, run: Run | undefined, command: Command, now: string): Decision {
  if (command.kind === 'report') return decideReport(job, run, command, now);
  if (command.kind === 'lose' && (command.epoch !== job.epoch || !isInFlight(job)))
    return stale(`epoch ${command.epoch} of ${job.jobId} is over already`);
  const why =
    obstacle(job, command.kind, command.actor) ??
    (command.kind === 'approve' ? reviewGate(job, command.review) : undefined);
  if (why !== undefined) return illegal(job, command.kind, why, command.actor);
  const current = run?.epoch === job.epoch && isInFlight(job) ? run : undefined;
  switch (command.kind) {
    case 'claim':
      return claim(job, command, now);
    case 'lose':
      if (current === undefined) return stale(`${job.jobId} has no run of epoch ${command.epoch}`);
      return loseRun(job, current, command.message, command.actor, now);
    case 'reroute':
      return reroute(job, command, now);
    case 'unblock':
      return unblock(job, command, now);
    case 'breach':
      return breach(job, command, now);
    case 'adopt':
      return composite.hasOthersSince(job, command.intent)
        ? illegal(job, 'adopt', 'it got other children at the same moment; send the plan again')
        : composite.adopt(job, command, now);
    case 'settle':
      return composite.settle(job, command, now);
    case 'ship':
      return person.land(job, command.actor, now);
    case 'approve':
      return person.approve(job, command, now);
    case 'reject':
      return person.reject(job, command, now);
    case 'promote':
      return person.promote(job, command, now);
    case 'cancel':
      return person.cancel(job, current, command, now);
    case 'requeue':
      return person.requeue(job, current, command, now);
    case 'override':
      return person.override(job, command, now);
    case 'hold':
      return person.hold(job, command, now);
    case 'pause':
      if (current === undefined) return stale(`${job.jobId} has no run of epoch ${job.epoch}`);
      return person.pause(job, current, command, now);
    case 'resume':
      return person.resume(job, command, now);
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
  return applyReport(job, own, command, now);
}

/** Within one stage a landing has an order of its own: started once, and only then landed. */
function outOfOrder(run: Run, report: RunReport): string | undefined {
  if (report.kind === 'started' && run.status !== 'assigned') return 'the run has started already';
  if (report.kind === 'checkpointed' && report.checkpoint.ref !== checkpointRef(run.jobId, run.epoch))
    return `a checkpoint of this run lies at ${checkpointRef(run.jobId, run.epoch)}`;
  if (report.kind === 'landed' && run.status !== 'running') return 'the run has not started';
  return undefined;
}

function claim(job: Job, command: CommandOf<'claim'>, now: string): Decision {
  if (command.run !== nextRunKind(job))
    return illegal(job, 'claim', `its next run is to ${nextRunKind(job)}, not to ${command.run}`);
  const epoch = job.epoch + 1;
  const { actor, factoryId, pool, engine, decision } = command;
  const taken: Job = { ...omit(job, 'notBefore'), epoch, holder: factoryId };
  const next: Job =
    command.run === 'land'
      ? taken
      : {
          // What an earlier attempt left behind belongs to that attempt's run.
          ...enter(omit(taken, 'change', 'verify', 'failure', 'approvals', 'override'), 'assigned', now),
          attempts: job.attempts + 1,
          ...(command.profile !== undefined && { profile: command.profile }),
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
    ...(command.direct && command.run === 'build' && { push: 'direct' }),
    status: 'assigned',
    startedAt: now,
  };
  const body = { kind: 'job.assigned', epoch, run: run.kind, factoryId, pool, decision } as const;
  return { kind: 'accepted', job: next, run, events: [draft(body, actor, now, job, next)] };
}

/** Its waiting goes on from where it was: another lane is no new job. */
function reroute(
  job: Job,
  { actor, profile, engine, requirements }: CommandOf<'reroute'>,
  now: string,
): Decision {
  const plans = job.manifest.kind === 'composite' && profile.spec.produces === 'plan';
  const children =
    job.manifest.kind === 'leaf' || plans ? job.children : (job.children ?? composite.noChildren());
  const next: Job = {
    ...omit(job, 'engine', 'children'),
    profile,
    requirements,
    lane: laneOf(requirements),
    ...(engine !== undefined && { engine }),
    ...(children !== undefined && { children }),
  };
  const body = {
    kind: 'job.rerouted',
    profile: profile.name,
    version: profile.version,
    requirements,
  } as const;
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}

function unblock(job: Job, { actor }: CommandOf<'unblock'>, now: string): Decision {
  // It is ready from now on: the time that it waited for others is no waiting for a factory.
  const next: Job = { ...omit(job, 'waitsFor'), stageSince: now };
  return { kind: 'accepted', job: next, events: [draft({ kind: 'deps.met' }, actor, now, job, next)] };
}

/** Told once a phase: after that the clock stands until the job goes on. */
function breach(job: Job, { actor }: CommandOf<'breach'>, now: string): Decision {
  const late = slaOf(job, now);
  if (late?.breached !== true) return illegal(job, 'breach', 'it is not late');
  if (isTold(job, late)) return { kind: 'accepted', job, events: [] };
  const { phase, dueAt } = late;
  const body = { kind: 'sla.breached', phase, priority: job.manifest.priority, dueAt } as const;
  const next: Job = { ...job, sla: late };
  return { kind: 'accepted', job: next, events: [draft(body, actor, now, job, next)] };
}
