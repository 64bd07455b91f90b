/**
 * Which ready jobs a factory gets: hard filter → holds (switch, lock, back-off) → aged priority → score → priority,
 * age, seed. Pure and deterministic; every choice carries its explanation.
 */
import type { Assignment, Block } from '../contract/explanation.js';
import type { ReadyEntry } from '../contract/fleet.js';
import { factoryFilter, holdsOf, lockBlock, lockKey } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import { agedRank } from './priority.js';
import { leaders } from './ranking.js';
import type { Contender, Ranked } from './ranking.js';
import { DEFAULT_WEIGHTS, scoreOf, starvationPenalty, suitabilityFor, totalFor } from './score.js';
import type { Weights } from './score.js';
import { whyChosen } from './why.js';

export { explainJob } from './explain.js';
export { lockKey } from './blocks.js';
export type { FactoryView, SchedulingContext } from './blocks.js';
export { DEFAULT_WEIGHTS } from './score.js';
export type { Weights } from './score.js';

/** How many jobs of a decision are stored with it (AssignmentSchema). */
const MAX_CONSIDERED = 10;

export interface SelectInput {
  candidates: readonly ReadyEntry[];
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

export interface Selected {
  entry: ReadyEntry;
  assignment: Assignment;
}

interface Blocked {
  entry: ReadyEntry;
  blocks: Block[];
}

/** Jobs for the free stations of one factory, the best first; each choice counts for the next one. */
export function selectJobs(input: SelectInput): Selected[] {
  const { factory, now, seed } = input;
  const weights = input.weights ?? DEFAULT_WEIGHTS;
  const { open, blocked } = divide(input, weights);
  const running = new Map(input.context.runningByProduct);
  const locks = new Map(input.context.locks);
  const selected: Selected[] = [];

  const rounds = Math.min(input.count, factory.stations - factory.running);
  while (selected.length < rounds) {
    const busy = factory.running + selected.length;
    const penalties = penaltiesOf(open, running);
    const penaltyOf = (one: Contender) => penalties.get(one.entry.productId) ?? 0;
    const total = totalFor(factory, busy, weights);
    const ranked = leaders(open, (one) => total(one.suits, penaltyOf(one)), seed, MAX_CONSIDERED);
    const winner = ranked[0]?.contender;
    if (winner === undefined) break;
    const { entry } = winner;
    const assignment = {
      why: whyChosen(factory.id, ranked, open.size, now),
      score: scoreOf(winner.suits, factory, busy, penaltyOf(winner), weights),
      considered: considered(ranked, blocked),
      candidates: input.candidates.length,
      seed,
    };
    selected.push({ entry, assignment });
    open.delete(winner);
    running.set(entry.productId, (running.get(entry.productId) ?? 0) + 1);
    if (entry.lock !== undefined) {
      locks.set(lockKey(entry.productId, entry.lock), entry.id);
      lockOut(open, blocked, locks);
    }
  }
  return selected;
}

/** Jobs that could be chosen, and the others with their reasons. */
function divide(input: SelectInput, weights: Weights): { open: Set<Contender>; blocked: Blocked[] } {
  const { factory, context } = input;
  const filter = factoryFilter(factory);
  const suitability = suitabilityFor(factory, weights);
  const now = Date.parse(input.now);
  const open = new Set<Contender>();
  const blocked: Blocked[] = [];
  for (const entry of input.candidates) {
    const blocks = filter(entry);
    blocks.push(...holdsOf(entry, context, now));
    if (blocks.length > 0) {
      blocked.push({ entry, blocks });
      continue;
    }
    const submitted = Date.parse(entry.submittedAt);
    const rank = agedRank(entry.priorityRank, submitted, now, weights.ageingSeconds);
    open.add({ entry, rank, submitted, suits: suitability(entry) });
  }
  return { open, blocked };
}

/** A chosen job takes its lock: others that want the same one wait from now on. */
function lockOut(open: Set<Contender>, blocked: Blocked[], locks: ReadonlyMap<string, string>): void {
  for (const one of open) {
    const lock = lockBlock(one.entry, locks);
    if (lock === undefined) continue;
    open.delete(one);
    blocked.push({ entry: one.entry, blocks: [lock] });
  }
}

/** The starvation penalty of each product that has an open job. */
function penaltiesOf(
  open: Iterable<Contender>,
  running: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const products = new Set<string>();
  for (const { entry } of open) products.add(entry.productId);
  let sum = 0;
  for (const product of products) sum += running.get(product) ?? 0;
  const mean = sum / Math.max(1, products.size);
  return new Map(
    [...products].map((product) => [product, starvationPenalty(running.get(product) ?? 0, mean)]),
  );
}

/** The winner and its runners-up, then blocked jobs; of every kind of block at least one, where there is room. */
function considered(ranked: readonly Ranked[], blocked: readonly Blocked[]): Assignment['considered'] {
  const samples = new Map<string, Blocked>();
  for (const one of blocked) {
    const kind = one.blocks[0]?.kind;
    if (kind !== undefined && !samples.has(kind)) samples.set(kind, one);
  }
  const shown = ranked.slice(0, Math.max(1, MAX_CONSIDERED - samples.size));
  const fill = new Set([...samples.values(), ...blocked.slice(0, MAX_CONSIDERED)]);
  return [
    ...shown.map(({ contender, total }) => ({ jobId: contender.entry.id, score: total, blocked: [] })),
    ...[...fill].map(({ entry, blocks }) => ({ jobId: entry.id, blocked: blocks })),
  ].slice(0, MAX_CONSIDERED);
}
