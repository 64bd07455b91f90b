/** The order in which a factory would take the jobs that it could run: the best few of a survey. */
import type { ReadyEntry } from '../contract/fleet.js';
import { warmBlock } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import { hash32 } from './hash.js';
import { agedRank } from './priority.js';
import type { Ability } from './readyIndex.js';
import { starvationPenalty, totalFor } from './score.js';
import type { Suitability, Weights } from './score.js';
import { MAX_CONSIDERED } from './survey.js';
import type { OpenGroup, Survey } from './survey.js';
import type { Waiting, WaitingQueue } from './waitingQueue.js';

/** Among so many jobs of one shelf and the very same age the seed draws; of more, among the first by id. */
const MAX_TIES = 4;

/** The asking factory, and all that stays the same through one claim. */
export interface Asker {
  readonly factory: FactoryView;
  readonly ability: Ability;
  /** Its warm checkouts. */
  readonly warm: ReadonlySet<string>;
  readonly suitability: (entry: ReadyEntry) => Suitability;
  readonly weights: Weights;
  readonly seed: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A job that could be chosen just now. */
export interface Contender {
  readonly waiting: Waiting;
  /** Priority, aged where its product has a claim to that; the smaller comes first. */
  readonly rank: number;
  readonly suits: Suitability;
  readonly total: number;
  readonly standing: Standing;
  /** Where it stands, to find who comes after it. */
  readonly queue: WaitingQueue;
  readonly place: number;
}

/** What the seed draws for a job: computed for ties only, which are few. */
const draw = (seed: string, jobId: string): number => hash32(`${seed}:${jobId}`);

/**
 * Negative when the first comes before the second: rank, score, priority, age, seed. The cost class is the factory's,
 * so at a claim it never tells two jobs apart; routing compares it.
 */
function compare(one: Contender, other: Contender, seed: string): number {
  const [job, rival] = [one.waiting, other.waiting];
  return (
    one.rank - other.rank ||
    other.total - one.total ||
    job.entry.priorityRank - rival.entry.priorityRank ||
    job.submitted - rival.submitted ||
    draw(seed, job.entry.id) - draw(seed, rival.entry.id) ||
    (job.entry.id < rival.entry.id ? -1 : 1)
  );
}

/** Puts a contender where it belongs among the best; the same job twice counts once. */
function offer(best: Contender[], contender: Contender, seed: string): void {
  let at = best.length;
  for (let before = best[at - 1]; before !== undefined; before = best[at - 1]) {
    if (before.waiting === contender.waiting) return;
    if (compare(contender, before, seed) >= 0) break;
    at--;
  }
  if (at >= MAX_CONSIDERED) return;
  best.splice(at, 0, contender);
  if (best.length > MAX_CONSIDERED) best.pop();
}

/** What a product's jobs have in common in this round. */
interface Standing {
  readonly penalty: number;
  /** Nobody who competes has had less. */
  readonly isServedLeast: boolean;
}

/**
 * The best jobs of a survey, the winner first.
 * @param running jobs that the factory runs by then
 */
export function rankJobs(
  survey: Survey,
  asker: Asker,
  context: SchedulingContext,
  running: number,
): Contender[] {
  const { warm, weights, seed, now } = asker;
  const total = totalFor(asker.factory, running, weights);
  const best: Contender[] = [];

  /** Offers the job at a place, or the first after it that is not kept for a warm factory. */
  const consider = (queue: WaitingQueue, from: number, standing: Standing): number => {
    for (let place = from; ; place++) {
      const waiting = queue.at(place);
      if (waiting === undefined) return place;
      const { entry, submitted } = waiting;
      if (warmBlock(entry, warm, context, now) !== undefined) {
        survey.kept.note('warm', entry);
        continue;
      }
      const rank = standing.isServedLeast
        ? agedRank(entry.priorityRank, submitted, now, weights.ageingSeconds)
        : entry.priorityRank;
      const last = best[MAX_CONSIDERED - 1];
      // Scoring is most of the work: not for those that cannot get among the best.
      if (last !== undefined && rank > last.rank) return place;
      const suits = asker.suitability(entry);
      const scored = total(suits, standing.penalty);
      offer(best, { waiting, rank, suits, total: scored, standing, queue, place }, seed);
      return place;
    }
  };
  const considerFirst = (queue: WaitingQueue, standing: Standing): void => {
    const oldest = queue.at(0)?.submitted;
    for (let place = 0; place < MAX_TIES && queue.at(place)?.submitted === oldest; place++)
      place = consider(queue, place, standing);
  };

  const standingOf = standings(survey.groups);
  const mayBeKept = context.warmElsewhere !== undefined && context.warmElsewhere.size > 0;
  for (const group of survey.groups) {
    const standing = standingOf(group);
    for (const { queue, byRepo, sample } of group.shelves) {
      const last = best[MAX_CONSIDERED - 1];
      const isBehind = last !== undefined && !standing.isServedLeast && sample.priorityRank > last.rank;
      // None of its jobs would get among the best: looked into only for those that are kept, which are told of.
      if (isBehind && !mayBeKept) continue;
      considerFirst(queue, standing);
      for (const repo of warm) {
        const ofRepo = byRepo.get(repo);
        if (ofRepo !== undefined) considerFirst(ofRepo, standing);
      }
    }
  }
  // Runners-up may stand behind the leaders on the same shelf. Each comes after the one it stands behind.
  for (const { queue, place, standing } of best) consider(queue, place + 1, standing);
  return best;
}

/**
 * How each product stands among those that compete. Only who is served least has a claim to be raised for waiting
 * before others: otherwise a flood that waits for hours would bury everything that comes after it.
 */
function standings(groups: readonly OpenGroup[]): (group: OpenGroup) => Standing {
  const shares = new Map(groups.map((group) => [group.productId, group.share]));
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const one of shares.values()) {
    sum += one;
    least = Math.min(least, one);
  }
  const mean = sum / Math.max(1, shares.size);
  return (group) => ({
    penalty: starvationPenalty(group.share, mean),
    isServedLeast: group.share === least,
  });
}
