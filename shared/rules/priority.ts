/** Priorities and their ageing. */
import { PRIORITIES } from '../contract/manifest.js';
import type { ReadyEntry } from '../contract/fleet.js';
import type { Priority } from '../contract/manifest.js';

/** Waiting this long counts as one step of priority: low overtakes fresh critical work after two hours. */
export const AGEING_SECONDS = 1800;

/** 0 for critical … 3 for low. */
export const priorityRank = (priority: Priority): number => PRIORITIES.indexOf(priority);

/**
 * The rank that the scheduler compares: `priorityRank − ⌊waited / step⌋`, the smaller first. It has no lower end, so
 * a waiting job can be overtaken only by jobs that were submitted less than four steps after it: none starves.
 * @param step seconds of waiting that count as one step of priority
 */
export function agedRank(
  entry: Pick<ReadyEntry, 'priorityRank' | 'submittedAt'>,
  now: string | number,
  step: number = AGEING_SECONDS,
): number {
  const at = typeof now === 'number' ? now : Date.parse(now);
  const waited = Math.max(0, at - Date.parse(entry.submittedAt)) / 1000;
  return entry.priorityRank - Math.floor(waited / step);
}
