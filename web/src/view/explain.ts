/** Decisions in words: what pools mean to a job, and what its score is made of. */
import { blockText } from '../../../shared/blockText.js';
import { count } from '../../../shared/contract/count.js';
import type { Block, Explanation, Score } from '../../../shared/contract/explanation.js';
import { formatClock } from './time.js';

/** Everything that keeps a job from a factory, in one line. */
export const blocksText = (blocks: readonly Block[]): string =>
  blocks.map((block) => blockText(block, (time) => formatClock(time, Date.now()))).join('; ');

/** What a pool means to a waiting job: whether it suits, and who is there. */
export function poolText(name: string, { pool, factories }: Pick<Explanation, 'pool' | 'factories'>): string {
  const there = factories.filter(({ pools }) => pools.includes(name)).length;
  const who = there === 0 ? 'nobody is in it' : `${count(there, 'factory', 'factories')} in it`;
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
