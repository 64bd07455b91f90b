import { Backlog } from './backlog.js';
import type { StoredMessage } from './changes.js';
import { isReady, type Message } from './message.js';

const NOTHING = new Uint8Array();

/** The messages of one queue or dead-letter queue, and their counts. */
export class Shelf {
  /** Every message, in any state. */
  readonly all = new Backlog();
  deferred = 0;
  scheduled = 0;
  /** Bytes of payload. */
  bytes = 0;
  readonly #backlogOf: (message: Message) => Backlog;

  /** @param backlogOf where a message waits for a receiver: `all`, or its session's backlog */
  constructor(backlogOf: ((message: Message) => Backlog) | undefined) {
    this.#backlogOf = backlogOf ?? (() => this.all);
  }

  add(given: StoredMessage): Message {
    const { ttlMs, ...rest } = given;
    const expiresAt = ttlMs === undefined ? Infinity : given.enqueuedAt + ttlMs;
    const message: Message = { ...rest, ttlMs, expiresAt, lock: undefined, gone: false };
    if (message.state === 'deferred') this.deferred++;
    if (message.state === 'scheduled') this.scheduled++;
    this.bytes += message.payload.length;
    this.all.add(message);
    const backlog = this.#backlogOf(message);
    if (backlog !== this.all) backlog.add(message);
    return message;
  }

  /** Removes a message; its payload stays readable to those who hold it. */
  drop(message: Message): void {
    const wasReady = isReady(message);
    message.gone = true;
    if (message.state === 'deferred') this.deferred--;
    if (message.state === 'scheduled') this.scheduled--;
    this.bytes -= message.payload.length;
    // The gap in the backlog may live on for a while; it must not keep the payload.
    message.payload = NOTHING;
    const backlog = this.#backlogOf(message);
    if (backlog !== this.all) backlog.dropped(wasReady);
    this.all.dropped(wasReady);
  }

  defer(message: Message): void {
    if (isReady(message)) {
      // Only while a log is read back: in life a message is deferred by the one that holds its lock.
      const backlog = this.#backlogOf(message);
      backlog.ready--;
      if (backlog !== this.all) this.all.ready--;
    }
    if (message.state === 'active') this.deferred++;
    message.state = 'deferred';
  }

  giveBack(message: Message): void {
    this.#backlogOf(message).giveBack(message);
  }

  replacePayload(message: Message, payload: Uint8Array): void {
    this.bytes += payload.length - message.payload.length;
    message.payload = payload;
  }
}

/** What must be stored of a message. */
export function stored(message: Message): StoredMessage {
  const { expiresAt: _expiresAt, lock: _lock, gone: _gone, ...rest } = message;
  return rest;
}
