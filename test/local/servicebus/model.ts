import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VirtualClock } from '../../../local/clock.js';
import type { Change } from '../../../local/servicebus/changes.js';
import { Engine } from '../../../local/servicebus/engine.js';
import type { MessageLock, SessionLock } from '../../../local/servicebus/locks.js';
import type { Message } from '../../../local/servicebus/message.js';
import type { Queue } from '../../../local/servicebus/queue.js';

const LOCK_MS = 20_000;
const MAX_DELIVERIES = 3;
const SESSIONS = ['a', 'b', 'c'];

/** What the naive model knows of a message: plain lists, searched from end to end. */
interface Modelled {
  seq: number;
  id: string;
  session: string;
  state: 'active' | 'deferred' | 'scheduled' | 'dead';
  deliveries: number;
  due: number;
  expiresAt: number;
  lockedUntil: number | undefined;
}

export type Step =
  | { kind: 'send'; session: number; ttlS: number; delayS: number }
  | { kind: 'receive'; session: number; count: number }
  | { kind: 'settle'; pick: number; how: 'complete' | 'abandon' | 'defer' | 'deadLetter' }
  | { kind: 'receiveDeferred'; pick: number }
  | { kind: 'cancel'; pick: number }
  | { kind: 'release'; session: number }
  | { kind: 'acceptNext' }
  | { kind: 'advance'; seconds: number };

/** One step; sends, receives and settlements most often. */
export const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      session: fc.nat(2),
      ttlS: fc.constantFrom(0, 0, 0, 15, 45),
      delayS: fc.constantFrom(0, 0, 0, 7, 30),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      session: fc.nat(2),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      pick: fc.nat(50),
      how: fc.constantFrom('complete' as const, 'abandon' as const, 'defer' as const, 'deadLetter' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('receiveDeferred' as const), pick: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), session: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('acceptNext' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), seconds: fc.integer({ min: 1, max: 25 }) }),
  },
);

/** Runs steps on the engine and on the model side by side, and compares them after each. */
export class Run {
  readonly clock = new VirtualClock(0);
  readonly changes: Change[] = [];
  readonly engine: Engine;
  readonly queue: Queue;
  readonly hasSessions: boolean;
  messages: Modelled[] = [];
  sessionUntil = new Map<string, number>();
  #nextSeq = 1;
  #nextId = 1;
  /** Locks as the engine gave them, by the message's id. */
  readonly locks = new Map<string, MessageLock>();
  readonly held = new Map<string, SessionLock>();

  constructor(hasSessions: boolean) {
    this.hasSessions = hasSessions;
    let tokens = 0;
    this.engine = new Engine({
      clock: this.clock,
      newToken: () => `t${++tokens}`,
      onChange: (change) => this.changes.push(change),
    });
    this.queue = this.engine.createQueue({
      name: 'q',
      requiresSession: hasSessions,
      lockDurationSeconds: LOCK_MS / 1_000,
      maxDeliveryCount: MAX_DELIVERIES,
      deadLetterOnExpiration: true,
    });
  }

  step(step: Step): void {
    const now = this.clock.now();
    switch (step.kind) {
      case 'send':
        return this.#send(SESSIONS[step.session]!, step.ttlS * 1_000, step.delayS * 1_000);
      case 'receive':
        return this.#receive(SESSIONS[step.session]!, step.count);
      case 'settle':
        return this.#settle(step.pick, step.how);
      case 'receiveDeferred':
        return this.#receiveDeferred(step.pick);
      case 'cancel': {
        const scheduled = this.messages.filter(({ state }) => state === 'scheduled');
        const message = scheduled[step.pick % Math.max(1, scheduled.length)];
        if (!message) return;
        this.queue.cancelScheduled([message.seq]);
        this.#forget(message);
        return;
      }
      case 'release': {
        const session = this.held.get(SESSIONS[step.session]!);
        if (!session) return;
        this.queue.sessions?.close(session);
        this.#endSession(session.session.id, false, now);
        return;
      }
      case 'acceptNext': {
        if (!this.hasSessions) return;
        const free = SESSIONS.filter((id) => !this.held.has(id) && this.#ready(id, now).length > 0);
        let accepted: SessionLock | undefined;
        const cancel = this.queue.sessions!.acceptNext(
          'me',
          (lock) => {
            accepted = lock;
          },
          () => {},
        );
        cancel();
        assert.equal(accepted === undefined, free.length === 0);
        if (!accepted) return;
        assert.ok(free.includes(accepted.session.id));
        this.#hold(accepted, now);
        return;
      }
      case 'advance': {
        const until = now + step.seconds * 1_000;
        this.clock.advanceTo(until);
        this.#pass(now, until);
        return;
      }
      default:
        step satisfies never;
    }
  }

  /** The two must show the same messages in the same states, and the same dead letters. */
  compare(): void {
    const shown = ({ seq, messageId, state, deliveries, lock }: Message) => [
      seq,
      messageId,
      state,
      deliveries,
      lock !== undefined,
    ];
    const main = this.messages.filter(({ state }) => state !== 'dead').toSorted((a, b) => a.seq - b.seq);
    assert.deepEqual(
      this.queue.peek(0, Infinity).map(shown),
      main.map(({ seq, id, state, deliveries, lockedUntil }) => [
        seq,
        id,
        state,
        deliveries,
        lockedUntil !== undefined,
      ]),
    );
    const dead = this.messages.filter(({ state }) => state === 'dead').toSorted((a, b) => a.seq - b.seq);
    assert.deepEqual(
      this.queue.deadLetters!.peek(0, Infinity).map(({ seq, messageId }) => [seq, messageId]),
      dead.map(({ seq, id }) => [seq, id]),
    );
  }

  #send(session: string, ttlMs: number, delayMs: number): void {
    const now = this.clock.now();
    const id = `m${this.#nextId++}`;
    this.queue.send([
      {
        messageId: id,
        sessionId: session,
        payload: Buffer.from(id),
        ttlMs: ttlMs || undefined,
        scheduledFor: delayMs ? now + delayMs : undefined,
      },
    ]);
    this.messages.push({
      seq: this.#nextSeq++,
      id,
      session,
      state: delayMs ? 'scheduled' : 'active',
      deliveries: 0,
      due: now + delayMs,
      expiresAt: ttlMs ? now + delayMs + ttlMs : Infinity,
      lockedUntil: undefined,
    });
  }

  #receive(id: string, count: number): void {
    const now = this.clock.now();
    let session: SessionLock | undefined;
    if (this.hasSessions) {
      session = this.held.get(id);
      if (!session) {
        session = this.queue.sessions!.accept(id, 'me', () => {});
        this.#hold(session, now);
      }
      assert.throws(() => this.queue.sessions!.accept(id, 'you', () => {}), /cannot be accepted/);
    }
    const got: string[] = [];
    const receiver = this.queue.openReceiver(
      'peekLock',
      (message, lock) => {
        got.push(message.messageId);
        this.locks.set(message.messageId, lock!);
      },
      session,
    );
    this.queue.demand(receiver, count);
    this.queue.closeReceiver(receiver);
    const expected = this.#ready(this.hasSessions ? id : undefined, now).slice(0, count);
    assert.deepEqual(
      got,
      expected.map((message) => message.id),
    );
    for (const message of expected) message.lockedUntil = this.hasSessions ? Infinity : now + LOCK_MS;
  }

  #settle(pick: number, how: 'complete' | 'abandon' | 'defer' | 'deadLetter'): void {
    const locked = this.messages.filter(({ lockedUntil }) => lockedUntil !== undefined);
    const message = locked[pick % Math.max(1, locked.length)];
    if (!message) return;
    const { token } = this.locks.get(message.id)!;
    this.queue.settle(token, { kind: how });
    assert.throws(() => this.queue.settle(token, { kind: how }), /lock/);
    message.lockedUntil = undefined;
    if (how === 'complete') this.#forget(message);
    else if (how === 'deadLetter') message.state = 'dead';
    else if (how === 'defer') message.state = 'deferred';
    else this.#giveBack(message, true, this.clock.now());
  }

  #receiveDeferred(pick: number): void {
    const now = this.clock.now();
    const deferred = this.messages.filter(
      ({ state, lockedUntil }) => state === 'deferred' && lockedUntil === undefined,
    );
    const message = deferred[pick % Math.max(1, deferred.length)];
    const session = message && this.held.get(message.session);
    if (!message || (this.hasSessions && !session)) return;
    this.queue.receiveDeferred(
      [message.seq],
      'peekLock',
      (_, lock) => this.locks.set(message.id, lock!),
      session,
    );
    message.lockedUntil = this.hasSessions ? Infinity : now + LOCK_MS;
  }

  #ready(session: string | undefined, now: number): Modelled[] {
    return this.messages
      .filter(
        (message) =>
          message.state === 'active' && message.lockedUntil === undefined && message.expiresAt > now,
      )
      .filter((message) => session === undefined || message.session === session)
      .toSorted((a, b) => a.seq - b.seq);
  }

  #hold(lock: SessionLock, now: number): void {
    this.held.set(lock.session.id, lock);
    this.sessionUntil.set(lock.session.id, now + LOCK_MS);
  }

  #endSession(id: string, counts: boolean, now: number): void {
    this.held.delete(id);
    this.sessionUntil.delete(id);
    for (const message of this.messages)
      if (message.session === id && message.lockedUntil !== undefined) {
        message.lockedUntil = undefined;
        this.#giveBack(message, counts, now);
      }
  }

  #giveBack(message: Modelled, counts: boolean, now: number): void {
    if (counts) message.deliveries++;
    if (message.deliveries >= MAX_DELIVERIES) message.state = 'dead';
    else if (message.state === 'active' && message.expiresAt <= now) message.state = 'dead';
  }

  #forget(message: Modelled): void {
    this.messages = this.messages.filter((other) => other !== message);
  }

  /** Lets time pass, second by second: every time in the steps is a whole second. */
  #pass(from: number, until: number): void {
    for (let now = from + 1_000; now <= until; now += 1_000) {
      for (const [id, end] of this.sessionUntil) if (end <= now) this.#endSession(id, true, now);
      for (const message of this.messages)
        if (message.lockedUntil !== undefined && message.lockedUntil <= now) {
          message.lockedUntil = undefined;
          this.#giveBack(message, true, now);
        }
      for (const message of this.messages)
        if (message.state === 'scheduled' && message.due <= now) {
          message.state = 'active';
          message.seq = this.#nextSeq++;
        }
      for (const message of this.messages)
        if (message.state === 'active' && message.lockedUntil === undefined && message.expiresAt <= now)
          message.state = 'dead';
    }
  }
}
