import type { Clock } from '../clock.js';
import { Backlog } from './backlog.js';
import { Deadlines } from './deadlines.js';
import { ServiceBusError } from './errors.js';
import { Fifo } from './fifo.js';
import { Outlet, type MessageLock, type Session, type SessionLock } from './locks.js';

/** Shorter lines are never cleaned of sessions that left them by another way. */
const MIN_PRUNE_SIZE = 1_024;

type OnLost = SessionLock['onLost'];

interface Acceptor {
  readonly owner: string;
  readonly onAccepted: (lock: SessionLock) => void;
  readonly onLost: OnLost;
}

/** The sessions of one queue: who holds which, who waits for one, and their state. */
export class Sessions {
  readonly #clock: Clock;
  readonly #queue: { lockMs(): number; release(lock: MessageLock, countDelivery: boolean): void };
  readonly #byId = new Map<string, Session>();
  /** Free sessions that may have messages, in the order they became so: each lane gets its turn. */
  #line = new Fifo<Session>();
  #pruneAt = MIN_PRUNE_SIZE;
  readonly #acceptors = new Fifo<Acceptor>();
  readonly #expiry: Deadlines<SessionLock>;

  constructor(
    clock: Clock,
    queue: { lockMs(): number; release(lock: MessageLock, countDelivery: boolean): void },
  ) {
    this.#clock = clock;
    this.#queue = queue;
    this.#expiry = new Deadlines(
      clock,
      (lock) => (lock.released ? undefined : lock.until),
      (lock) => this.#end(lock, 'expired'),
    );
  }

  /** The session with this id, made if there is none. */
  of(id: string): Session {
    let session = this.#byId.get(id);
    if (!session) {
      session = { id, outlet: new Outlet(new Backlog()), state: undefined, lock: undefined, inLine: false };
      this.#byId.set(id, session);
    }
    return session;
  }

  find(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** Every session with a state, for snapshots. */
  *withState(): Generator<Session> {
    for (const session of this.#byId.values()) if (session.state) yield session;
  }

  ids(): string[] {
    return [...this.#byId.keys()].toSorted();
  }

  locks(): SessionLock[] {
    return [...this.#byId.values()].flatMap(({ lock }) => lock ?? []);
  }

  /** Says that a session may have become acceptable, or empty. */
  touched(session: Session): void {
    if (session.lock) return;
    if (session.outlet.backlog.ready > 0) {
      const acceptor = this.#acceptors.shift();
      if (acceptor) acceptor.onAccepted(this.#lock(session, acceptor.owner, acceptor.onLost));
      else if (!session.inLine) {
        session.inLine = true;
        this.#line.push(session);
        if (this.#line.size >= this.#pruneAt) this.#prune();
      }
    } else if (session.outlet.backlog.size === 0 && !session.state && !session.inLine)
      this.#byId.delete(session.id);
  }

  /**
   * Locks a session by id, whether or not it has messages.
   * @throws ServiceBusError `SessionCannotBeLocked` if somebody holds it
   */
  accept(id: string, owner: string, onLost: OnLost): SessionLock {
    const session = this.of(id);
    if (session.lock)
      throw new ServiceBusError(
        'SessionCannotBeLocked',
        `The requested session '${id}' cannot be accepted. It may be locked by another receiver.`,
      );
    return this.#lock(session, owner, onLost);
  }

  /**
   * Locks the next free session with a message, now or as soon as there is one.
   * @returns a function that stops waiting
   */
  acceptNext(owner: string, onAccepted: (lock: SessionLock) => void, onLost: OnLost): () => void {
    for (let session = this.#line.shift(); session; session = this.#line.shift()) {
      session.inLine = false;
      if (!session.lock && session.outlet.backlog.ready > 0) {
        onAccepted(this.#lock(session, owner, onLost));
        return () => {};
      }
      this.touched(session);
    }
    const acceptor: Acceptor = { owner, onAccepted, onLost };
    this.#acceptors.push(acceptor);
    return () => this.#acceptors.remove(acceptor);
  }

  /**
   * The lock that `owner` (anybody, if undefined) holds of a session.
   * @throws ServiceBusError `SessionLockLost`
   */
  held(id: string, owner: string | undefined): SessionLock {
    const lock = this.#byId.get(id)?.lock;
    if (lock && (owner === undefined || lock.owner === owner)) return lock;
    throw new ServiceBusError(
      'SessionLockLost',
      `The session lock was lost on session '${id}'. Request a new session receiver.`,
    );
  }

  /** Extends a lock by the queue's lock duration from now. */
  renew(lock: SessionLock): void {
    lock.until = this.#clock.now() + this.#queue.lockMs();
  }

  /** Gives a session back; the messages that it holds are ready again, and no delivery is counted. */
  close(lock: SessionLock): void {
    this.#release(lock, false);
  }

  /** Ends a lock as if its time were up. */
  expire(lock: SessionLock): void {
    this.#end(lock, 'expired');
  }

  /** Ends everything: the queue is deleted. */
  dispose(): void {
    this.#expiry.close();
    for (const lock of this.locks()) this.#end(lock, 'deleted');
  }

  /** Takes those out of the line that were accepted by id meanwhile: nobody may ever ask for the next one. */
  #prune(): void {
    const line = this.#line;
    this.#line = new Fifo();
    this.#pruneAt = Infinity;
    for (const session of line) {
      session.inLine = false;
      this.touched(session);
    }
    this.#pruneAt = Math.max(MIN_PRUNE_SIZE, this.#line.size * 2);
  }

  #lock(session: Session, owner: string, onLost: OnLost): SessionLock {
    const until = this.#clock.now() + this.#queue.lockMs();
    const lock: SessionLock = { session, owner, messageLocks: new Set(), onLost, until, released: false };
    session.lock = lock;
    this.#expiry.add(lock, until);
    return lock;
  }

  #end(lock: SessionLock, why: 'expired' | 'deleted'): void {
    if (lock.released) return;
    this.#release(lock, why === 'expired');
    lock.onLost(why);
  }

  #release(lock: SessionLock, countDeliveries: boolean): void {
    if (lock.released) return;
    lock.released = true;
    this.#expiry.forget();
    for (const messageLock of lock.messageLocks) this.#queue.release(messageLock, countDeliveries);
    lock.session.lock = undefined;
    this.touched(lock.session);
  }
}
