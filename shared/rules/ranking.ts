/** The order in which a factory would take the jobs that it could run. */
import type { ReadyEntry } from '../contract/fleet.js';
import { hash32 } from './hash.js';
import type { Suitability } from './score.js';

/** A job that could be chosen, with what does not change during the claim. */
export interface Contender {
  readonly entry: ReadyEntry;
  /** Aged priority; the smaller comes first. */
  readonly rank: number;
  /** Milliseconds since 1970. */
  readonly submitted: number;
  readonly suits: Suitability;
}

/** A contender with its score of the current round. */
export interface Ranked {
  readonly contender: Contender;
  readonly total: number;
}

/** What the seed draws for a job: computed for ties only, which are few. */
const draw = (seed: string, entry: ReadyEntry): number => hash32(`${seed}:${entry.id}`);

/**
 * Negative when the first comes before the second: aged priority, score, priority, age, seed. The cost class is the
 * factory's, so at a claim it never tells two jobs apart; routing compares it.
 */
function compare(one: Contender, total: number, other: Ranked, seed: string): number {
  const rival = other.contender;
  return (
    one.rank - rival.rank ||
    other.total - total ||
    one.entry.priorityRank - rival.entry.priorityRank ||
    one.submitted - rival.submitted ||
    draw(seed, one.entry) - draw(seed, rival.entry) ||
    (one.entry.id < rival.entry.id ? -1 : 1)
  );
}

/** The best `most` in order, in one pass: the others are never looked at again. */
export function leaders(
  contenders: Iterable<Contender>,
  total: (one: Contender) => number,
  seed: string,
  most: number,
): Ranked[] {
  const best: Ranked[] = [];
  for (const contender of contenders) {
    const own = total(contender);
    let at = best.length;
    for (let before = best[at - 1]; before !== undefined; before = best[at - 1]) {
      if (compare(contender, own, before, seed) >= 0) break;
      at--;
    }
    if (at >= most) continue;
    best.splice(at, 0, { contender, total: own });
    if (best.length > most) best.pop();
  }
  return best;
}
