import { describe, expect, it } from 'vitest';
import { MAX_BACKOFF_SECONDS, backoffSeconds, decideRetry } from '../../../shared/rules/retry.js';
import { NOW, at } from './fixtures.js';

describe('the wait before a retry', () => {
  it.each([
    [1, 10],
    [2, 20],
    [3, 40],
    [8, 1280],
    [9, MAX_BACKOFF_SECONDS],
    [5000, MAX_BACKOFF_SECONDS],
  ])('after attempt %d of a 10 s policy is %d s', (attempts, seconds) => {
    expect(backoffSeconds(10, attempts)).toBe(seconds);
  });
});

describe('a retry', () => {
  const retry = { max: 1, backoff: 10, on: ['timeout' as const] };
  it.each([
    ['timeout', 1, { kind: 'retry', at: at(10) }],
    ['timeout', 2, { kind: 'exhausted' }],
    ['lost', 1, { kind: 'failed' }],
    ['preflight', 1, { kind: 'failed' }],
  ] as const)('after %s on attempt %d: %j', (reason, attempts, expected) => {
    expect(decideRetry({ reason, attempts, retry, now: NOW })).toEqual(expected);
  });
});
