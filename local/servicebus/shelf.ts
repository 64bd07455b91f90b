import { Backlog } from './backlog.js';
import type { StoredMessage } from './changes.js';
import type { Message } from './message.js';

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
    // Spelled out: a million messages made by spreading would be a million slow, fat dictionaries.
    const message: Message = {
      seq: given.seq,
      enqueuedSeq: given.enqueuedSeq,
      messageId: given.messageId,
      sessionId: given.sessionId,
      enqueuedAt: given.enqueuedAt,
      expiresAt: given.ttlMs === undefined ? Infinity : given.enqueuedAt + given.ttlMs,
      ttlMs: given.ttlMs,
      scheduledFor: given.scheduledFor,
      deadLetter: given.deadLetter,
      payload: given.payload,
      state: given.state,
      deliveries: given.deliveries,
      lock: undefined,
      ready: false,
      gone: false,
    };
    if (message.state === 'deferred') this.deferred++;
    if (message.state === 'scheduled') this.scheduled++;
    this.bytes += message.payload.length;
    const backlog = this.#backlogOf(message);
    // Where sessions have backlogs of their own, the one of all messages only finds them.
    if (backlog !== this.all) this.all.add(message);
    message.ready = message.state === 'active';
    backlog.add(message);
    return message;
  }

  /** Removes a message; its payload stays readable to those who hold it. */
  drop(message: Message): void {
    const backlog = this.#backlogOf(message);
    backlog.unready(message);
    message.gone = true;
    if (message.state === 'deferred') this.deferred--;
    if (message.state === 'scheduled') this.scheduled--;
    this.bytes -= message.payload.length;
    // The gap in the backlog may live on for a while; it must not keep the payload.
    message.payload = NOTHING;
    if (backlog !== this.all) backlog.dropped();
    this.all.dropped();
  }

  defer(message: Message): void {
    // While a log is read back; in life, the one that defers it has taken it.
    this.#backlogOf(message).unready(message);
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
  return {
    seq: message.seq,
    enqueuedSeq: message.enqueuedSeq,
    messageId: message.messageId,
    sessionId: message.sessionId,
    enqueuedAt: message.enqueuedAt,
    ttlMs: message.ttlMs,
    scheduledFor: message.scheduledFor,
    deadLetter: message.deadLetter,
    payload: message.payload,
    state: message.state,
    deliveries: message.deliveries,
  };
}
