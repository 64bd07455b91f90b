import type { Clock } from '../clock.js';
import type { Change, StoredMessage } from './changes.js';
import { Deadlines } from './deadlines.js';
import { DuplicateWindow } from './duplicates.js';
import { ServiceBusError } from './errors.js';
import { Outlet, type MessageLock, type ReceiveMode, type Receiver, type SessionLock } from './locks.js';
import { checkMessage, type Message, type NewMessage } from './message.js';
import { Sessions } from './sessions.js';
import type { QueueCounts, Settlement } from './settlement.js';
import { Shelf, stored } from './shelf.js';
import type { QueueSettings } from './spec.js';

export interface QueueContext {
  readonly clock: Clock;
  /** Makes a UUID. */
  readonly newToken: () => string;
  readonly onChange: (change: Change) => void;
}

/**
 * One queue, without sockets: every step is synchronous and takes its time from the clock. Its dead-letter queue
 * is a queue of the same kind that has no sessions, no time to live and no delivery limit.
 */
export class Queue {
  settings: QueueSettings;
  readonly deadLetters: Queue | undefined;
  readonly sessions: Sessions | undefined;
  /** For `restore` and `snapshot`. */
  readonly shelf: Shelf;
  readonly duplicates = new DuplicateWindow();
  nextSeq = 1;
  readonly #context: QueueContext;
  /** Where receivers without a session wait; a queue with sessions has one outlet a session. */
  readonly #outlet: Outlet;
  readonly #receivers = new Set<Receiver>();
  readonly #locks = new Map<string, MessageLock>();
  readonly #lockExpiry: Deadlines<MessageLock>;
  readonly #ttlExpiry: Deadlines<Message>;
  readonly #activation: Deadlines<Message>;

  constructor(settings: QueueSettings, context: QueueContext, isDeadLetters = false) {
    this.settings = settings;
    this.#context = context;
    const { clock } = context;
    if (settings.requiresSession) {
      const sessions = new Sessions(clock, {
        lockMs: () => this.settings.lockMs,
        release: (lock, counts) => this.#release(lock, counts),
      });
      this.sessions = sessions;
      this.shelf = new Shelf(({ sessionId }) => sessions.of(sessionId ?? '').outlet.backlog);
    } else this.shelf = new Shelf(undefined);
    this.#outlet = new Outlet(this.shelf.all);
    this.#lockExpiry = new Deadlines(
      clock,
      (lock) => (lock.released || lock.session ? undefined : lock.until),
      (lock) => this.#release(lock, this.deadLetters !== undefined),
    );
    this.#ttlExpiry = new Deadlines(
      clock,
      (message) => (message.ready ? message.expiresAt : undefined),
      (message) => this.#expire(message),
    );
    this.#activation = new Deadlines(
      clock,
      (message) => (message.gone ? undefined : message.scheduledFor),
      (message) => this.#activate(message),
    );
    if (!isDeadLetters) this.deadLetters = new Queue(deadLetterSettings(settings), context, true);
  }

  get name(): string {
    return this.settings.name;
  }

  counts(): QueueCounts {
    const dead = this.deadLetters?.shelf;
    return {
      active: this.shelf.all.size - this.shelf.scheduled,
      scheduled: this.shelf.scheduled,
      deadLetters: dead?.all.size ?? 0,
      bytes: this.shelf.bytes + (dead?.bytes ?? 0),
    };
  }

  /**
   * Puts messages in the queue, all or none.
   * @returns the sequence number of each; undefined for one dropped as a duplicate
   * @throws ServiceBusError `MessageSizeExceeded`, `NotAllowed` or `InvalidArgument`
   */
  send(messages: readonly NewMessage[]): (number | undefined)[] {
    if (!this.deadLetters) throw new ServiceBusError('NotAllowed', 'A dead-letter queue takes no messages.');
    for (const message of messages) checkMessage(message, this.settings);
    return messages.map((message) => this.#enqueue(message));
  }

  /**
   * Cancels scheduled messages.
   * @throws ServiceBusError `MessageNotFound`, and cancels none, if one is not scheduled
   */
  cancelScheduled(seqs: readonly number[]): void {
    const messages = seqs.map((seq) => this.#expect(seq, 'scheduled'));
    for (const message of messages) this.#remove(message);
  }

  /** Up to `count` messages from a sequence number on, in any state, without locking them. */
  peek(fromSeq: number, count: number, sessionId?: string): Message[] {
    const backlog = sessionId === undefined ? this.shelf.all : this.sessions?.find(sessionId)?.outlet.backlog;
    const found: Message[] = [];
    if (!backlog || count <= 0) return found;
    for (const message of backlog.from(fromSeq)) if (found.push(message) >= count) break;
    return found;
  }

  /**
   * Registers a receiver; it gets nothing before `demand`.
   * @throws ServiceBusError `NotAllowed` without a session where one is required, and the other way round
   */
  openReceiver(
    mode: ReceiveMode,
    onMessage: Receiver['onMessage'],
    session?: SessionLock,
    onDeleted: () => void = () => {},
  ): Receiver {
    if (this.settings.requiresSession !== (session !== undefined))
      throw new ServiceBusError(
        'NotAllowed',
        this.settings.requiresSession
          ? `It is not possible for an entity that requires sessions to create a non-sessionful message receiver: '${this.name}'.`
          : `A sessionful message receiver cannot be created on an entity that does not require sessions: '${this.name}'.`,
      );
    const receiver: Receiver = { mode, session, onMessage, onDeleted, credit: 0, waiting: false };
    this.#receivers.add(receiver);
    return receiver;
  }

  /** Sets how many messages a receiver may still get, and hands over what is ready. */
  demand(receiver: Receiver, credit: number): void {
    if (receiver.session?.released || !this.#receivers.has(receiver)) return;
    const outlet = receiver.session?.session.outlet ?? this.#outlet;
    outlet.demand(receiver, credit);
    this.#pump(outlet);
  }

  /** Ends a receiver. What it holds stays locked until settled or expired. */
  closeReceiver(receiver: Receiver): void {
    (receiver.session?.session.outlet ?? this.#outlet).leave(receiver);
    this.#receivers.delete(receiver);
  }

  /**
   * Receives deferred messages by number: locked, or removed at once.
   * @throws ServiceBusError `MessageNotFound`, and receives none, if one is not deferred or is locked
   */
  receiveDeferred(
    seqs: readonly number[],
    mode: ReceiveMode,
    onMessage: Receiver['onMessage'],
    session?: SessionLock,
  ): void {
    const messages = seqs.map((seq) => this.#expect(seq, 'deferred', session));
    for (const message of messages) this.#hand(mode, message, onMessage, session);
  }

  /** @throws ServiceBusError `MessageLockLost`, or `SessionLockLost` in a queue with sessions */
  lockOf(token: string): MessageLock {
    const lock = this.#locks.get(token);
    if (lock) return lock;
    throw this.sessions
      ? new ServiceBusError('SessionLockLost', 'The session lock has expired on the session of the message.')
      : new ServiceBusError(
          'MessageLockLost',
          'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
        );
  }

  /** Extends a lock by the queue's lock duration; returns its new end (ms). @throws as `lockOf` */
  renewLock(token: string): number {
    const lock = this.lockOf(token);
    lock.until = this.#context.clock.now() + this.settings.lockMs;
    return lock.until;
  }

  /** Ends a delivery. @throws as `lockOf`, and `NotAllowed` for dead-lettering a dead letter */
  settle(token: string, settlement: Settlement): void {
    const lock = this.lockOf(token);
    const { message } = lock;
    if (settlement.kind === 'deadLetter' && !this.deadLetters)
      throw new ServiceBusError('NotAllowed', 'A dead letter cannot be dead-lettered again.');
    if (settlement.kind !== 'complete' && settlement.payload)
      this.shelf.replacePayload(message, settlement.payload);
    switch (settlement.kind) {
      case 'complete':
        this.#unlock(lock);
        return this.#remove(message);
      case 'deadLetter':
        this.#unlock(lock);
        return this.#bury(message, settlement.reason, settlement.description);
      case 'defer':
        this.#unlock(lock);
        this.shelf.defer(message);
        return this.#noteUpdate(message, settlement.payload);
      case 'abandon':
      case 'release':
        return this.#release(lock, settlement.kind === 'abandon', settlement.payload);
      default:
        return settlement satisfies never;
    }
  }

  setSessionState(lock: SessionLock, state: Uint8Array | undefined): void {
    lock.session.state = state;
    this.#context.onChange({ kind: 'session', queue: this.name, session: lock.session.id, state });
  }

  /** Ends every lock as if its time were up (a fault to inject); returns how many. */
  expireLocks(): number {
    const sessions = this.sessions?.locks() ?? [];
    for (const lock of sessions) this.sessions?.expire(lock);
    const locks = [...this.#locks.values()];
    for (const lock of locks) this.#release(lock, this.deadLetters !== undefined);
    return sessions.length + locks.length;
  }

  /** Changes what may change while a queue lives; locks held keep their time. */
  update(settings: QueueSettings): void {
    this.settings = settings;
    if (this.deadLetters) this.deadLetters.settings = deadLetterSettings(settings);
  }

  /** Stops the timers and tells receivers: the queue is deleted. */
  dispose(): void {
    for (const deadlines of [this.#lockExpiry, this.#ttlExpiry, this.#activation]) deadlines.close();
    this.sessions?.dispose();
    for (const receiver of this.#receivers) receiver.onDeleted();
    this.#receivers.clear();
    this.deadLetters?.dispose();
  }

  /** Sets the timers of a message that came back from the log, and puts its session in line. */
  revive(message: Message): void {
    this.#ttlExpiry.add(message, message.expiresAt);
    if (message.state === 'scheduled') this.#activation.add(message, message.scheduledFor ?? 0);
    else this.#readied(message);
  }

  #enqueue(message: NewMessage): number | undefined {
    const now = this.#context.clock.now();
    if (this.settings.duplicateWindowMs > 0) {
      if (this.duplicates.has(message.messageId, now)) return undefined;
      this.duplicates.note(message.messageId, now + this.settings.duplicateWindowMs);
    }
    const isScheduled = (message.scheduledFor ?? 0) > now;
    const ttlMs = Math.min(message.ttlMs ?? Infinity, this.settings.ttlMs);
    const seq = this.nextSeq++;
    this.#add({
      seq,
      enqueuedSeq: seq,
      enqueuedAt: isScheduled ? message.scheduledFor! : now,
      ttlMs: ttlMs === Infinity ? undefined : ttlMs,
      state: isScheduled ? 'scheduled' : 'active',
      deliveries: 0,
      messageId: message.messageId,
      sessionId: message.sessionId,
      scheduledFor: message.scheduledFor,
      payload: message.payload,
    });
    return seq;
  }

  /** Puts a message on the shelf, in place of another of this queue or of the one it is the dead letters of. */
  #add(message: StoredMessage, replaces?: number): void {
    this.#context.onChange({ kind: 'added', queue: this.name, dead: !this.deadLetters, replaces, message });
    const added = this.shelf.add(message);
    if (added.state === 'scheduled') this.#activation.add(added, added.enqueuedAt);
    else {
      this.#ttlExpiry.add(added, added.expiresAt);
      this.#readied(added);
    }
  }

  /** Follows up on a message that is ready: somebody may be waiting for it. */
  #readied(message: Message): void {
    if (!this.sessions) return this.#pump(this.#outlet);
    const session = this.sessions.of(message.sessionId ?? '');
    // Those who hold a lock that is being given up are passed over; the messages wait for the next holder.
    if (session.lock) this.#pump(session.outlet);
    else this.sessions.touched(session);
  }

  #pump(outlet: Outlet): void {
    outlet.pump(({ mode, onMessage, session }, message) => this.#hand(mode, message, onMessage, session));
  }

  #hand(
    mode: ReceiveMode,
    message: Message,
    onMessage: Receiver['onMessage'],
    session: SessionLock | undefined,
  ): void {
    if (mode === 'receiveAndDelete') {
      onMessage(message, undefined);
      return this.#remove(message);
    }
    const until = session?.until ?? this.#context.clock.now() + this.settings.lockMs;
    const lock: MessageLock = { token: this.#context.newToken(), message, session, until, released: false };
    message.lock = lock;
    this.#locks.set(lock.token, lock);
    if (session) session.messageLocks.add(lock);
    else this.#lockExpiry.add(lock, until);
    onMessage(message, lock);
  }

  #unlock(lock: MessageLock): void {
    lock.released = true;
    lock.message.lock = undefined;
    this.#locks.delete(lock.token);
    if (lock.session) lock.session.messageLocks.delete(lock);
    else this.#lockExpiry.forget();
  }

  /** Makes a locked message available again, unless it is one delivery too many or its time is up. */
  #release(lock: MessageLock, countDelivery: boolean, payload?: Uint8Array): void {
    if (lock.released) return;
    const { message } = lock;
    this.#unlock(lock);
    if (countDelivery) message.deliveries++;
    if (this.deadLetters && message.deliveries >= this.settings.maxDeliveryCount)
      return this.#bury(
        message,
        'MaxDeliveryCountExceeded',
        `Message could not be consumed after ${this.settings.maxDeliveryCount} delivery attempts.`,
      );
    if (countDelivery || payload) this.#noteUpdate(message, payload);
    if (message.state !== 'active') return;
    if (message.expiresAt <= this.#context.clock.now()) return this.#expire(message);
    this.shelf.giveBack(message);
    this.#readied(message);
  }

  #expire(message: Message): void {
    if (this.settings.deadLetterOnExpiration)
      this.#bury(message, 'TTLExpiredException', 'The message expired and was dead lettered.');
    else this.#remove(message);
  }

  /** A scheduled message becomes one as if it had been sent at its time, with a new sequence number. */
  #activate(message: Message): void {
    const { seq: old } = message;
    const next: StoredMessage = { ...stored(message), seq: this.nextSeq++, state: 'active' };
    this.shelf.drop(message);
    this.#add(next, old);
  }

  /** Moves a message to the dead-letter queue, where it lives without end. */
  #bury(message: Message, reason: string | undefined, description: string | undefined): void {
    const kept = stored(message);
    this.shelf.drop(message);
    this.#tidy(message);
    const deadLetter = { reason, description, source: this.name };
    if (this.deadLetters)
      this.deadLetters.#add({ ...kept, ttlMs: undefined, state: 'active', deadLetter }, message.seq);
  }

  #remove(message: Message): void {
    this.shelf.drop(message);
    this.#context.onChange({ kind: 'removed', ...this.#where(message) });
    this.#tidy(message);
  }

  /** Forgets the session of a removed message if nothing is left of it. */
  #tidy({ sessionId }: Message): void {
    const session = sessionId === undefined ? undefined : this.sessions?.find(sessionId);
    if (session) this.sessions?.touched(session);
  }

  #noteUpdate(message: Message, payload: Uint8Array | undefined): void {
    const { deliveries, state } = message;
    const deferred = state === 'deferred';
    this.#context.onChange({ kind: 'updated', ...this.#where(message), deliveries, deferred, payload });
  }

  #where({ seq }: Message): { queue: string; dead: boolean; seq: number } {
    return { queue: this.name, dead: !this.deadLetters, seq };
  }

  #expect(seq: number, state: 'scheduled' | 'deferred', session?: SessionLock): Message {
    const message = this.shelf.all.find(seq);
    const isHere = !this.sessions || state === 'scheduled' || message?.sessionId === session?.session.id;
    if (message?.state === state && !message.lock && isHere) return message;
    throw new ServiceBusError(
      'MessageNotFound',
      `The message with sequence number ${seq} is not a ${state} message of '${this.name}', or it is locked.`,
    );
  }
}

function deadLetterSettings(settings: QueueSettings): QueueSettings {
  return { ...settings, requiresSession: false, duplicateWindowMs: 0, ttlMs: Infinity };
}
