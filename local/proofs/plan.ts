// Carries out disturbances, drawn from a seed, for a while: what comes when and for how long is the seed's; what it
// meets is not.
import { setTimeout as delay } from 'node:timers/promises';
import type { Disturbance } from './disturbances.js';
import { seeded } from './random.js';

export interface Blow {
  readonly kind: string;
  readonly factory?: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly forMs: number;
  readonly signal: AbortSignal;
  readonly onBlow: (kind: string, part: string) => void;
}

/** Longest pause between two disturbances (ms). */
const MAX_PAUSE_MS = 2000;

/** Ends early, without a word, when the signal is aborted. */
const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

/**
 * Several parts may suffer at once, but each from one thing at a time.
 * @returns all that was done, when it is over
 * @throws the first thing that could not be done
 */
export async function carryOut(all: readonly Disturbance[], options: PlanOptions): Promise<Blow[]> {
  const random = seeded(options.seed);
  const end = Date.now() + options.forMs;
  const busy = new Set<string>();
  const blows: Blow[] = [];
  const running: Promise<void>[] = [];
  const failures: unknown[] = [];
  while (Date.now() < end && !options.signal.aborted && failures.length === 0) {
    const one = pick(all, random());
    // A generator of its own, so that the next draws do not depend on how long this one lasts.
    const own = seeded(Math.floor(random() * 2 ** 32));
    if (one && !busy.has(one.part)) {
      busy.add(one.part);
      options.onBlow(one.kind, one.part);
      const from = Date.now();
      running.push(
        one
          .run(own)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => {
            busy.delete(one.part);
            blows.push({
              kind: one.kind,
              from,
              to: Date.now(),
              ...(one.factory ? { factory: one.factory } : {}),
            });
          }),
      );
    }
    await wait(random() * MAX_PAUSE_MS, options.signal);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  return blows;
}

function pick(from: readonly Disturbance[], at: number): Disturbance | undefined {
  let left = at * from.reduce((sum, { weight }) => sum + weight, 0);
  return from.find(({ weight }) => (left -= weight) < 0);
}
