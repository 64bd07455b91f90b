/** What a run cost, read from events and added up. */
import type { JobEvent } from '../contract/event.js';
import type { TokenCounts, Usage } from '../contract/job.js';

export interface SpendOfEvent {
  usd: number;
  tokens: number;
  wallSeconds: number;
}

export const NO_USAGE: Usage = { wallSeconds: 0, tokens: 0, usd: 0, accuracy: 'exact' };

const LESS_SURE: Record<Usage['accuracy'], number> = { exact: 0, estimated: 1, unknown: 2 };

/** The sum of two usages; as sure as the less sure of them. */
export function addUsage(one: Usage, other: Usage): Usage {
  const counts = addCounts(one.tokenCounts, other.tokenCounts);
  return {
    wallSeconds: one.wallSeconds + other.wallSeconds,
    tokens: one.tokens + other.tokens,
    usd: one.usd + other.usd,
    accuracy: LESS_SURE[one.accuracy] >= LESS_SURE[other.accuracy] ? one.accuracy : other.accuracy,
    ...(counts && { tokenCounts: counts }),
  };
}

/** Counts that only one side tells are that side's: they are of the tokens that are known so far. */
function addCounts(one: TokenCounts | undefined, other: TokenCounts | undefined): TokenCounts | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    input: one.input + other.input,
    cachedInput: one.cachedInput + other.cachedInput,
    cacheWrite: one.cacheWrite + other.cacheWrite,
    output: one.output + other.output,
  };
}

/**
 * What an event adds to its product's spend, or nothing. At most one event of a run (of an epoch) carries usage: the
 * lifecycle sees to it, so a ledger entry per epoch counts nothing twice.
 */
export function spendOf(event: Pick<JobEvent, 'body'>): SpendOfEvent | undefined {
  const { body } = event;
  switch (body.kind) {
    case 'run.finished':
    case 'run.planned':
    case 'run.failed':
    case 'run.released':
      break;
    default:
      return undefined;
  }
  // Where nobody knows what was used, zeros are no figures: the reservation stands for it.
  if (body.usage === undefined || body.usage.accuracy === 'unknown') return undefined;
  const { usd, tokens, wallSeconds } = body.usage;
  return { usd, tokens, wallSeconds };
}
