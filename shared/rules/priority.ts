/** Priorities and their ageing. */
import { PRIORITIES } from '../contract/manifest.js';
import type { Priority } from '../contract/manifest.js';

/** Waiting this long counts as one step of priority: low overtakes fresh critical work after two hours. */
export const AGEING_SECONDS = 1800;

/** 0 for critical … 3 for low. */
export const priorityRank = (priority: Priority): number => PRIORITIES.indexOf(priority);

/**
 * The rank that the scheduler compares: `priorityRank − ⌊waited / step⌋`, the smaller first. It has no lower end, so
 * a waiting job can be overtaken only by jobs that were submitted less than four steps after it: none starves.
 * @param submitted milliseconds since 1970
 * @param now milliseconds since 1970
 * @param step seconds of waiting that count as one step of priority
 */
export function agedRank(
  rank: number,
  submitted: number,
  now: number,
  step: number = AGEING_SECONDS,
): number {
  return rank - Math.floor(Math.max(0, now - submitted) / 1000 / step);
}

/**
 * The time at which a critical job would have been submitted to stand where this one does: it never changes while the
 * job waits, so one index on it has the ready set in the order of ageing.
 * @param submitted milliseconds since 1970
 * @returns milliseconds since 1970
 */
export const orderKey = (rank: number, submitted: number, step: number = AGEING_SECONDS): number =>
  submitted + rank * step * 1000;
