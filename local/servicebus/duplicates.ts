import { Fifo } from './fifo.js';

/** The message ids seen within the duplicate detection window; the oldest are forgotten as new ones come. */
export class DuplicateWindow {
  readonly #until = new Map<string, number>();
  readonly #order = new Fifo<{ id: string; until: number }>();

  /** True if the id is known at `now` (ms). */
  has(id: string, now: number): boolean {
    for (let oldest = this.#order.peek(); oldest && oldest.until <= now; oldest = this.#order.peek()) {
      this.#order.shift();
      if (this.#until.get(oldest.id) === oldest.until) this.#until.delete(oldest.id);
    }
    return (this.#until.get(id) ?? 0) > now;
  }

  note(id: string, until: number): void {
    this.#until.set(id, until);
    this.#order.push({ id, until });
  }

  *entries(now: number): Generator<[id: string, until: number]> {
    for (const [id, until] of this.#until) if (until > now) yield [id, until];
  }
}
