import type { Backlog } from './backlog.js';
import { Fifo } from './fifo.js';
import type { Message } from './message.js';

/** One delivery in peek-lock mode, until it is settled or its time is up. */
export interface MessageLock {
  /** A UUID. */
  readonly token: string;
  readonly message: Message;
  /** The session it was received in; its lock then stands for this one's time. */
  readonly session: SessionLock | undefined;
  until: number;
  released: boolean;
}

export interface Session {
  readonly id: string;
  readonly outlet: Outlet;
  state: Uint8Array | undefined;
  lock: SessionLock | undefined;
  /** True while it stands in the line of sessions to accept. */
  inLine: boolean;
}

/** The exclusive hold of a session by one receiver. */
export interface SessionLock {
  readonly session: Session;
  /** Name of the receiver that holds it. */
  readonly owner: string;
  readonly messageLocks: Set<MessageLock>;
  /** Called once if it ends by itself: it expired, or its queue was deleted. */
  readonly onLost: (why: 'expired' | 'deleted') => void;
  until: number;
  released: boolean;
}

export type ReceiveMode = 'peekLock' | 'receiveAndDelete';

/** A standing demand for messages. */
export interface Receiver {
  readonly mode: ReceiveMode;
  readonly session: SessionLock | undefined;
  /** Called for each message, once a credit; without a lock in receive-and-delete mode. */
  readonly onMessage: (message: Message, lock: MessageLock | undefined) => void;
  readonly onDeleted: () => void;
  credit: number;
  waiting: boolean;
}

/** A backlog and those who wait for its messages, served in turn. */
export class Outlet {
  readonly backlog: Backlog;
  readonly #waiting = new Fifo<Receiver>();
  #pumping = false;

  constructor(backlog: Backlog) {
    this.backlog = backlog;
  }

  /** Sets how many messages a receiver may still get. */
  demand(receiver: Receiver, credit: number): void {
    receiver.credit = credit;
    if (credit > 0 && !receiver.waiting) {
      receiver.waiting = true;
      this.#waiting.push(receiver);
    }
  }

  /** Ends a receiver's demand. */
  leave(receiver: Receiver): void {
    receiver.credit = 0;
    if (receiver.waiting) this.#waiting.remove(receiver);
    receiver.waiting = false;
  }

  /** Hands ready messages to waiting receivers, one each in turn, until either runs out. */
  pump(hand: (receiver: Receiver, message: Message) => void): void {
    // A receiver may ask for more, or settle, from within its callback: the outer loop sees to it.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.backlog.ready > 0) {
        const receiver = this.#waiting.shift();
        if (!receiver) break;
        receiver.waiting = false;
        if (receiver.credit <= 0 || receiver.session?.released) continue;
        const message = this.backlog.take();
        if (!message) break;
        this.demand(receiver, receiver.credit - 1);
        hand(receiver, message);
      }
    } finally {
      this.#pumping = false;
    }
  }
}
