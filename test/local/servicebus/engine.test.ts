import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { Engine } from '../../../local/servicebus/engine.js';
import type { MessageLock } from '../../../local/servicebus/locks.js';
import type { Message } from '../../../local/servicebus/message.js';
import type { Queue } from '../../../local/servicebus/queue.js';
import type { QueueSpec } from '../../../local/servicebus/spec.js';

const payload = new Uint8Array([1]);

function start(spec: Partial<QueueSpec> = {}): { clock: VirtualClock; engine: Engine; queue: Queue } {
  const clock = new VirtualClock(0);
  let tokens = 0;
  const engine = new Engine({ clock, newToken: () => `t${++tokens}` });
  return { clock, engine, queue: engine.createQueue({ name: 'q', ...spec }) };
}

function send(queue: Queue, ...ids: string[]): void {
  queue.send(ids.map((messageId) => ({ messageId, payload, sessionId: messageId[0] })));
}

/** Takes up to `count` messages now. */
function take(queue: Queue, count: number): { message: Message; lock: MessageLock }[] {
  const taken: { message: Message; lock: MessageLock }[] = [];
  const receiver = queue.openReceiver('peekLock', (message, lock) => taken.push({ message, lock: lock! }));
  queue.demand(receiver, count);
  queue.closeReceiver(receiver);
  return taken;
}

const ids = (taken: { message: Message }[]): string[] => taken.map(({ message }) => message.messageId);

describe('the engine', () => {
  it('hands over a message in the call that sends it', () => {
    const { queue } = start();
    const seen: string[] = [];
    const receiver = queue.openReceiver('receiveAndDelete', ({ messageId }) => seen.push(messageId));
    queue.demand(receiver, 2);
    send(queue, 'a', 'b', 'c');
    expect(seen).toEqual(['a', 'b']);
    expect(queue.counts().active).toBe(1);
  });

  it('serves waiting receivers in turn', () => {
    const { queue } = start();
    const seen: string[] = [];
    for (const name of ['x', 'y']) {
      const receiver = queue.openReceiver('peekLock', ({ messageId }) => seen.push(`${name}:${messageId}`));
      queue.demand(receiver, 10);
    }
    send(queue, 'a', 'b', 'c', 'd');
    expect(seen).toEqual(['x:a', 'y:b', 'x:c', 'y:d']);
  });

  it('lets a receiver settle and ask for more from within the delivery', () => {
    const { queue } = start();
    const seen: string[] = [];
    const receiver = queue.openReceiver('peekLock', ({ messageId }, lock) => {
      seen.push(messageId);
      queue.settle(lock!.token, { kind: 'complete' });
      queue.demand(receiver, 1);
    });
    queue.demand(receiver, 1);
    send(queue, 'a', 'b', 'c');
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(queue.counts().active).toBe(0);
  });

  it('gives returned messages back before later ones, lowest number first', () => {
    const { clock, queue } = start({ lockDurationSeconds: 10 });
    send(queue, 'a', 'b', 'c', 'd');
    const [a, , c] = take(queue, 3);
    queue.settle(c!.lock.token, { kind: 'abandon' });
    queue.settle(a!.lock.token, { kind: 'abandon' });
    expect(ids(take(queue, 2))).toEqual(['a', 'c']);
    clock.advanceBy(10_000);
    expect(ids(take(queue, 9))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('ends a lock at its time and not before, renewed or not', () => {
    const { clock, queue } = start({ lockDurationSeconds: 10 });
    send(queue, 'a', 'b');
    const [a] = take(queue, 2);
    clock.advanceTo(9_999);
    expect(queue.renewLock(a!.lock.token)).toBe(19_999);
    clock.advanceTo(10_000);
    expect(ids(take(queue, 2))).toEqual(['b']);
    clock.advanceTo(19_998);
    expect(take(queue, 1)).toEqual([]);
    clock.advanceTo(19_999);
    expect(take(queue, 1)[0]?.message).toMatchObject({ messageId: 'a', deliveries: 1 });
  });

  it('lets a message that is past its time be completed while locked; given back, it expires', () => {
    const { clock, queue } = start({
      lockDurationSeconds: 60,
      defaultTtlSeconds: 5,
      deadLetterOnExpiration: true,
    });
    send(queue, 'a', 'b');
    const [a, b] = take(queue, 2);
    clock.advanceBy(10_000);
    queue.settle(a!.lock.token, { kind: 'complete' });
    queue.settle(b!.lock.token, { kind: 'abandon' });
    expect(queue.counts()).toMatchObject({ active: 0, deadLetters: 1 });
    clock.advanceBy(1e9);
    expect(queue.counts().deadLetters).toBe(1);
  });

  it('does not let a deferred message expire', () => {
    const { clock, queue } = start({ defaultTtlSeconds: 5 });
    send(queue, 'a');
    queue.settle(take(queue, 1)[0]!.lock.token, { kind: 'defer' });
    clock.advanceBy(1e9);
    expect(queue.counts().active).toBe(1);
  });

  it('does not count deliveries in the dead-letter queue when a lock expires', () => {
    const { clock, queue } = start({ maxDeliveryCount: 1 });
    send(queue, 'a');
    queue.settle(take(queue, 1)[0]!.lock.token, { kind: 'abandon' });
    for (let at = 0; at < 20; at++) {
      expect(take(queue.deadLetters!, 1)[0]?.message.deliveries).toBe(1);
      clock.advanceBy(60_000);
    }
  });

  it('activates scheduled messages in the order of their times, then of their sending', () => {
    const { clock, queue } = start();
    const at = (messageId: string, scheduledFor: number) => ({ messageId, payload, scheduledFor });
    queue.send([at('late', 20), at('first', 10), at('second', 10), at('past', -5)]);
    expect(ids(take(queue, 9))).toEqual(['past']);
    clock.advanceBy(20);
    expect(ids(take(queue, 9))).toEqual(['first', 'second', 'late']);
  });

  it('refuses a batch as a whole', () => {
    const { queue } = start({ requiresSession: true });
    expect(() =>
      queue.send([
        { messageId: 'a', sessionId: 's', payload },
        { messageId: 'b', payload },
      ]),
    ).toThrow(/SessionId was not set/);
    expect(queue.counts().active).toBe(0);
  });

  it('hands the messages of a lost session to the next one who waits, in order', () => {
    const { clock, queue } = start({ requiresSession: true, lockDurationSeconds: 30 });
    send(queue, 's1', 's2', 's3');
    const lost: string[] = [];
    const first = queue.sessions!.accept('s', 'one', (why) => lost.push(why));
    const seen: string[] = [];
    const greedy = queue.openReceiver('peekLock', ({ messageId }) => seen.push(`one:${messageId}`), first);
    queue.demand(greedy, 100);
    queue.sessions!.acceptNext(
      'two',
      (session) => {
        const receiver = queue.openReceiver(
          'peekLock',
          ({ messageId }) => seen.push(`two:${messageId}`),
          session,
        );
        queue.demand(receiver, 100);
      },
      () => {},
    );
    clock.advanceBy(30_000);
    expect(lost).toEqual(['expired']);
    expect(seen).toEqual(['one:s1', 'one:s2', 'one:s3', 'two:s1', 'two:s2', 'two:s3']);
    send(queue, 's4');
    expect(seen.at(-1)).toBe('two:s4');
  });

  it('forgets a session of which nothing is left', () => {
    const { queue } = start({ requiresSession: true });
    send(queue, 'a1', 'b1');
    for (const id of ['a', 'b', 'c']) {
      const session = queue.sessions!.accept(id, 'me', () => {});
      const receiver = queue.openReceiver('receiveAndDelete', () => {}, session);
      queue.demand(receiver, 1);
      if (id === 'b') queue.setSessionState(session, payload);
      queue.closeReceiver(receiver);
      queue.sessions!.close(session);
    }
    // The state of b is kept; a and c are gone once their place in line is passed.
    queue.sessions!.acceptNext(
      'me',
      () => {},
      () => {},
    )();
    expect(queue.sessions!.ids()).toEqual(['b']);
  });

  it('keeps its order with thousands of sessions in line', () => {
    const { queue } = start({ requiresSession: true });
    for (let at = 0; at < 5_000; at++) queue.send([{ messageId: 'm', sessionId: `s${at}`, payload }]);
    const accepted: string[] = [];
    for (let at = 0; at < 5_000; at++)
      queue.sessions!.acceptNext(
        'me',
        ({ session }) => accepted.push(session.id),
        () => {},
      );
    expect(accepted).toEqual(Array.from({ length: 5_000 }, (_, at) => `s${at}`));
  });

  it('forgets sessions that are only ever accepted by id', () => {
    const { queue } = start({ requiresSession: true });
    for (let at = 0; at < 5_000; at++) {
      queue.send([{ messageId: 'm', sessionId: `s${at}`, payload }]);
      const session = queue.sessions!.accept(`s${at}`, 'me', () => {});
      const receiver = queue.openReceiver('receiveAndDelete', () => {}, session);
      queue.demand(receiver, 1);
      queue.closeReceiver(receiver);
      queue.sessions!.close(session);
    }
    expect(queue.sessions!.ids().length).toBeLessThan(2_000);
  });

  it('keeps nothing of what went through', () => {
    const { queue } = start();
    for (let at = 0; at < 20_000; at++) queue.send([{ messageId: 'm', payload }]);
    let seen = 0;
    const receiver = queue.openReceiver('receiveAndDelete', () => seen++);
    for (let at = 0; at < 10_000; at++) queue.demand(receiver, 1);
    queue.demand(receiver, 20_000);
    expect(seen).toBe(20_000);
    expect(queue.counts()).toMatchObject({ active: 0, bytes: 0 });
    expect([...queue.shelf.all.from(0)]).toEqual([]);
  });

  it('peeks by number, however many there are', () => {
    const { queue } = start();
    for (let at = 0; at < 20_000; at++) queue.send([{ messageId: String(at), payload }]);
    for (const seq of [1, 7_777, 20_000]) expect(queue.peek(seq, 1)[0]?.seq).toBe(seq);
    expect(queue.peek(20_001, 1)).toEqual([]);
  });
});
