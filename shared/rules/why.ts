/** The one sentence that says why a job was chosen. */
import type { Contender } from './ranking.js';

/**
 * @param ranked the winner first, then the next best
 * @param open how many could have been chosen
 * @param now ISO time
 */
export function whyChosen(
  factoryId: string,
  ranked: readonly Contender[],
  open: number,
  now: string,
): string {
  const [winner, second] = ranked;
  if (winner === undefined || second === undefined)
    return `The only ready job that ${factoryId} can run now.`;
  const first = winner.waiting;
  const next = second.waiting;
  const place = `First of ${open} ready jobs that ${factoryId} can run now`;
  const waited = `${Math.floor((Date.parse(now) - first.submitted) / 60_000)} min of waiting`;
  if (winner.rank !== second.rank) {
    const raised = winner.rank < first.entry.priorityRank ? `, raised by ${waited}` : '';
    return `${place}: the highest priority (${first.entry.priority}${raised}).`;
  }
  if (winner.total !== second.total)
    return `${place}: the best score at its priority, ${winner.total} before ${second.total}.`;
  if (first.entry.priorityRank !== next.entry.priorityRank)
    return `${place}: equal score, higher priority (${first.entry.priority}).`;
  if (first.submitted !== next.submitted)
    return `${place}: equal score and priority, the longest wait (${waited}).`;
  return `${place}: equal in everything, drawn by the seed.`;
}
