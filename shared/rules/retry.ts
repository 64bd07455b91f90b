/** What follows a failed run: another try later, the end, or the dead letters. */
import type { FailureReason } from '../contract/job.js';
import type { Manifest, RetryReason } from '../contract/manifest.js';
import { after } from './leases.js';

/** Longest wait between two tries, in seconds: a person who looks twice an hour sees a change. */
export const MAX_BACKOFF_SECONDS = 1800;

const RETRYABLE: Record<FailureReason, boolean> = {
  timeout: true,
  verify_failed: true,
  engine_failed: true,
  lost: true,
  // The same would happen again, or a person decided.
  preflight: false,
  refused: false,
  no_change: false,
  budget: false,
  merge_conflict: false,
  cancelled: false,
  rejected: false,
  children: false,
};

const isRetryable = (reason: FailureReason): reason is RetryReason => RETRYABLE[reason];

export type RetryDecision =
  /** Back to the queue, not before `at`. */
  | { kind: 'retry'; at: string }
  /** The policy does not retry this reason. */
  | { kind: 'failed' }
  /** The policy would, but its tries are used up: for a person to look at. */
  | { kind: 'exhausted' };

/** Seconds to wait after the given number of failed attempts (1 or more): doubles with each, up to the cap. */
export const backoffSeconds = (base: number, attempts: number): number =>
  Math.min(MAX_BACKOFF_SECONDS, base * 2 ** Math.min(attempts - 1, 30));

/** `attempts` counts the run that just failed; `retry.max` counts the tries after the first. */
export function decideRetry(input: {
  reason: FailureReason;
  attempts: number;
  retry: Manifest['retry'];
  now: string;
}): RetryDecision {
  const { reason, attempts, retry, now } = input;
  if (!isRetryable(reason) || !retry.on.includes(reason)) return { kind: 'failed' };
  if (attempts > retry.max) return { kind: 'exhausted' };
  return { kind: 'retry', at: after(now, backoffSeconds(retry.backoff, attempts)) };
}
