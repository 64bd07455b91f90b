import type { Clock } from '../clock.js';
import { Heap } from '../heap.js';

/** Below this many entries a heap is never cleaned of forgotten ones. */
const MIN_PRUNE_SIZE = 1_024;

/**
 * Things that fall due, on one timer of the clock. Nothing is cancelled: an item is asked for its due time when
 * its entry comes up, and may then be done with or due later (a renewed lock costs no entry of its own).
 */
export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #dueAt: (item: T) => number | undefined;
  readonly #onDue: (item: T) => void;
  /** Items due at the same time come in the order they were added. */
  readonly #heap = new Heap<{ at: number; order: number; item: T }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order),
  );
  #order = 0;
  #forgotten = 0;
  #armedAt = Infinity;
  #disarm: (() => void) | undefined;

  /**
   * @param dueAt the current due time of an item (ms), undefined once it no longer matters
   * @param onDue called once for each item that is due
   */
  constructor(clock: Clock, dueAt: (item: T) => number | undefined, onDue: (item: T) => void) {
    this.#clock = clock;
    this.#dueAt = dueAt;
    this.#onDue = onDue;
  }

  add(item: T, at: number): void {
    if (at === Infinity) return;
    this.#heap.push({ at, order: this.#order++, item });
    this.#arm();
  }

  /** Says that one item no longer matters: its entry goes at the next clean-up, once half are such. */
  forget(): void {
    this.#forgotten++;
    if (this.#heap.size < MIN_PRUNE_SIZE || this.#forgotten * 2 < this.#heap.size) return;
    this.#heap.prune(({ item }) => this.#dueAt(item) !== undefined);
    this.#forgotten = 0;
  }

  /** Stops the timer for good. */
  close(): void {
    this.#disarm?.();
    this.#heap.prune(() => false);
  }

  #arm(): void {
    const next = this.#heap.peek()?.at ?? Infinity;
    if (next >= this.#armedAt) return;
    this.#disarm?.();
    this.#armedAt = next;
    this.#disarm = this.#clock.schedule(next, () => this.#run());
  }

  #run(): void {
    this.#armedAt = Infinity;
    this.#disarm = undefined;
    const now = this.#clock.now();
    for (let top = this.#heap.peek(); top && top.at <= now; top = this.#heap.peek()) {
      this.#heap.pop();
      const due = this.#dueAt(top.item);
      if (due === undefined) this.#forgotten = Math.max(0, this.#forgotten - 1);
      else if (due > now) this.#heap.push({ ...top, at: due });
      else this.#onDue(top.item);
    }
    this.#arm();
  }
}
