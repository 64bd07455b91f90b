// Time, injected: the engines read it and are woken by it only through this interface, so a simulation can run
// thousands of hours in a minute and a test can expire a lock without waiting for it.
import { Heap } from './heap.js';

/** A source of time and of wake-ups. Times are milliseconds since the Unix epoch. */
export interface Clock {
  now(): number;
  /**
   * Calls `fn` once, at `atMs` or as soon after it as possible; never synchronously.
   * @returns a function that cancels the call; harmless after it ran.
   */
  schedule(atMs: number, fn: () => void): () => void;
}

/** Longest delay `setTimeout` takes (ms); a longer one would fire at once. Source: the Node.js timers reference. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's clock. Its timers never keep a process alive: the listening socket does. */
export const realClock: Clock = {
  now: () => Date.now(),
  schedule(atMs, fn) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const delay = Math.max(0, atMs - Date.now());
      timer = setTimeout(() => (delay > MAX_TIMEOUT_MS ? arm() : fn()), Math.min(delay, MAX_TIMEOUT_MS));
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Another clock, put forward or back by so much: what a machine's clock that is set, or runs wrong, looks like. */
export class SkewedClock implements Clock {
  readonly #base: Clock;
  readonly #waiting = new Set<{ atMs: number; fn: () => void; disarm: () => void }>();
  #skewMs = 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  now(): number {
    return this.#base.now() + this.#skewMs;
  }

  schedule(atMs: number, fn: () => void): () => void {
    const wakeup = { atMs, fn, disarm: (): void => {} };
    this.#waiting.add(wakeup);
    this.#arm(wakeup);
    return () => {
      this.#waiting.delete(wakeup);
      wakeup.disarm();
    };
  }

  /** Sets how far (ms) it is ahead of the other; behind, if negative. What falls due by it runs soon. */
  skew(ms: number): void {
    if (ms === this.#skewMs) return;
    this.#skewMs = ms;
    for (const wakeup of this.#waiting) {
      wakeup.disarm();
      this.#arm(wakeup);
    }
  }

  #arm(wakeup: { atMs: number; fn: () => void; disarm: () => void }): void {
    wakeup.disarm = this.#base.schedule(wakeup.atMs - this.#skewMs, () => {
      this.#waiting.delete(wakeup);
      wakeup.fn();
    });
  }
}

interface Wakeup {
  atMs: number;
  /** Order of scheduling: breaks ties, so that a run is repeatable. */
  order: number;
  fn: (() => void) | undefined;
}

/** A clock that moves only when told to. Wake-ups run in order of time, then of scheduling. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #heap = new Heap<Wakeup>(isBefore);

  /** @param startMs the first time it shows; any fixed number keeps a run repeatable */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  /** The time of the next wake-up that was not cancelled, or undefined if nothing waits. */
  nextAt(): number | undefined {
    while (this.#heap.peek()?.fn === undefined && this.#heap.size > 0) this.#heap.pop();
    return this.#heap.peek()?.atMs;
  }

  schedule(atMs: number, fn: () => void): () => void {
    const wakeup: Wakeup = { atMs, order: this.#order++, fn };
    this.#heap.push(wakeup);
    return () => {
      wakeup.fn = undefined;
    };
  }

  /**
   * Moves the time forward to `toMs`, running every wake-up that falls due on the way, each at its own time,
   * those included that they schedule. A time in the past leaves the clock where it is.
   */
  advanceTo(toMs: number): void {
    for (let next = this.nextAt(); next !== undefined && next <= toMs; next = this.nextAt()) {
      const wakeup = this.#heap.pop();
      this.#now = Math.max(this.#now, next);
      wakeup?.fn?.();
    }
    this.#now = Math.max(this.#now, toMs);
  }

  /** `advanceTo` by a distance (ms). */
  advanceBy(ms: number): void {
    this.advanceTo(this.#now + ms);
  }
}

function isBefore(a: Wakeup, b: Wakeup): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
