import Long from 'long';
import { describe, expect, it } from 'vitest';
import { bodies, receive, receiveOne, withNamespace } from './fixture.js';

const withSessions = { requiresSession: true, lockDuration: 'PT10S' };

describe('a session', () => {
  // A session is locked by one receiver at a time; others get SessionCannotBeLocked until it is released.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sessions#session-features
  it('is accepted by id, and keeps others out until it is closed', async () => {
    await withNamespace(async ({ client, createQueue, now }) => {
      const queue = await createQueue(withSessions);
      const held = await client.acceptSession(queue, 'a');
      expect(held.sessionLockedUntilUtc.getTime()).toBeGreaterThan(now());
      await expect(client.acceptSession(queue, 'a')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
      await held.close();
      expect((await client.acceptSession(queue, 'a')).sessionId).toBe('a');
    });
  });

  // acceptNextSession waits for the next session with messages and then locks it; order holds within a session.
  // https://learn.microsoft.com/javascript/api/@azure/service-bus/servicebusclient#@azure-service-bus-servicebusclient-acceptnextsession
  it('is waited for by acceptNextSession, and gives its messages in order', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue(withSessions);
      const accepting = client.acceptNextSession(queue);
      await client.createSender(queue).sendMessages([1, 2, 3].map((body) => ({ body, sessionId: 'a' })));
      const session = await accepting;
      expect(session.sessionId).toBe('a');
      const messages = await receive(session, 3);
      expect(bodies(messages)).toEqual([1, 2, 3]);
      for (const message of messages) await session.completeMessage(message);
    });
  });

  // With no session available in time, the client's error is ServiceTimeout.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-exceptions-latest
  it('ends acceptNextSession with ServiceTimeout when no session has a message', async () => {
    await withNamespace(async ({ client, createQueue, passUntil }) => {
      const queue = await createQueue(withSessions);
      const accepting = client.acceptNextSession(queue);
      await passUntil(accepting);
      await expect(accepting).rejects.toMatchObject({ code: 'ServiceTimeout' });
    });
  });

  // Several receivers each hold a session of their own: demultiplexing of interleaved streams.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sessions#session-features
  it('is given to one of the waiting receivers only', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue(withSessions);
      const sender = client.createSender(queue);
      for (const sessionId of ['b', 'a', 'b', 'c']) await sender.sendMessages({ body: 1, sessionId });
      const ids: string[] = [];
      for (let at = 0; at < 3; at++) ids.push((await client.acceptNextSession(queue)).sessionId);
      expect(ids.toSorted()).toEqual(['a', 'b', 'c']);
    });
  });

  // The session lock covers all its messages: renewing prolongs it, losing it gives them to the next holder, with the
  // delivery count raised for those that were delivered.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sessions#message-delivery-count
  it('is renewed, and lost when its time is up: its messages go to the next holder, counted', async () => {
    await withNamespace(async ({ client, createQueue, pass, now }) => {
      const queue = await createQueue(withSessions);
      await client.createSender(queue).sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
      const session = await client.acceptSession(queue, 'a', { maxAutoLockRenewalDurationInMs: 0 });
      const first = await receiveOne(session);
      await pass(6_000);
      expect((await session.renewSessionLock()).getTime()).toBeGreaterThan(now() + 7_000);
      await pass(7_000);
      await session.setSessionState('still mine');
      await pass(8_000);
      // A client that settles before it has heard of the loss waits for a minute.
      await expect.poll(() => session.isClosed, { timeout: 10_000 }).toBe(true);
      await expect(session.completeMessage(first)).rejects.toMatchObject({ code: 'SessionLockLost' });
      const next = await client.acceptNextSession(queue);
      const messages = await receive(next, 2);
      expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount] as unknown)).toEqual([
        [1, 1],
        [2, 0],
      ]);
      await expect(session.renewSessionLock()).rejects.toMatchObject({ code: 'SessionLockLost' });
    });
  });

  // "Message delivery count": closing a session without settling is not counted; a lock that expires is.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sessions#message-delivery-count
  it('does not count deliveries when it is closed without settling', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue(withSessions);
      await client.createSender(queue).sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
      const session = await client.acceptNextSession(queue);
      await receive(session, 2);
      await session.close();
      const messages = await receive(await client.acceptNextSession(queue), 2);
      expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount] as unknown)).toEqual([
        [1, 0],
        [2, 0],
      ]);
    });
  });

  // The session state is an opaque value that outlives the holder, until it is cleared.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sessions#message-session-state
  it('keeps its state, and clears it', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue(withSessions);
      const session = await client.acceptSession(queue, 'a');
      expect(await session.getSessionState()).toBeNull();
      await session.setSessionState({ step: 2 });
      await session.close();
      const again = await client.acceptSession(queue, 'a');
      expect(await again.getSessionState()).toEqual({ step: 2 });
      await again.setSessionState(null);
      expect(await again.getSessionState()).toBeNull();
    });
  });

  // Deferral, schedules and browsing work within a session.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-browsing#peek-messages-with-sessions
  it('defers, schedules and peeks within itself alone', async () => {
    await withNamespace(async ({ client, createQueue, pass, now }) => {
      const queue = await createQueue({ ...withSessions, lockDuration: 'PT1M' });
      const sender = client.createSender(queue);
      await sender.sendMessages({ body: 'other', sessionId: 'b' });
      await sender.sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
      await sender.scheduleMessages({ body: 3, sessionId: 'a' }, new Date(now() + 10_000));
      const session = await client.acceptSession(queue, 'a');
      const first = await receiveOne(session);
      await session.deferMessage(first);
      const peeked = await session.peekMessages(9, { fromSequenceNumber: Long.ZERO });
      expect(peeked.map(({ body, state }) => [body, state] as unknown)).toEqual([
        [1, 'deferred'],
        [2, 'active'],
        [3, 'scheduled'],
      ]);
      await pass(10_000);
      expect(bodies(await receive(session, 2))).toEqual([2, 3]);
      const [deferred] = await session.receiveDeferredMessages(first.sequenceNumber ?? Long.ZERO);
      await session.completeMessage(deferred!);
    });
  });

  // First in, first out within a session.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sessions#first-in-first-out-fifo-pattern
  it('is served by subscription, one message after the other', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue(withSessions);
      const messages = Array.from({ length: 50 }, (_, body) => ({ body, sessionId: 'a' }));
      await client.createSender(queue).sendMessages(messages);
      const session = await client.acceptNextSession(queue);
      const seen: number[] = [];
      await new Promise<void>((resolve, reject) => {
        session.subscribe({
          processMessage: async ({ body }) => {
            if (seen.push(Number(body)) === 50) resolve();
          },
          processError: async ({ error }) => reject(error),
        });
      });
      expect(seen).toEqual(messages.map(({ body }) => body));
    });
  });

  // The dead-letter queue of a session queue is received from without accepting a session.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sessions
  it('loses a message to a dead-letter queue without sessions', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue({ ...withSessions, maxDeliveryCount: 1 });
      await client.createSender(queue).sendMessages({ body: 1, sessionId: 'a' });
      const session = await client.acceptNextSession(queue);
      await session.abandonMessage(await receiveOne(session));
      const dead = client.createReceiver(queue, { subQueueType: 'deadLetter' });
      expect(await receiveOne(dead)).toMatchObject({
        sessionId: 'a',
        deadLetterReason: 'MaxDeliveryCountExceeded',
      });
    });
  });

  // A queue that requires sessions takes no message without a session id and serves no receiver without one.
  // https://learn.microsoft.com/azure/service-bus-messaging/enable-message-sessions
  it('is required where the queue says so, and impossible where it does not', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue(withSessions);
      const plain = await createQueue();
      const refused = /InvalidOperationError/;
      await expect(client.createSender(queue).sendMessages({ body: 1 })).rejects.toThrow(refused);
      const receiver = client.createReceiver(queue);
      await expect(receiver.receiveMessages(1, { maxWaitTimeInMs: 500 })).rejects.toThrow(refused);
      await expect(client.acceptNextSession(plain)).rejects.toThrow(refused);
    });
  });
});
