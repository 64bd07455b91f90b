import type { Stage } from '../../shared/contract/job.js';
import type { JobView } from '../../shared/contract/view.js';
import type { Colour, Paint } from '../text.js';

const COLOURS: Readonly<Record<Stage, Colour>> = {
  queued: 'dim',
  assigned: 'blue',
  building: 'blue',
  review: 'yellow',
  testing: 'cyan',
  shipped: 'green',
  failed: 'red',
  dead_letter: 'red',
};

/** All of them, in the order of a job's life; the compiler asks for one that is missing. */
export const STAGE_NAMES = Object.keys(COLOURS);

export const paintStage = (paint: Paint, stage: Stage): string => paint(COLOURS[stage], stage);

/** What tells a cancelled job from a failed one. */
type Standing = Pick<JobView, 'stage'> & {
  failure?: Pick<NonNullable<JobView['failure']>, 'reason'> | undefined;
};

/** Ended by a person, which is nothing to be alarmed about. */
export const isCancelled = ({ stage, failure }: Standing): boolean =>
  stage === 'failed' && failure?.reason === 'cancelled';

/** The stage of a job, but `cancelled` in grey where somebody cancelled it. */
export const paintStanding = (paint: Paint, job: Standing): string =>
  isCancelled(job) ? paint('dim', 'cancelled') : paintStage(paint, job.stage);
