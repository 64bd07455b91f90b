import { Heap } from '../heap.js';
import type { Message } from './message.js';

/** A backlog is cleaned of removed messages when they are more than half of it, and more than this. */
const MIN_COMPACT = 64;

/**
 * Messages in order of their sequence number. A cursor moves over them as they are taken; those that come back
 * wait in a heap, so that the lowest number is always taken first. Removed ones stay as gaps until half are gaps.
 */
export class Backlog {
  /** How many can be taken now. */
  #ready = 0;
  #items: Message[] = [];
  #cursor = 0;
  #gaps = 0;
  readonly #returned = new Heap<Message>((a, b) => a.seq < b.seq);

  get ready(): number {
    return this.#ready;
  }

  get size(): number {
    return this.#items.length - this.#gaps;
  }

  /** Adds a message. In O(1) if its number is the highest so far; only dead letters come out of order. */
  add(message: Message): void {
    const last = this.#items.at(-1);
    if (last === undefined || last.seq < message.seq) this.#items.push(message);
    else {
      const at = this.#indexOf(message.seq);
      this.#items.splice(at, 0, message);
      if (at < this.#cursor) {
        this.#cursor++;
        this.#returned.push(message);
      }
    }
    if (message.ready) this.#ready++;
  }

  /** The ready message with the lowest number; the caller locks or removes it. */
  take(): Message | undefined {
    if (this.#ready === 0) return undefined;
    while (this.#returned.size > 0 && !this.#returned.peek()!.ready) this.#returned.pop();
    while (this.#cursor < this.#items.length && !this.#items[this.#cursor]!.ready) this.#cursor++;
    const returned = this.#returned.peek();
    const fresh = this.#items[this.#cursor];
    const message = returned && (!fresh || returned.seq < fresh.seq) ? returned : fresh;
    if (message === undefined) return undefined;
    if (message === returned) this.#returned.pop();
    else this.#cursor++;
    this.unready(message);
    return message;
  }

  /** Takes back a message that is ready again. */
  giveBack(message: Message): void {
    this.#returned.push(message);
    message.ready = true;
    this.#ready++;
  }

  /** Notes that a message no longer waits. */
  unready(message: Message): void {
    if (!message.ready) return;
    message.ready = false;
    this.#ready--;
  }

  /** Notes that a message of it is gone. */
  dropped(): void {
    this.#gaps++;
    if (this.#gaps <= MIN_COMPACT || this.#gaps * 2 < this.#items.length) return;
    let cursor = 0;
    for (let at = 0; at < this.#cursor; at++) if (!this.#items[at]!.gone) cursor++;
    this.#items = this.#items.filter(({ gone }) => !gone);
    this.#cursor = cursor;
    this.#gaps = 0;
  }

  find(seq: number): Message | undefined {
    const message = this.#items[this.#indexOf(seq)];
    return message?.seq === seq && !message.gone ? message : undefined;
  }

  /** Every message from a sequence number on, whatever its state. */
  *from(seq: number): Generator<Message> {
    for (let at = this.#indexOf(seq); at < this.#items.length; at++)
      if (!this.#items[at]!.gone) yield this.#items[at]!;
  }

  /** Index of the first message with this number or a higher one. */
  #indexOf(seq: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#items[middle]!.seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
