import Long from 'long';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import type { QueueSpec } from '../../../local/servicebus/spec.js';
import { withBroker } from './fixture.js';

const soon = { maxWaitTimeInMs: 1_000 };
const now = { maxWaitTimeInMs: 50 };
const queue: QueueSpec = { name: 'q', requiresSession: true, lockDurationSeconds: 30 };

describe('a queue with sessions, with the client of Azure', () => {
  it('accepts a session by id and keeps others out until it is closed', async () => {
    await withBroker([queue], async ({ client }) => {
      const held = await client.acceptSession('q', 'a');
      expect(held.sessionLockedUntilUtc.getTime()).toBeGreaterThan(Date.now());
      await expect(client.acceptSession('q', 'a')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
      await held.close();
      const again = await client.acceptSession('q', 'a');
      expect(again.sessionId).toBe('a');
    });
  });

  it('holds acceptNextSession until there is work', async () => {
    await withBroker([queue], async ({ client }) => {
      const accepting = client.acceptNextSession('q');
      await client.createSender('q').sendMessages([1, 2, 3].map((body) => ({ body, sessionId: 'a' })));
      const session = await accepting;
      expect(session.sessionId).toBe('a');
      const messages = await session.receiveMessages(3, soon);
      expect(messages.map(({ body }) => body as unknown)).toEqual([1, 2, 3]);
      for (const message of messages) await session.completeMessage(message);
    });
  });

  it('ends acceptNextSession with ServiceTimeout when no session has a message', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [queue],
      async ({ client, bus }) => {
        // Each of the client's tries waits for as long as it asked for.
        const timer = setInterval(() => clock.advanceBy(1_000), 5);
        await expect(client.acceptNextSession('q')).rejects.toMatchObject({ code: 'ServiceTimeout' });
        clearInterval(timer);
        await client.createSender('q').sendMessages({ body: 1, sessionId: 'a' });
        expect(bus.engine.queue('q').sessions?.locks()).toEqual([]);
      },
      { clock },
    );
  });

  it('gives each waiting receiver a session of its own, in the order they became ready', async () => {
    await withBroker([queue], async ({ client }) => {
      const sender = client.createSender('q');
      for (const sessionId of ['b', 'a', 'b', 'c']) await sender.sendMessages({ body: 1, sessionId });
      const ids: string[] = [];
      for (let at = 0; at < 3; at++) ids.push((await client.acceptNextSession('q')).sessionId);
      expect(ids).toEqual(['b', 'a', 'c']);
    });
  });

  it('renews a session lock, and loses it when its time is up: the messages go to the next holder', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [queue],
      async ({ client }) => {
        const sender = client.createSender('q');
        await sender.sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
        const session = await client.acceptSession('q', 'a', { maxAutoLockRenewalDurationInMs: 0 });
        const [first] = await session.receiveMessages(1, soon);
        clock.advanceBy(20_000);
        expect((await session.renewSessionLock()).getTime()).toBe(clock.now() + 30_000);
        clock.advanceBy(29_000);
        await session.setSessionState('still mine');
        clock.advanceBy(1_000);
        // A client that settles before it has heard of the loss waits for a minute, on Azure as here.
        await expect.poll(() => session.isClosed).toBe(true);
        await expect(session.completeMessage(first!)).rejects.toMatchObject({ code: 'SessionLockLost' });
        const next = await client.acceptNextSession('q');
        const messages = await next.receiveMessages(2, soon);
        expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount] as unknown)).toEqual([
          [1, 1],
          [2, 0],
        ]);
        await expect(session.renewSessionLock()).rejects.toMatchObject({ code: 'SessionLockLost' });
      },
      { clock },
    );
  });

  it('does not count the deliveries of a session that is closed without settling', async () => {
    await withBroker([queue], async ({ client }) => {
      await client.createSender('q').sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
      const session = await client.acceptNextSession('q');
      await session.receiveMessages(2, soon);
      await session.close();
      const next = await client.acceptNextSession('q');
      const messages = await next.receiveMessages(2, soon);
      expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount] as unknown)).toEqual([
        [1, 0],
        [2, 0],
      ]);
    });
  });

  it('frees the session when the client’s connection is gone', async () => {
    await withBroker([queue], async ({ client, bus }) => {
      await client.createSender('q').sendMessages({ body: 1, sessionId: 'a' });
      const session = await client.acceptNextSession('q');
      bus.faults.inject({ kind: 'drop' });
      expect(bus.engine.queue('q').sessions?.locks()).toEqual([]);
      await expect.poll(() => session.isClosed).toBe(true);
      const next = await client.acceptNextSession('q');
      expect(next.sessionId).toBe('a');
    });
  });

  it('keeps a session’s state, and clears it', async () => {
    await withBroker([queue], async ({ client }) => {
      const session = await client.acceptSession('q', 'a');
      expect(await session.getSessionState()).toBeNull();
      await session.setSessionState({ step: 2 });
      await session.close();
      const again = await client.acceptSession('q', 'a');
      expect(await again.getSessionState()).toEqual({ step: 2 });
      await again.setSessionState(null);
      expect(await again.getSessionState()).toBeNull();
    });
  });

  it('defers, schedules and peeks in a session', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [queue],
      async ({ client }) => {
        const sender = client.createSender('q');
        await sender.sendMessages({ body: 'other', sessionId: 'b' });
        await sender.sendMessages([1, 2].map((body) => ({ body, sessionId: 'a' })));
        await sender.scheduleMessages({ body: 3, sessionId: 'a' }, new Date(clock.now() + 5_000));
        const session = await client.acceptSession('q', 'a');
        const [first] = await session.receiveMessages(1, soon);
        await session.deferMessage(first!);
        const peeked = await session.peekMessages(9, { fromSequenceNumber: Long.ZERO });
        expect(peeked.map(({ body, state }) => [body, state] as unknown)).toEqual([
          [1, 'deferred'],
          [2, 'active'],
          [3, 'scheduled'],
        ]);
        clock.advanceBy(5_000);
        const rest = await session.receiveMessages(2, soon);
        expect(rest.map(({ body }) => body as unknown)).toEqual([2, 3]);
        const [deferred] = await session.receiveDeferredMessages(first!.sequenceNumber!);
        await session.completeMessage(deferred!);
      },
      { clock },
    );
  });

  it('serves a session by subscription, one message after the other', async () => {
    await withBroker([queue], async ({ client }) => {
      const sender = client.createSender('q');
      await sender.sendMessages(Array.from({ length: 50 }, (_, body) => ({ body, sessionId: 'a' })));
      const session = await client.acceptNextSession('q');
      const seen: number[] = [];
      await new Promise<void>((resolve, reject) => {
        session.subscribe({
          processMessage: async ({ body }) => {
            if (seen.push(Number(body)) === 50) resolve();
          },
          processError: async ({ error }) => reject(error),
        });
      });
      expect(seen).toEqual(Array.from({ length: 50 }, (_, at) => at));
    });
  });

  it('has a dead-letter queue without sessions', async () => {
    await withBroker([{ ...queue, maxDeliveryCount: 1 }], async ({ client }) => {
      await client.createSender('q').sendMessages({ body: 1, sessionId: 'a' });
      const session = await client.acceptNextSession('q');
      const [message] = await session.receiveMessages(1, soon);
      await session.abandonMessage(message!);
      const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
      const [letter] = await dead.receiveMessages(1, soon);
      expect(letter).toMatchObject({ sessionId: 'a', deadLetterReason: 'MaxDeliveryCountExceeded' });
    });
  });

  it('refuses what does not fit the queue', async () => {
    await withBroker([queue, { name: 'plain' }], async ({ client }) => {
      await expect(client.createSender('q').sendMessages({ body: 1 })).rejects.toThrow(
        /InvalidOperationError/,
      );
      await expect(client.createReceiver('q').receiveMessages(1, now)).rejects.toThrow(
        /InvalidOperationError/,
      );
      await expect(client.acceptNextSession('plain')).rejects.toThrow(/InvalidOperationError/);
    });
  });
});
