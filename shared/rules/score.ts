/**
 * How well a job suits a factory just now:
 * w1·capabilityFit + w2·affinity + w3·1/load + w4·costFit + w5·health − w6·starvationPenalty.
 * Every part is between 0 and 1 before its weight.
 */
import type { Score } from '../contract/explanation.js';
import type { ReadyEntry } from '../contract/fleet.js';
import type { FactoryView } from './blocks.js';
import { AGEING_SECONDS } from './priority.js';

export interface Weights {
  capabilityFit: number;
  affinity: number;
  load: number;
  cost: number;
  health: number;
  starvation: number;
  /** Seconds of waiting that count as one step of priority. */
  ageingSeconds: number;
}

/**
 * `starvation` is twice `affinity`: a product at its fair share loses half of it (1.5), which is what a perfect warm
 * factory is worth. So affinity decides between products near their share, and nothing lets one flood the others.
 */
export const DEFAULT_WEIGHTS: Weights = {
  capabilityFit: 1,
  affinity: 1.5,
  load: 0.5,
  cost: 0.5,
  health: 1,
  starvation: 3,
  ageingSeconds: AGEING_SECONDS,
};

/** Of the affinity, how much a warm checkout is worth; the rest is for what the job prefers. A clone takes minutes. */
const WARM_SHARE = 0.6;

/** How much of what the factory has the job needs: work for a rare factory goes before work for any. */
function capabilityFit(entry: ReadyEntry, factory: FactoryView): number {
  return Math.min(1, entry.requirements.length / Math.max(1, factory.advertises.length));
}

/** Warm checkout and fulfilled preferences: factory ids, tags, or tools by name. */
function affinity(entry: ReadyEntry, factory: FactoryView, has: ReadonlySet<string>): number {
  const warm = entry.repo !== undefined && factory.warm.includes(entry.repo) ? WARM_SHARE : 0;
  if (entry.prefers.length === 0) return warm;
  const met = entry.prefers.filter((wish) => wish === factory.id || has.has(wish)).length;
  return warm + ((1 - WARM_SHARE) * met) / entry.prefers.length;
}

/** The names that preferences are compared with: every tag, and every tool without its version. */
const namesOf = (factory: FactoryView): Set<string> =>
  new Set(factory.advertises.flatMap((item) => [item, item.replace(/@[^@]*$/, '')]));

/**
 * 0 for a product without a running job, ½ for one at the mean of those that compete, towards 1 above it. Strictly
 * monotone, so that between equal jobs the product with less always comes first.
 */
export const starvationPenalty = (running: number, mean: number): number =>
  running === 0 ? 0 : running / (running + mean);

/** The parts of a score that stay the same through one claim. */
export interface StaticScore {
  capabilityFit: number;
  affinity: number;
  cost: number;
  health: number;
}

/** For one factory: the static, weighted parts of each job's score. */
export function staticScorer(factory: FactoryView, weights: Weights): (entry: ReadyEntry) => StaticScore {
  const names = namesOf(factory);
  return (entry) => ({
    capabilityFit: weights.capabilityFit * capabilityFit(entry, factory),
    affinity: weights.affinity * affinity(entry, factory, names),
    cost: weights.cost / Math.max(1, factory.costClass),
    health: weights.health * (factory.health ?? 1),
  });
}

/** Four digits are enough to compare, and keep sums of floats out of stored decisions. */
const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/**
 * The whole score.
 * @param running jobs that the factory runs now
 * @param penalty see starvationPenalty
 */
export function scoreOf(
  parts: StaticScore,
  factory: Pick<FactoryView, 'stations'>,
  running: number,
  penalty: number,
  weights: Weights,
): Score {
  // An idle factory has load 1, a full one 2.
  const load = weights.load / (1 + running / Math.max(1, factory.stations));
  const starvation = penalty === 0 ? 0 : -weights.starvation * penalty;
  return {
    total: round(parts.capabilityFit + parts.affinity + load + parts.cost + parts.health + starvation),
    capabilityFit: round(parts.capabilityFit),
    affinity: round(parts.affinity),
    load: round(load),
    cost: round(parts.cost),
    health: round(parts.health),
    starvation: round(starvation),
  };
}
