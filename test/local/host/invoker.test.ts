import { describe, expect, it } from 'vitest';
import { retryDelay } from '../../../local/host/invoker.js';

describe('the delay before a retry', () => {
  it('is fixed where the policy says so', () => {
    const policy = { retryStrategy: 'fixedDelay', maxRetryCount: 3, delayInterval: { seconds: 7 } } as const;
    expect([1, 2, 3].map((attempt) => retryDelay(policy, attempt, 0.5))).toEqual([7_000, 7_000, 7_000]);
  });

  it('doubles from the minimum on, spread by a fifth, up to the maximum', () => {
    const policy = {
      retryStrategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 10 },
      maximumInterval: { seconds: 60 },
    } as const;
    const delays = (random: number): number[] =>
      [1, 2, 3, 4].map((attempt) => retryDelay(policy, attempt, random));
    expect(delays(0.5)).toEqual([20_000, 30_000, 50_000, 60_000]);
    expect(delays(0)).toEqual([18_000, 26_000, 42_000, 60_000]);
  });
});
