import type { Stage } from '../../shared/contract/job.js';
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
