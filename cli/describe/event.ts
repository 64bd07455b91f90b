// A job's events, changes and checks as sentences for a terminal.
import { count } from '../../shared/contract/count.js';
import type { Change, VerifyResult } from '../../shared/contract/job.js';
import type { JobEventView } from '../../shared/contract/view.js';
import { eventText, reportsText } from '../../shared/eventText.js';
import { clockTime, cut, oneLine, took } from '../text.js';

/** Characters of a message that a timeline shows. */
const MAX_MESSAGE = 160;

export const describeChange = (change: Change): string =>
  `${count(change.filesChanged.length, 'file')} (+${change.insertions} −${change.deletions}) on ${oneLine(change.branch)}`;

export const describeVerify = (verify: VerifyResult): string =>
  `${verify.passed ? 'passed' : `failed with exit code ${verify.exitCode ?? 'none'}`} in ${took(verify.durationMs)}: ${oneLine(verify.command)}${reportsText(verify)}`;

export function describeEvent(event: Pick<JobEventView, 'body'>): string {
  const { text, note } = eventText(event, clockTime);
  // Why a factory got the job has a line of its own.
  return event.body.kind === 'job.assigned' || note === undefined
    ? oneLine(text)
    : `${oneLine(text)}: ${cut(oneLine(note), MAX_MESSAGE)}`;
}
