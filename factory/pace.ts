import { pause } from './pause.js';

/** A factory's own time and chance: the leases it holds are judged by it. A simulation brings its own. */
export interface Pace {
  /** Milliseconds since some moment, never going back. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
  /** From 0 up to 1. */
  random(): number;
}

export const machinePace: Pace = { now: () => performance.now(), pause, random: () => Math.random() };
