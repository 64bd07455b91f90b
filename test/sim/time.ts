// Virtual time: nothing waits, the next event is simply next. Between two events every promise that can go on does.
import { setImmediate } from 'node:timers';
import { VirtualClock } from '../../local/clock.js';

/** A promise for what died: whoever waits for it never goes on. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});

/**
 * Events a turn of Node's loop. Node empties all promise jobs after each immediate, so one event an immediate lets
 * everything that can go on do so before time passes; several of them a turn save most of what a turn costs.
 */
const EVENTS_A_TURN = 64;

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

  /** Lets time pass until nothing is left to happen or `isOver` says so. Rejects with what an event throws. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let goesOn = true;
      const end = (settle: () => void): void => {
        goesOn = false;
        settle();
      };
      const step = (): void => {
        if (!goesOn) return;
        const next = isOver() ? undefined : this.clock.nextAt();
        if (next === undefined) return end(resolve);
        this.events += 1;
        try {
          this.clock.advanceTo(next);
        } catch (error) {
          end(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const turn = (): void => {
        for (let at = 0; at < EVENTS_A_TURN; at += 1) setImmediate(step);
        setImmediate(() => {
          if (goesOn) turn();
        });
      };
      turn();
    });
  }
}
