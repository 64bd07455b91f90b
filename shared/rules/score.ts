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
function affinity(entry: ReadyEntry, factoryId: string, isWarm: boolean, has: ReadonlySet<string>): number {
  const warm = isWarm ? WARM_SHARE : 0;
  if (entry.prefers.length === 0) return warm;
  const met = entry.prefers.filter((wish) => wish === factoryId || has.has(wish)).length;
  return warm + ((1 - WARM_SHARE) * met) / entry.prefers.length;
}

/** The names that preferences are compared with: every tag, and every tool without its version. */
export const namesOf = (advertises: readonly string[]): Set<string> =>
  new Set(advertises.flatMap((item) => [item, item.replace(/@[^@]*$/, '')]));

/**
 * 0 for a product that has had nothing, ½ for one at the mean of those that compete, towards 1 above it. Strictly
 * monotone, so that between equal jobs the product with less always comes first.
 */
export const starvationPenalty = (share: number, mean: number): number =>
  share === 0 ? 0 : share / (share + mean);

/** What makes one job suit a factory better than another; weighted, and the same through a whole claim. */
export interface Suitability {
  readonly capabilityFit: number;
  readonly affinity: number;
}

/** @param names what the factory's preferences are compared with (namesOf), where it is known already */
export function suitabilityFor(
  factory: FactoryView,
  weights: Weights,
  names: ReadonlySet<string> = namesOf(factory.advertises),
): (entry: ReadyEntry) => Suitability {
  const warm = new Set(factory.warm);
  return (entry) => ({
    capabilityFit: weights.capabilityFit * capabilityFit(entry, factory),
    affinity:
      weights.affinity * affinity(entry, factory.id, entry.repo !== undefined && warm.has(entry.repo), names),
  });
}

/** The parts that are the factory's own; weighted. An idle factory has load 1, a full one 2. */
const ownParts = (factory: FactoryView, running: number, weights: Weights) => ({
  load: weights.load / (1 + running / Math.max(1, factory.stations)),
  cost: weights.cost / Math.max(1, factory.costClass),
  health: weights.health * (factory.health ?? 1),
});

/** Four digits are enough to compare, and keep the noise of floats out of stored decisions. */
const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/**
 * Totals for one factory in one round, without the parts: all that comparing needs.
 * @param running jobs that the factory runs by then
 */
export function totalFor(
  factory: FactoryView,
  running: number,
  weights: Weights,
): (suits: Suitability, penalty: number) => number {
  const { load, cost, health } = ownParts(factory, running, weights);
  const own = load + cost + health;
  return (suits, penalty) => round(own + suits.capabilityFit + suits.affinity - weights.starvation * penalty);
}

/** The whole score, part by part. */
export function scoreOf(
  suits: Suitability,
  factory: FactoryView,
  running: number,
  penalty: number,
  weights: Weights,
): Score {
  const { load, cost, health } = ownParts(factory, running, weights);
  return {
    total: totalFor(factory, running, weights)(suits, penalty),
    capabilityFit: round(suits.capabilityFit),
    affinity: round(suits.affinity),
    load: round(load),
    cost: round(cost),
    health: round(health),
    starvation: penalty === 0 ? 0 : round(-weights.starvation * penalty),
  };
}
