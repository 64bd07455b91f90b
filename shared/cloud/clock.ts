import { setTimeout as delay } from 'node:timers/promises';

/** Time as the operations see it; tests bring their own. */
export interface Clock {
  /** ISO 8601 in UTC with milliseconds: compares as text. */
  now(): string;
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};
