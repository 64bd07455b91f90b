/** The seats of a factory: how many runs at the same time, and which are taken. */
import { Deferred } from './deferred.js';

export class Stations {
  readonly capacity: number;
  private readonly runs = new Set<Promise<void>>();
  private changed = new Deferred();
  private resting: NodeJS.Timeout | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get running(): number {
    return this.runs.size;
  }

  get free(): number {
    return this.resting ? 0 : Math.max(0, this.capacity - this.runs.size);
  }

  /** Takes no work for a while: the machine cannot do any. Runs that are under way go on. */
  rest(ms: number): void {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.resting = undefined;
      this.tell();
    }, ms);
    this.resting.unref();
  }

  /** Takes a seat until the run has ended. */
  start(run: () => Promise<void>): void {
    const seat: Promise<void> = run().finally(() => {
      this.runs.delete(seat);
      this.tell();
    });
    this.runs.add(seat);
    this.tell();
  }

  /** Resolves when a seat is free, or when the signal is aborted. */
  async whenFree(signal: AbortSignal): Promise<void> {
    while (this.free === 0 && !signal.aborted) await this.next(signal);
  }

  /** Resolves when every run has ended. */
  async whenEmpty(): Promise<void> {
    await Promise.allSettled(this.runs);
  }

  /** Resolves at the next beginning or end of a run, or when the signal is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = new Deferred();
    const onAbort = (): void => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await Promise.race([this.changed.promise, promise]);
    signal.removeEventListener('abort', onAbort);
  }

  private tell(): void {
    this.changed.resolve();
    this.changed = new Deferred();
  }
}
