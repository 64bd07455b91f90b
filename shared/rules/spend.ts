/** What a run cost, read from events and added up. */
import type { JobEvent } from '../contract/event.js';
import type { Usage } from '../contract/job.js';

export interface SpendOfEvent {
  usd: number;
  tokens: number;
  wallSeconds: number;
}

export const NO_USAGE: Usage = { wallSeconds: 0, tokens: 0, usd: 0, accuracy: 'exact' };

const LESS_SURE: Record<Usage['accuracy'], number> = { exact: 0, estimated: 1, unknown: 2 };

/** The sum of two usages; as sure as the less sure of them. */
export const addUsage = (one: Usage, other: Usage): Usage => ({
  wallSeconds: one.wallSeconds + other.wallSeconds,
  tokens: one.tokens + other.tokens,
  usd: one.usd + other.usd,
  accuracy: LESS_SURE[one.accuracy] >= LESS_SURE[other.accuracy] ? one.accuracy : other.accuracy,
});

/**
 * What an event adds to its product's spend, or nothing. At most one event of a run (of an epoch) carries usage: the
 * lifecycle sees to it, so a ledger entry per epoch counts nothing twice.
 */
export function spendOf(event: Pick<JobEvent, 'body'>): SpendOfEvent | undefined {
  const { body } = event;
  if (body.kind !== 'run.finished' && body.kind !== 'run.planned' && body.kind !== 'run.failed')
    return undefined;
  if (body.usage === undefined) return undefined;
  const { usd, tokens, wallSeconds } = body.usage;
  return { usd, tokens, wallSeconds };
}
