/** The order in which a factory would take the jobs that it could run. */
import type { ReadyEntry } from '../contract/fleet.js';
import type { StaticScore } from './score.js';

/** A job that could be chosen, with what does not change during the claim. */
export interface Contender {
  readonly entry: ReadyEntry;
  /** Aged priority; the smaller comes first. */
  readonly rank: number;
  /** Milliseconds since 1970. */
  readonly submitted: number;
  /** From the seed: settles what nothing else does. */
  readonly tie: number;
  readonly parts: StaticScore;
}

/** A contender with its score of the current round. */
export interface Ranked {
  readonly contender: Contender;
  readonly total: number;
}

/**
 * Negative when the first comes before the second: aged priority, score, priority, age, seed. The cost class is the
 * factory's, so at a claim it never tells two jobs apart; routing compares it.
 */
function compare(one: Contender, total: number, other: Ranked): number {
  const rival = other.contender;
  return (
    one.rank - rival.rank ||
    other.total - total ||
    one.entry.priorityRank - rival.entry.priorityRank ||
    one.submitted - rival.submitted ||
    one.tie - rival.tie ||
    (one.entry.id < rival.entry.id ? -1 : 1)
  );
}

/** The best `most` in order, in one pass: the others are never looked at again. */
export function leaders(
  contenders: Iterable<Contender>,
  score: (one: Contender) => number,
  most: number,
): Ranked[] {
  const best: Ranked[] = [];
  for (const contender of contenders) {
    const total = score(contender);
    let at = best.length;
    for (let before = best[at - 1]; before !== undefined; before = best[at - 1]) {
      if (compare(contender, total, before) >= 0) break;
      at--;
    }
    if (at >= most) continue;
    best.splice(at, 0, { contender, total });
    if (best.length > most) best.pop();
  }
  return best;
}
