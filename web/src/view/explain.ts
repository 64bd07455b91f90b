/** Decisions in words: what keeps a job from a factory, and what its score is made of. */
import type { Block, Explanation, Score } from '../../../shared/contract/explanation.js';
import { assertExhaustive } from '../../../shared/errors.js';

const clock = (iso: string): string => `${iso.slice(11, 19)} UTC`;

/** One reason, without its subject: "lacks node>=20". */
export function blockText(block: Block): string {
  switch (block.kind) {
    case 'capability':
      return `lacks ${block.missing.join(', ')}`;
    case 'target':
      return `the job wants ${block.factoryId} only`;
    case 'lock':
      return `the lock ${block.key} is held by ${block.heldBy}`;
    case 'backoff':
      return `waits for its retry at ${clock(block.until)}`;
    case 'switch':
      return `${block.scope} is halted: ${block.reason}`;
    case 'paused':
      return `${block.productId} is paused: ${block.reason}`;
    case 'product':
      return `does not serve ${block.productId}`;
    case 'status':
      return block.status === 'offline' ? 'is offline' : 'is draining and takes no more work';
    case 'stations':
      return `all its stations are busy (${block.running} of ${block.stations})`;
    case 'warm':
      return `kept for ${block.factoryId}, which has the repository, until ${clock(block.until)}`;
    case 'reserved':
      return `keeps its stations for the ${block.waiting} jobs waiting in pool ${block.pool}`;
    case 'budget':
      return `the ${block.window}'s budget has $${Math.max(0, block.leftUsd).toFixed(2)} left`;
    default:
      return assertExhaustive(block);
  }
}

/** What a pool means to a waiting job: whether it suits, and who is there. */
export function poolText(name: string, { pool, factories }: Pick<Explanation, 'pool' | 'factories'>): string {
  const there = factories.filter(({ pools }) => pools.includes(name)).length;
  const who = there === 0 ? 'nobody is in it' : `${there} ${there === 1 ? 'factory' : 'factories'} in it`;
  return `${pool === name ? 'chosen' : 'suits'}: ${who}`;
}

const PARTS: readonly { part: Exclude<keyof Score, 'total'>; label: string; meaning: string }[] = [
  { part: 'capabilityFit', label: 'Capability fit', meaning: 'little is left unused on that factory' },
  { part: 'affinity', label: 'Affinity', meaning: 'preferences, and a warm checkout of the repository' },
  { part: 'load', label: 'Load', meaning: 'free stations' },
  { part: 'cost', label: 'Cost', meaning: 'how cheap the factory is' },
  { part: 'health', label: 'Health', meaning: 'how its last runs went' },
  { part: 'starvation', label: 'Waiting', meaning: 'how long the job has waited' },
];

export interface ScoreRow {
  readonly label: string;
  readonly meaning: string;
  readonly value: number;
  /** Length of its bar, 0 to 1, relative to the largest part. */
  readonly share: number;
}

/** The parts of a score, already weighted, in the order of the formula. */
export function scoreRows(score: Score): ScoreRow[] {
  const largest = Math.max(...PARTS.map(({ part }) => Math.abs(score[part])), Number.EPSILON);
  return PARTS.map(({ part, label, meaning }) => ({
    label,
    meaning,
    value: score[part],
    share: Math.abs(score[part]) / largest,
  }));
}
