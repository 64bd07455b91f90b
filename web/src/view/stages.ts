/** How far a job is, as the console shows it: six steps, and where it stopped if it failed. */
import type { Rollup } from '../../../shared/contract/children.js';
import type { Stage } from '../../../shared/contract/job.js';
import type { JobView } from '../../../shared/contract/view.js';

/** The way of a job that goes well. The two bad ends are no steps: they show where on the way it stopped. */
export const TRACK = ['queued', 'assigned', 'building', 'review', 'testing', 'shipped'] as const;
export type Step = (typeof TRACK)[number];

export const STAGE_LABEL: Readonly<Record<Stage, string>> = {
  queued: 'Queued',
  assigned: 'Assigned',
  building: 'Building',
  review: 'Review',
  testing: 'Testing',
  shipped: 'Shipped',
  failed: 'Failed',
  dead_letter: 'Dead letter',
};

/** Every stage, from the labels: the contract's own list would bring its schema library into the bundle. */
export const STAGES = Object.keys(STAGE_LABEL) as readonly Stage[];

export type StepState = 'done' | 'current' | 'failed' | 'todo';

export interface StageTrack {
  readonly steps: readonly { readonly step: Step; readonly state: StepState }[];
  /** Somebody works on it at this moment. */
  readonly active: boolean;
}

/** What the track reads of a job. */
export type TrackedJob = Pick<JobView, 'stage' | 'attempts' | 'epoch' | 'holder' | 'change' | 'verify'>;

/** What tells a cancelled job from a failed one. */
type Standing = Pick<JobView, 'stage'> & {
  failure?: Pick<NonNullable<JobView['failure']>, 'reason'> | undefined;
};

/** Ended by a person, which is nothing to be alarmed about. */
export const isCancelled = ({ stage, failure }: Standing): boolean =>
  stage === 'failed' && failure?.reason === 'cancelled';

/** The stage of a job in words. */
export const stageLabel = (job: Standing): string =>
  isCancelled(job) ? 'Cancelled' : STAGE_LABEL[job.stage];

/** The class that gives a job its colour. */
export const stageClass = (job: Standing): string => `stage-${isCancelled(job) ? 'cancelled' : job.stage}`;

export const isEnded = (stage: Stage): boolean =>
  stage === 'shipped' || stage === 'failed' || stage === 'dead_letter';

const stopped = (stage: Stage): boolean => stage === 'failed' || stage === 'dead_letter';

/** The step at which a failed job stopped: the last one that left a trace in the document. */
function reachedStep(job: TrackedJob): Step {
  if (job.verify?.passed) return 'testing';
  if (job.change) return 'review';
  if (job.attempts > 0) return 'building';
  return job.epoch > 0 ? 'assigned' : 'queued';
}

/** The six steps of a job with the state of each. */
export function stageTrack(job: TrackedJob): StageTrack {
  const failed = stopped(job.stage);
  const at = failed ? reachedStep(job) : job.stage;
  const position = TRACK.findIndex((step) => step === at);
  const steps = TRACK.map((step, index) => {
    if (index > position) return { step, state: 'todo' as const };
    if (index < position || job.stage === 'shipped') return { step, state: 'done' as const };
    return { step, state: failed ? ('failed' as const) : ('current' as const) };
  });
  return { steps, active: job.holder !== undefined && !isEnded(job.stage) };
}

/** What a person is asked to do, if anything: the reason to look at this console at all. */
export function asksFor(job: Pick<JobView, 'stage' | 'holder' | 'landing'>): string | undefined {
  if (job.landing) return undefined;
  if (job.stage === 'testing') return 'Ready to ship';
  if (job.stage === 'review' && job.holder === undefined) return 'Needs review';
  return undefined;
}

/** What hangs below a composite by stage, in the order of a job's life; the cancelled ones apart from the failed ones. */
export function rollupParts({
  byStage,
  cancelled,
}: Pick<Rollup, 'byStage' | 'cancelled'>): { label: string; className: string; number: number }[] {
  const part = (standing: Standing, number: number) => ({
    label: stageLabel(standing),
    className: stageClass(standing),
    number,
  });
  return [
    ...STAGES.map((stage) => part({ stage }, (byStage[stage] ?? 0) - (stage === 'failed' ? cancelled : 0))),
    part({ stage: 'failed', failure: { reason: 'cancelled' } }, cancelled),
  ].filter(({ number }) => number > 0);
}

/** How many jobs stand at each stage. */
export function stageCounts(jobs: readonly Pick<JobView, 'stage'>[]): Record<Stage, number> {
  const counts: Record<Stage, number> = {
    queued: 0,
    assigned: 0,
    building: 0,
    review: 0,
    testing: 0,
    shipped: 0,
    failed: 0,
    dead_letter: 0,
  };
  for (const job of jobs) counts[job.stage] += 1;
  return counts;
}
