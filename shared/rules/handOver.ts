/**
 * What becomes of a job that a factory worked on in its folder while the control plane was away. One side's work counts
 * and the other's is recorded: the control plane's as soon as any factory had claimed the job there, else the folder's.
 */
import type { HandOver } from '../contract/handOver.js';
import type { Actor, Job, Run } from '../contract/job.js';
import type { Problem } from '../errors.js';
import { draft, omit, type EventDraft } from './decision.js';
import { after } from './leases.js';
import { MAX_BACKOFF_SECONDS } from './retry.js';
import { isInFlight } from './stages.js';

export interface HandOverDecision {
  readonly outcome: 'taken' | 'merged' | 'kept';
  /** Its times lie after now, so the clock of the factory's machine is ahead. */
  readonly isClockAhead: boolean;
  /** Before its new events are sealed. */
  readonly job: Job;
  /** Runs of the folder that count. */
  readonly runs: readonly Run[];
  /** With `taken` they follow the folder's own, which stay as they are. */
  readonly events: readonly EventDraft[];
}

/** Clocks of machines that ask a time server differ by less (s). */
const CLOCK_SKEW_SECONDS = 60;

/** What a build made of the job; everything else is what was asked for. */
const PROGRESS = [
  'stage',
  'stageSince',
  'epoch',
  'attempts',
  'notBefore',
  'change',
  'verify',
  'usage',
  'failure',
  'mergeCommit',
] as const satisfies readonly (keyof Job)[];

/** What follows from the manifest and the key. */
const FIXED = ['productId', 'jobId', 'contentHash', 'title', 'engine', 'requirements', 'lane'] as const;
/** What only the control plane gives a job. */
const ABSENT = [
  'profile',
  'trackerItem',
  'parent',
  'ancestors',
  'children',
  'approvals',
  'override',
] as const satisfies readonly (keyof Job)[];

/**
 * What is wrong with a record besides its chain: a factory may tell what happened, not what was asked for, which follows
 * from the manifest.
 * @param asked the job that the manifest makes
 */
export function handOverProblems(
  { job, runs, events }: Pick<HandOver, 'job' | 'runs' | 'events'>,
  asked: Job,
): Problem[] {
  const { jobId } = job;
  const problems: Problem[] = [];
  const wrong = (path: string, message: string, expected?: string): void => {
    problems.push({ path, message, ...(expected !== undefined && { expected }) });
  };
  for (const name of FIXED)
    if (JSON.stringify(job[name]) !== JSON.stringify(asked[name]))
      wrong(`job.${name}`, 'does not follow from the manifest', JSON.stringify(asked[name]));
  for (const name of ABSENT)
    if (job[name] !== undefined) wrong(`job.${name}`, 'no folder gives a job that', `no ${name}`);
  if (job.manifest.kind === 'composite') wrong('job.manifest.kind', 'no folder has composites', 'leaf');
  if (isInFlight(job)) wrong('job.holder', `${job.holder} holds it`, 'a job that nobody works on');
  if (events[0]?.body.kind !== 'job.submitted') wrong('events.0', 'is not how a job begins', 'job.submitted');
  for (const [at, part] of [...runs.entries(), ...events.entries()])
    if (part.jobId !== jobId || part.productId !== asked.productId)
      wrong(
        `${part.type}s.${at}`,
        `belongs to ${part.productId}/${part.jobId}`,
        `${asked.productId}/${jobId}`,
      );
  if (runs.some(({ epoch }) => epoch > job.epoch)) wrong('runs', 'name an epoch that the job never had');
  return problems;
}

/**
 * @param central the job as the control plane has it; undefined where it never heard of it
 * @param by the factory that hands over
 * @param now ISO time
 */
export function decideHandOver(
  central: Job | undefined,
  { job, runs, events }: Pick<HandOver, 'job' | 'runs' | 'events'>,
  by: Actor,
  now: string,
): HandOverDecision {
  const outcome = central === undefined ? 'taken' : isUntouched(central) && job.epoch > 0 ? 'merged' : 'kept';
  const body = {
    kind: 'job.handed-over',
    outcome,
    offline: {
      stage: job.stage,
      runs: runs.length,
      events: job.events,
      headHash: job.headHash,
      ...(job.change !== undefined && { commit: job.change.commit }),
      usage: job.usage,
    },
  } as const;
  const isClockAhead = [...events, { at: job.stageSince }].some(
    ({ at }) => at > after(now, CLOCK_SKEW_SECONDS),
  );
  const told = (before: Job, next: Job): EventDraft => draft(body, by, now, before, next);
  if (central === undefined) {
    // Whoever ships has to say so where it is checked who they are.
    const taken = onOurClock(omit(job, 'landing'), now);
    const held = heldBack(taken, by, now, isClockAhead);
    return {
      outcome,
      isClockAhead,
      runs,
      job: held?.job ?? taken,
      events: [told(job, taken), ...(held?.events ?? [])],
    };
  }
  if (outcome === 'kept')
    return { outcome, isClockAhead, runs: [], job: central, events: [told(central, central)] };
  const merged = onOurClock({ ...omit(central, 'waitsFor', ...PROGRESS), ...progressOf(job) }, now);
  const happened = events.slice(1).map(({ body: what, actor, at, stage, from }) => ({
    body: what,
    actor,
    at,
    stage,
    ...(from !== undefined && { from }),
  }));
  return { outcome, isClockAhead, runs, job: merged, events: [...happened, told(merged, merged)] };
}

/** The events stay as they were sealed; what decides when the job has its turn does not come from a clock that is ahead. */
function onOurClock(job: Job, now: string): Job {
  const latest = after(now, MAX_BACKOFF_SECONDS);
  const past = (at: string): string => (at > now ? now : at);
  return {
    ...job,
    submittedAt: past(job.submittedAt),
    stageSince: past(job.stageSince),
    ...(job.notBefore !== undefined && { notBefore: job.notBefore > latest ? latest : job.notBefore }),
  };
}

/** Nobody has ever claimed it. */
const isUntouched = ({ stage, epoch }: Job): boolean => stage === 'queued' && epoch === 0;

const progressOf = (job: Job): Pick<Job, (typeof PROGRESS)[number]> =>
  Object.fromEntries(
    PROGRESS.flatMap((name) => (job[name] === undefined ? [] : [[name, job[name]]])),
  ) as Pick<Job, (typeof PROGRESS)[number]>;

/**
 * What no run has finished yet would go to any factory, on the word of one: a person of the product has to let it.
 */
function heldBack(
  job: Job,
  by: Actor,
  now: string,
  isClockAhead: boolean,
): { job: Job; events: EventDraft[] } | undefined {
  if (job.stage !== 'queued') return undefined;
  const clock = isClockAhead ? '; the clock of its machine is ahead: set it' : '';
  const reason = `it was filed in a folder of ${by.id}: resume it to let the fleet work on it${clock}`;
  const next: Job = { ...job, hold: { by, at: now, reason } };
  return { job: next, events: [draft({ kind: 'job.held', reason, paused: false }, by, now, job, next)] };
}
