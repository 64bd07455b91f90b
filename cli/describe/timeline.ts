// A job's events, one line each: when, how long after the one before, the stage where it changed, what, and by whom.
import type { JobEventView } from '../../shared/contract/view.js';
import { clockTime, oneLine, took, type Paint } from '../text.js';
import { describeEvent } from './event.js';
import { paintStage } from './stage.js';

/** Wide enough for the longest stage. */
const STAGE_WIDTH = 11;
/** Wide enough for `+999 h 59 min`, and a space. */
const STEP_WIDTH = 14;

/** @param before the event before, if there was one */
export function timelineLine(event: JobEventView, before: JobEventView | undefined, paint: Paint): string {
  const changed = event.from !== undefined || before === undefined;
  const stage = changed ? paintStage(paint, event.stage) : '';
  const gap = ' '.repeat(STAGE_WIDTH - (changed ? event.stage.length : 0));
  const step = before ? `+${took(Math.max(0, Date.parse(event.at) - Date.parse(before.at)))}` : '';
  const line = `${clockTime(event.at)}  ${paint('dim', step.padEnd(STEP_WIDTH))}${stage}${gap} ${describeEvent(event)}${by(event, paint)}`;
  if (event.body.kind !== 'job.assigned') return line;
  const indent = ' '.repeat(8 + 2 + STEP_WIDTH + STAGE_WIDTH + 1);
  return `${line}\n${indent}${paint('dim', oneLine(event.body.decision.why))}`;
}

export const timeline = (events: readonly JobEventView[], paint: Paint): string =>
  events.map((event, at) => timelineLine(event, events[at - 1], paint)).join('\n');

/** A factory stands in the sentence already. */
const by = ({ actor }: JobEventView, paint: Paint): string =>
  actor.kind === 'factory' ? '' : paint('dim', `  by ${oneLine(actor.id)}`);
