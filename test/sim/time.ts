// Virtual time: nothing waits, the next event is simply next. Between two events every promise that can go on does.
import { setImmediate } from 'node:timers';
import { VirtualClock } from '../../local/clock.js';

/** A promise for what died: whoever waits for it never goes on. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** Runs once nothing more can happen without time passing: Node empties all promise jobs before an immediate. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class SimTime {
  readonly clock: VirtualClock;
  readonly startedAt: number;
  /** Events so far. */
  events = 0;

  constructor(startMs: number) {
    this.clock = new VirtualClock(startMs);
    this.startedAt = startMs;
  }

  /** Milliseconds since 1970, with fractions: events at the very same moment are rare. */
  get now(): number {
    return this.clock.now();
  }

  iso(skewMs = 0): string {
    return new Date(this.now + skewMs).toISOString();
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.schedule(this.now + Math.max(0, ms), resolve));
  }

  after(ms: number, act: () => void): void {
    this.clock.schedule(this.now + Math.max(0, ms), act);
  }

  /** Lets time pass until nothing is left to happen, the moment is reached, or `isOver` says so. */
  async run(untilMs: number, isOver: () => boolean): Promise<void> {
    await settled();
    for (let next = this.clock.nextAt(); next !== undefined; next = this.clock.nextAt()) {
      if (next > untilMs) {
        this.clock.advanceTo(untilMs);
        return;
      }
      this.clock.advanceTo(next);
      this.events += 1;
      await settled();
      if (isOver()) return;
    }
  }
}
