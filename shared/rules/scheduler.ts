/**
 * Which ready jobs a factory gets: hard filter → holds (switch, lock, back-off) → aged priority → score → priority,
 * age, seed. Pure and deterministic; every choice carries its explanation.
 */
import type { Assignment } from '../contract/explanation.js';
import type { ReadyEntry } from '../contract/fleet.js';
import { lockKey, reservedBlock } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import { reservationFor } from './budget.js';
import { rankJobs } from './ranking.js';
import type { Asker, Contender } from './ranking.js';
import { ReadyIndex } from './readyIndex.js';
import { DEFAULT_WEIGHTS, scoreOf, suitabilityFor } from './score.js';
import type { Weights } from './score.js';
import { MAX_CONSIDERED, blocksOf, surveyOf } from './survey.js';
import type { Kept } from './survey.js';
import { whyChosen } from './why.js';

export { explainJob } from './explain.js';
export { lockKey } from './blocks.js';
export type { FactoryView, SchedulingContext } from './blocks.js';
export { ReadyIndex } from './readyIndex.js';
export { DEFAULT_WEIGHTS } from './score.js';
export type { Weights } from './score.js';

export interface Question {
  factory: FactoryView;
  context: SchedulingContext;
  weights?: Weights | undefined;
  /** ISO time. */
  now: string;
  /** Settles ties; stored, so that a decision can be replayed. */
  seed: string;
  /** At most so many; never more than the factory has free stations. */
  count: number;
}

export interface SelectInput extends Question {
  candidates: readonly ReadyEntry[];
}

export interface Selected {
  entry: ReadyEntry;
  assignment: Assignment;
}

export interface Choice {
  selected: Selected[];
  /** Work that was left to others for now although a station is free: ask again soon. */
  heldBack?: ReadyEntry | undefined;
}

/** Jobs for the free stations of one factory, the best first; each choice counts for the next one. */
export const selectJobs = ({ candidates, ...question }: SelectInput): Selected[] =>
  chooseJobs(new ReadyIndex(candidates), question).selected;

/**
 * As selectJobs, from an index that lives on. The chosen jobs leave it. A decision looks at each shelf once; how many
 * jobs stand on the shelves adds a logarithm.
 */
export function chooseJobs(index: ReadyIndex, question: Question): Choice {
  const { factory, now, seed } = question;
  const candidates = index.size;
  const asker = askerOf(index, question);
  index.advance(asker.now);
  let { context } = question;
  const selected: Selected[] = [];

  const free = factory.stations - factory.running;
  const wanted = Math.min(question.count, free);
  while (selected.length < wanted) {
    const survey = surveyOf(index, factory, asker.ability, context);
    const running = factory.running + selected.length;
    const ranked = rankJobs(survey, asker, context, running);
    const [winner] = ranked;
    if (winner === undefined) return { selected, heldBack: survey.kept.of('warm')[0] };
    const { entry } = winner.waiting;
    if (reservedBlock(entry, free - selected.length, context) !== undefined)
      return { selected, heldBack: entry };
    selected.push({
      entry,
      assignment: {
        why: whyChosen(factory.id, ranked, survey.open, now),
        score: scoreOf(winner.suits, factory, running, winner.standing.penalty, asker.weights),
        considered: considered(ranked, survey.kept, asker, context),
        candidates,
        seed,
      },
    });
    index.remove(entry.id);
    // Copies the context: not for the last choice, which counts for no other.
    if (selected.length < wanted) context = taken(context, entry);
  }
  return { selected };
}

function askerOf(index: ReadyIndex, question: Question): Asker {
  const { factory, seed, now, weights = DEFAULT_WEIGHTS } = question;
  const ability = index.ability(factory.advertises);
  return {
    factory,
    ability,
    warm: new Set(factory.warm),
    suitability: suitabilityFor(factory, weights, ability.names),
    weights,
    seed,
    now: Date.parse(now),
  };
}

/** A chosen job takes its lock and its share of the budget, and counts for its product. */
function taken(before: SchedulingContext, entry: ReadyEntry): SchedulingContext {
  const { id, productId, lock } = entry;
  const context = { ...before, ...reserved(before, entry) };
  const shareByProduct = new Map(context.shareByProduct);
  shareByProduct.set(productId, (shareByProduct.get(productId) ?? 0) + 1);
  if (lock === undefined) return { ...context, shareByProduct };
  return { ...context, shareByProduct, locks: new Map(context.locks).set(lockKey(productId, lock), id) };
}

function reserved({ budgets }: SchedulingContext, entry: ReadyEntry): Pick<SchedulingContext, 'budgets'> {
  const budget = budgets?.get(entry.productId);
  if (budget === undefined) return {};
  const reservedUsd = budget.reservedUsd + reservationFor(entry, budget);
  return { budgets: new Map(budgets).set(entry.productId, { ...budget, reservedUsd }) };
}

/** The winner and its runners-up, then blocked jobs; of every kind of block at least one, where there is room. */
function considered(
  ranked: readonly Contender[],
  kept: Kept,
  asker: Asker,
  context: SchedulingContext,
): Assignment['considered'] {
  const shown = ranked.slice(0, Math.max(1, MAX_CONSIDERED - kept.kinds));
  const blocked = kept.entries(MAX_CONSIDERED - shown.length);
  return [
    ...shown.map(({ waiting, total }) => ({ jobId: waiting.entry.id, score: total, blocked: [] })),
    ...blocked.map((entry) => ({ jobId: entry.id, blocked: blocksOf(entry, asker, context) })),
  ];
}
