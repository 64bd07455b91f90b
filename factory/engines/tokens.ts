/**
 * Token counts as we add them up. Engines count differently: claude, opencode and the Messages API leave cached tokens
 * out of the input, codex and copilot put them in. Here no token is in two counts.
 */
import type { TokenCounts } from '../../shared/contract/job.js';

export type { TokenCounts };

export const NO_TOKENS: TokenCounts = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0 };

const count = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;

/** Counts of an engine whose input leaves cached tokens out. Anything that is no number counts as 0. */
export const tokensApart = (
  input: unknown,
  cached: unknown,
  written: unknown,
  output: unknown,
): TokenCounts => ({
  input: count(input),
  cachedInput: count(cached),
  cacheWrite: count(written),
  output: count(output),
});

/** Counts of an engine whose input has the cached tokens in it. */
export function tokensWithin(
  input: unknown,
  cached: unknown,
  written: unknown,
  output: unknown,
): TokenCounts {
  const apart = tokensApart(input, cached, written, output);
  return { ...apart, input: Math.max(0, apart.input - apart.cachedInput - apart.cacheWrite) };
}

export const addTokens = (one: TokenCounts, other: TokenCounts): TokenCounts => ({
  input: one.input + other.input,
  cachedInput: one.cachedInput + other.cachedInput,
  cacheWrite: one.cacheWrite + other.cacheWrite,
  output: one.output + other.output,
});

export const subtractTokens = (one: TokenCounts, other: TokenCounts): TokenCounts => ({
  input: Math.max(0, one.input - other.input),
  cachedInput: Math.max(0, one.cachedInput - other.cachedInput),
  cacheWrite: Math.max(0, one.cacheWrite - other.cacheWrite),
  output: Math.max(0, one.output - other.output),
});

export const totalTokens = ({ input, cachedInput, cacheWrite, output }: TokenCounts): number =>
  input + cachedInput + cacheWrite + output;
