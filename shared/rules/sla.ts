/** How long a job of each priority may stay in a phase. Told (an event, once a phase), never acted on. */
import type { Job } from '../contract/job.js';
import type { Priority } from '../contract/manifest.js';
import type { Sla } from '../contract/job.js';
import { omit } from './decision.js';
import { after } from './leases.js';
import { isEnded, isInFlight, isParked, isReady } from './stages.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds: until a factory takes it, until its run is done, until a person has looked at it. */
export const SLA_SECONDS: Readonly<Record<Priority, Readonly<Record<Sla['phase'], number>>>> = {
  critical: { start: 5 * MINUTE, run: HOUR, decide: HOUR },
  high: { start: 30 * MINUTE, run: 2 * HOUR, decide: 4 * HOUR },
  medium: { start: 4 * HOUR, run: 4 * HOUR, decide: DAY },
  low: { start: DAY, run: 8 * HOUR, decide: 3 * DAY },
};

type SlaJob = Pick<Job, 'stage' | 'stageSince' | 'holder' | 'hold' | 'waitsFor' | 'landing' | 'children'> & {
  manifest: Pick<Job['manifest'], 'priority'>;
};

/**
 * When the job should have left its phase. Nothing runs for a job that has ended, is on hold, or waits for others.
 * @param now ISO time
 */
export function slaOf(job: SlaJob, now: string): Sla | undefined {
  if (isEnded(job.stage) || job.hold !== undefined) return undefined;
  const phase = phaseOf(job);
  if (phase === undefined) return undefined;
  const since = isReady(job) ? (job.landing?.requestedAt ?? job.stageSince) : job.stageSince;
  const dueAt = after(since, SLA_SECONDS[job.manifest.priority][phase]);
  return { phase, dueAt, breached: Date.parse(dueAt) < Date.parse(now) };
}

/** Was it written into the job's log already that it is late in this phase? */
export const isTold = ({ sla }: Pick<Job, 'sla'>, { phase, dueAt }: Sla): boolean =>
  sla?.breached === true && sla.phase === phase && sla.dueAt === dueAt;

/**
 * The job with the clock of the phase that it is in now, so that one query finds those that are late.
 * @param now ISO time
 */
export function withSla(job: Job, now: string): Job {
  const sla = slaOf(job, now);
  if (sla === undefined) return omit(job, 'sla');
  return { ...job, sla: { ...sla, breached: isTold(job, sla) } };
}

function phaseOf(job: SlaJob): Sla['phase'] | undefined {
  if (isReady(job)) return 'start';
  if (isInFlight(job)) return 'run';
  return isParked(job) ? 'decide' : undefined;
}
