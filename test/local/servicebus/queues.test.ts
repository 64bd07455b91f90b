import Long from 'long';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { withBroker } from './fixture.js';

const soon = { maxWaitTimeInMs: 1_000 };
const now = { maxWaitTimeInMs: 50 };

describe('a queue, with the client of Azure', () => {
  it('delivers what was sent with every property, and forgets it once completed', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages({
        body: { hello: 'world' },
        messageId: 'm1',
        correlationId: 'c1',
        subject: 's',
        to: 't',
        replyTo: 'r',
        contentType: 'application/json',
        partitionKey: 'p',
        timeToLive: 60_000,
        applicationProperties: { text: 'a', count: 3, negative: -3, ratio: 0.5, yes: true, at: new Date(5) },
      });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1, soon);
      expect(message).toMatchObject({
        body: { hello: 'world' },
        messageId: 'm1',
        correlationId: 'c1',
        subject: 's',
        to: 't',
        replyTo: 'r',
        contentType: 'application/json',
        partitionKey: 'p',
        timeToLive: 60_000,
        deliveryCount: 0,
        state: 'active',
      });
      expect(message?.sequenceNumber?.toNumber()).toBe(1);
      expect(message?.lockedUntilUtc?.getTime()).toBeGreaterThan(Date.now());
      expect(message?.applicationProperties).toEqual({
        text: 'a',
        count: 3,
        negative: -3,
        ratio: 0.5,
        yes: true,
        at: 5,
      });
      await receiver.completeMessage(message!);
      expect(bus.engine.queue('q').counts().active).toBe(0);
    });
  });

  it('assigns a message id where the sender gave none', async () => {
    await withBroker([{ name: 'q' }], async ({ client }) => {
      await client
        .createSender('q')
        .sendMessages({ body: 'x', subject: 'kept', applicationProperties: { a: 1 } });
      const [message] = await client.createReceiver('q').receiveMessages(1, soon);
      expect(message).toMatchObject({ body: 'x', subject: 'kept', applicationProperties: { a: 1 } });
      expect(message?.messageId).toMatch(/^[0-9a-f]{32}$/);
    });
  });

  it('keeps every kind of body', async () => {
    await withBroker([{ name: 'q' }], async ({ client }) => {
      const sender = client.createSender('q');
      const bodies = ['text', 42, Buffer.from([1, 2, 3]), { nested: [1, null] }, null];
      for (const body of bodies) await sender.sendMessages({ body });
      await sender.sendMessages({ body: [1, 'two'], bodyType: 'sequence' });
      await sender.sendMessages({ body: 'value', bodyType: 'value' });
      const messages = await client.createReceiver('q').receiveMessages(7, soon);
      expect(messages.map(({ body }) => body as unknown)).toEqual([...bodies, [1, 'two'], 'value']);
    });
  });

  it('removes a message as it is delivered in receive-and-delete mode', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
      const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
      const messages = await receiver.receiveMessages(2, soon);
      expect(messages.map(({ body }) => body as unknown)).toEqual([1, 2]);
      expect(bus.engine.queue('q').counts()).toMatchObject({ active: 0, bytes: 0 });
    });
  });

  it('gives an abandoned message back in its place, counted, with the properties that were changed', async () => {
    await withBroker([{ name: 'q' }], async ({ client }) => {
      await client
        .createSender('q')
        .sendMessages([{ body: 1, applicationProperties: { kept: 'k', replaced: 'old' } }, { body: 2 }]);
      const receiver = client.createReceiver('q');
      const [first] = await receiver.receiveMessages(1, soon);
      await receiver.abandonMessage(first!, { replaced: 'new', added: 7 });
      const again = await receiver.receiveMessages(2, soon);
      expect(again.map(({ body }) => body as unknown)).toEqual([1, 2]);
      expect(again[0]).toMatchObject({
        deliveryCount: 1,
        applicationProperties: { kept: 'k', replaced: 'new', added: 7 },
      });
    });
  });

  it('dead-letters with reason, description and properties', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages({ body: 'bad', applicationProperties: { a: 1 } });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1, soon);
      await receiver.deadLetterMessage(message!, {
        deadLetterReason: 'schema',
        deadLetterErrorDescription: 'field x is missing',
        extra: 'e',
      });
      const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
      const [peeked] = await dead.peekMessages(1, { fromSequenceNumber: Long.ZERO });
      expect(peeked?.deadLetterReason).toBe('schema');
      const [letter] = await dead.receiveMessages(1, soon);
      expect(letter).toMatchObject({
        body: 'bad',
        deadLetterReason: 'schema',
        deadLetterErrorDescription: 'field x is missing',
        deadLetterSource: 'q',
        applicationProperties: { a: 1, extra: 'e' },
      });
      expect(letter?.sequenceNumber).toEqual(message?.sequenceNumber);
      await dead.completeMessage(letter!);
      expect(bus.engine.queue('q').counts()).toMatchObject({ active: 0, deadLetters: 0 });
    });
  });

  it('does not dead-letter a dead letter', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages({ body: 'bad' });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1, soon);
      await receiver.deadLetterMessage(message!);
      const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
      const [letter] = await dead.receiveMessages(1, soon);
      await expect(dead.deadLetterMessage(letter!)).rejects.toThrow(/InvalidOperationError/);
      expect(bus.engine.queue('q').counts().deadLetters).toBe(1);
    });
  });

  it('dead-letters a message that was delivered too often', async () => {
    await withBroker([{ name: 'q', maxDeliveryCount: 2 }], async ({ client }) => {
      await client.createSender('q').sendMessages({ body: 'x' });
      const receiver = client.createReceiver('q');
      for (const deliveryCount of [0, 1]) {
        const [message] = await receiver.receiveMessages(1, soon);
        expect(message?.deliveryCount).toBe(deliveryCount);
        await receiver.abandonMessage(message!);
      }
      expect(await receiver.receiveMessages(1, now)).toEqual([]);
      const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
      const [letter] = await dead.receiveMessages(1, soon);
      expect(letter).toMatchObject({
        deliveryCount: 2,
        deadLetterReason: 'MaxDeliveryCountExceeded',
        deadLetterErrorDescription: 'Message could not be consumed after 2 delivery attempts.',
      });
    });
  });

  it('keeps a deferred message for those who know its number', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1, soon);
      await receiver.deferMessage(message!, { why: 'later' });
      const [next] = await receiver.receiveMessages(2, now);
      expect(next?.body).toBe(2);
      await receiver.completeMessage(next!);
      expect(bus.engine.queue('q').counts().active).toBe(1);
      const [peeked] = await receiver.peekMessages(1, { fromSequenceNumber: Long.ZERO });
      expect(peeked).toMatchObject({ body: 1, state: 'deferred' });

      const [deferred] = await receiver.receiveDeferredMessages(message!.sequenceNumber!);
      expect(deferred).toMatchObject({ body: 1, applicationProperties: { why: 'later' } });
      await expect(receiver.receiveDeferredMessages(message!.sequenceNumber!)).rejects.toMatchObject({
        code: 'MessageNotFound',
      });
      await receiver.abandonMessage(deferred!);
      const [again] = await receiver.receiveDeferredMessages(message!.sequenceNumber!);
      expect(again?.deliveryCount).toBe(1);
      await receiver.deadLetterMessage(again!, { deadLetterReason: 'r', deadLetterErrorDescription: 'd' });
      expect(bus.engine.queue('q').counts()).toMatchObject({ active: 0, deadLetters: 1 });
    });
  });

  it('schedules a message, and cancels one', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [{ name: 'q' }],
      async ({ client, bus }) => {
        const sender = client.createSender('q');
        const at = new Date(clock.now() + 30_000);
        const [kept, cancelled] = await sender.scheduleMessages([{ body: 'kept' }, { body: 'no' }], at);
        await sender.sendMessages({ body: 'by annotation', scheduledEnqueueTimeUtc: at });
        expect(bus.engine.queue('q').counts()).toMatchObject({ active: 0, scheduled: 3 });
        await sender.cancelScheduledMessages(cancelled!);
        await expect(sender.cancelScheduledMessages(cancelled!)).rejects.toMatchObject({
          code: 'MessageNotFound',
        });
        const receiver = client.createReceiver('q');
        const [peeked] = await receiver.peekMessages(1, { fromSequenceNumber: Long.ZERO });
        expect(peeked).toMatchObject({ body: 'kept', state: 'scheduled', sequenceNumber: kept });
        expect(peeked?.scheduledEnqueueTimeUtc).toEqual(at);
        expect(await receiver.receiveMessages(1, now)).toEqual([]);
        const receiving = receiver.receiveMessages(2, soon);
        clock.advanceBy(30_000);
        const messages = await receiving;
        for (const message of messages) expect(message.enqueuedTimeUtc).toEqual(at);
        // A scheduled message becomes active as if it had been sent then: it gets a new number.
        expect(messages[0]?.sequenceNumber?.toNumber()).toBeGreaterThan(kept!.toNumber());
      },
      { clock },
    );
  });

  it('renews a lock, and tells of one that was lost', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [{ name: 'q', lockDurationSeconds: 30 }],
      async ({ client }) => {
        await client.createSender('q').sendMessages({ body: 'x' });
        const receiver = client.createReceiver('q', { maxAutoLockRenewalDurationInMs: 0 });
        const [message] = await receiver.receiveMessages(1, soon);
        clock.advanceBy(20_000);
        expect((await receiver.renewMessageLock(message!)).getTime()).toBe(clock.now() + 30_000);
        clock.advanceBy(20_000);
        expect(await receiver.receiveMessages(1, now)).toEqual([]);
        clock.advanceBy(10_000);
        const [again] = await receiver.receiveMessages(1, soon);
        expect(again?.deliveryCount).toBe(1);
        await expect(receiver.completeMessage(message!)).rejects.toMatchObject({ code: 'MessageLockLost' });
        await expect(receiver.renewMessageLock(message!)).rejects.toMatchObject({ code: 'MessageLockLost' });
        await receiver.completeMessage(again!);
      },
      { clock },
    );
  });

  it('settles what a closed receiver had received, by its lock', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages({ body: 'x' });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1, soon);
      await receiver.close();
      expect(bus.engine.queue('q').counts().active).toBe(1);
      const other = client.createReceiver('q');
      expect(await other.receiveMessages(1, now)).toEqual([]);
      await other.completeMessage(message!);
      expect(bus.engine.queue('q').counts().active).toBe(0);
    });
  });

  it('lets a message expire: gone, or dead-lettered where the queue says so', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [
        { name: 'gone', defaultTtlSeconds: 10 },
        { name: 'kept', deadLetterOnExpiration: true },
      ],
      async ({ client, bus }) => {
        await client.createSender('gone').sendMessages({ body: 1, timeToLive: 60_000 });
        await client.createSender('kept').sendMessages({ body: 2, timeToLive: 5_000 });
        clock.advanceBy(10_000);
        expect(bus.engine.queue('gone').counts()).toMatchObject({ active: 0, deadLetters: 0 });
        const dead = client.createReceiver('kept', { subQueueType: 'deadLetter' });
        const [letter] = await dead.receiveMessages(1, soon);
        expect(letter).toMatchObject({ body: 2, deadLetterReason: 'TTLExpiredException' });
      },
      { clock },
    );
  });

  it('drops a duplicate within the window, and takes it after', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [{ name: 'q', duplicateDetectionWindowSeconds: 60 }],
      async ({ client, bus }) => {
        const sender = client.createSender('q');
        await sender.sendMessages([
          { body: 1, messageId: 'same' },
          { body: 2, messageId: 'same' },
        ]);
        await sender.sendMessages({ body: 3, messageId: 'other' });
        expect(bus.engine.queue('q').counts().active).toBe(2);
        const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
        await receiver.receiveMessages(2, soon);
        await sender.sendMessages({ body: 4, messageId: 'same' });
        expect(bus.engine.queue('q').counts().active).toBe(0);
        clock.advanceBy(60_000);
        await sender.sendMessages({ body: 5, messageId: 'same' });
        expect(bus.engine.queue('q').counts().active).toBe(1);
      },
      { clock },
    );
  });

  it('peeks without locking, from any number, and in the dead-letter queue', async () => {
    await withBroker([{ name: 'q' }], async ({ client }) => {
      await client.createSender('q').sendMessages([1, 2, 3, 4].map((body) => ({ body })));
      const receiver = client.createReceiver('q');
      const peeked = await receiver.peekMessages(2, { fromSequenceNumber: Long.fromNumber(2) });
      expect(peeked.map(({ body }) => body as unknown)).toEqual([2, 3]);
      expect(await receiver.receiveMessages(4, soon)).toHaveLength(4);
      const [locked] = await receiver.peekMessages(1, { fromSequenceNumber: Long.ZERO });
      expect(locked?.body).toBe(1);
      expect(await receiver.peekMessages(1, { fromSequenceNumber: Long.fromNumber(99) })).toEqual([]);
    });
  });

  it('takes a batch whole, and refuses what is too large', async () => {
    await withBroker([{ name: 'q', maxMessageBytes: 64 * 1024 }], async ({ client, bus }) => {
      const sender = client.createSender('q');
      const batch = await sender.createMessageBatch();
      expect(batch.maxSizeInBytes).toBe(64 * 1024);
      while (batch.tryAddMessage({ body: Buffer.alloc(1_000) }));
      await sender.sendMessages(batch);
      expect(bus.engine.queue('q').counts().active).toBe(batch.count);
      await expect(sender.sendMessages({ body: Buffer.alloc(70_000) })).rejects.toMatchObject({
        code: 'MessageSizeExceeded',
      });
      expect(bus.engine.queue('q').counts().active).toBe(batch.count);
    });
  });

  it('carries a message of many frames both ways', async () => {
    await withBroker([{ name: 'q', maxMessageBytes: 4 * 1024 * 1024 }], async ({ client }) => {
      const body = Buffer.from(Array.from({ length: 3 * 1024 * 1024 }, (_, at) => at % 251));
      await client.createSender('q').sendMessages({ body });
      const [message] = await client.createReceiver('q').receiveMessages(1, soon);
      expect(body.equals(message?.body as Buffer)).toBe(true);
    });
  });

  it('subscribes: hands over messages as they come, and completes each', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      const receiver = client.createReceiver('q');
      const seen: unknown[] = [];
      let done = (): void => {};
      const all = new Promise<void>((resolve) => {
        done = resolve;
      });
      const subscription = receiver.subscribe(
        {
          processMessage: async ({ body }) => {
            if (seen.push(body) === 3_000) done();
          },
          processError: async ({ error }) => {
            throw error;
          },
        },
        { maxConcurrentCalls: 16 },
      );
      const sender = client.createSender('q');
      for (let from = 0; from < 3_000; from += 500)
        await sender.sendMessages(Array.from({ length: 500 }, (_, at) => ({ body: from + at })));
      await all;
      await subscription.close();
      expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(
        Array.from({ length: 3_000 }, (_, at) => at),
      );
      await expect.poll(() => bus.engine.queue('q').counts().active).toBe(0);
    });
  });

  it('shares messages between receivers, each to one of them', async () => {
    await withBroker([{ name: 'q' }], async ({ client }) => {
      const receivers = [client.createReceiver('q'), client.createReceiver('q')];
      const receiving = receivers.map((receiver) => receiver.receiveMessages(5, soon));
      await client.createSender('q').sendMessages(Array.from({ length: 10 }, (_, body) => ({ body })));
      const bodies = (await Promise.all(receiving)).flat().map(({ body }) => Number(body));
      expect(new Set(bodies).size).toBe(bodies.length);
    });
  });

  it('refuses an entity that is not there, and one of a kind it does not have', async () => {
    await withBroker([{ name: 'q' }], async ({ client }) => {
      await expect(client.createSender('nope').sendMessages({ body: 1 })).rejects.toMatchObject({
        code: 'MessagingEntityNotFound',
      });
      await expect(client.createReceiver('nope').receiveMessages(1, now)).rejects.toMatchObject({
        code: 'MessagingEntityNotFound',
      });
      await expect(client.createReceiver('topic', 'sub').receiveMessages(1, now)).rejects.toThrow(
        /no topics/,
      );
      await expect(client.createSender('Q').sendMessages({ body: 1 })).resolves.toBeUndefined();
    });
  });
});
