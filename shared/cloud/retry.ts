import { setTimeout as delay } from 'node:timers/promises';
import { CloudError } from './errors.js';

/** First pause between attempts (ms); doubles each time, with full jitter so that a herd spreads out. */
const BASE_MS = 15;
const CAP_MS = 1000;
/** About two seconds in all: a caller over HTTP still waits, and a queue or feed comes again anyway. */
const MAX_ATTEMPTS = 7;

/**
 * Runs `attempt` and repeats it while it fails as throttled or unavailable. A write that is repeated may have taken
 * effect the first time: callers recognise their own work by id or hash (see operations/commitDecision.ts).
 * @param toError what the SDK threw, as a CloudError where it is one
 * @param pause waits for any time up to that
 * @throws the last failure
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  toError: (error: unknown) => unknown,
  pause: (longestMs: number) => Promise<void> = pauseByChance,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toError(thrown);
      const transient =
        error instanceof CloudError && (error.kind === 'throttled' || error.kind === 'unavailable');
      if (!transient || tries === MAX_ATTEMPTS) throw error;
      await pause(Math.min(CAP_MS, BASE_MS * 2 ** tries));
    }
  }
}

const pauseByChance = (longestMs: number): Promise<void> => delay(Math.random() * longestMs);
