import { ServiceBusClient } from '@azure/service-bus';
import Long from 'long';
import { describe, expect, it } from 'vitest';
import { bodies, COUNTS_WITHIN_MS, receive, receiveNothing, receiveOne, withNamespace } from './fixture.js';

describe('sending and receiving', () => {
  // A message's payload and properties are carried unchanged; the broker adds its own.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messages-payloads
  it('delivers what was sent with every property, locked, as the first delivery', async () => {
    await withNamespace(async ({ client, createQueue, now, depth }) => {
      const queue = await createQueue();
      await client.createSender(queue).sendMessages({
        body: { hello: 'world' },
        messageId: 'm1',
        correlationId: 'c1',
        subject: 's',
        to: 't',
        replyTo: 'r',
        contentType: 'application/json',
        timeToLive: 60_000,
        applicationProperties: { text: 'a', count: 3, negative: -3, ratio: 0.5, yes: true, at: new Date(5) },
      });
      const receiver = client.createReceiver(queue);
      const message = await receiveOne(receiver);
      expect(message).toMatchObject({
        body: { hello: 'world' },
        messageId: 'm1',
        correlationId: 'c1',
        subject: 's',
        to: 't',
        replyTo: 'r',
        contentType: 'application/json',
        timeToLive: 60_000,
        deliveryCount: 0,
        state: 'active',
        applicationProperties: { text: 'a', count: 3, negative: -3, ratio: 0.5, yes: true, at: 5 },
      });
      expect(message.sequenceNumber?.toNumber()).toBeGreaterThan(0);
      expect(message.lockedUntilUtc?.getTime()).toBeGreaterThan(now());
      await receiver.completeMessage(message);
      await expect
        .poll(async () => (await depth(queue)).activeMessageCount, { timeout: COUNTS_WITHIN_MS })
        .toBe(0);
    });
  });

  // The three body kinds of AMQP: data, sequence and value sections.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
  it('keeps every kind of body', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      const sender = client.createSender(queue);
      const plain = ['text', 42, Buffer.from([1, 2, 3]), { nested: [1, null] }, null];
      for (const body of plain) await sender.sendMessages({ body });
      await sender.sendMessages({ body: [1, 'two'], bodyType: 'sequence' });
      await sender.sendMessages({ body: 'value', bodyType: 'value' });
      const messages = await receive(client.createReceiver(queue), 7);
      expect(bodies(messages)).toEqual([...plain, [1, 'two'], 'value']);
    });
  });

  // Receive and delete: the broker considers a message settled as it sends it.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement#settling-receive-operations
  it('removes a message as it is delivered in receive-and-delete mode', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      await client.createSender(queue).sendMessages([{ body: 1 }, { body: 2 }]);
      const receiver = client.createReceiver(queue, { receiveMode: 'receiveAndDelete' });
      expect(bodies(await receive(receiver, 2))).toEqual([1, 2]);
      await receiver.close();
      const after = client.createReceiver(queue);
      expect(await after.peekMessages(5, { fromSequenceNumber: Long.ZERO })).toEqual([]);
    });
  });

  // Competing consumers: each message goes to one of them.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-queues-topics-subscriptions#queues
  it('shares messages between receivers, each to one of them', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      const receivers = [client.createReceiver(queue), client.createReceiver(queue)];
      const receiving = receivers.map((receiver) => receiver.receiveMessages(5, { maxWaitTimeInMs: 3_000 }));
      await client.createSender(queue).sendMessages(Array.from({ length: 10 }, (_, body) => ({ body })));
      const seen = bodies((await Promise.all(receiving)).flat());
      expect(seen.length).toBeGreaterThan(0);
      expect(new Set(seen).size).toBe(seen.length);
    });
  });

  // A batch is taken whole; its size is limited by the queue's message size, and so is a message.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
  it('takes a batch whole, and refuses a message above the limit: MessageSizeExceeded', async () => {
    await withNamespace(async ({ client, createQueue, depth }) => {
      const queue = await createQueue();
      const sender = client.createSender(queue);
      const batch = await sender.createMessageBatch();
      expect(batch.maxSizeInBytes).toBeGreaterThanOrEqual(256 * 1024);
      while (batch.count < 200 && batch.tryAddMessage({ body: Buffer.alloc(1_000) }));
      await sender.sendMessages(batch);
      const tooLarge = { body: Buffer.alloc(batch.maxSizeInBytes + 1_000) };
      await expect(sender.sendMessages(tooLarge)).rejects.toMatchObject({ code: 'MessageSizeExceeded' });
      await expect
        .poll(async () => (await depth(queue)).activeMessageCount, { timeout: COUNTS_WITHIN_MS })
        .toBe(batch.count);
    });
  });

  // The client's processor loop: autoComplete settles what the handler returned from.
  // https://learn.microsoft.com/javascript/api/@azure/service-bus/servicebusreceiver#@azure-service-bus-servicebusreceiver-subscribe
  it('hands over every message by subscription, and completes each', async () => {
    await withNamespace(async ({ client, createQueue, depth }) => {
      const queue = await createQueue();
      const count = 1_000;
      const seen: number[] = [];
      const receiver = client.createReceiver(queue);
      let subscription: { close(): Promise<void> } | undefined;
      const all = new Promise<void>((resolve, reject) => {
        subscription = receiver.subscribe(
          {
            processMessage: async ({ body }) => {
              if (seen.push(Number(body)) === count) resolve();
            },
            processError: async ({ error }) => reject(error),
          },
          { maxConcurrentCalls: 16 },
        );
      });
      const sender = client.createSender(queue);
      for (let from = 0; from < count; from += 250)
        await sender.sendMessages(Array.from({ length: 250 }, (_, at) => ({ body: from + at })));
      await all;
      await subscription?.close();
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
      await expect
        .poll(async () => (await depth(queue)).activeMessageCount, { timeout: COUNTS_WITHIN_MS })
        .toBe(0);
    });
  });
});

describe('settling', () => {
  // Abandon returns the message for immediate redelivery, raises its delivery count, and merges changed properties.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement#peeklock
  it('gives an abandoned message back, counted, with the properties that were changed', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      const properties = { kept: 'k', replaced: 'old' };
      await client.createSender(queue).sendMessages({ body: 1, applicationProperties: properties });
      const receiver = client.createReceiver(queue);
      await receiver.abandonMessage(await receiveOne(receiver), { replaced: 'new', added: 7 });
      expect(await receiveOne(receiver)).toMatchObject({
        body: 1,
        deliveryCount: 1,
        applicationProperties: { kept: 'k', replaced: 'new', added: 7 },
      });
    });
  });

  // An application moves a message to the dead-letter queue with a reason and a description.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues#application-level-dead-lettering
  it('dead-letters with reason, description and properties; the letter keeps its sequence number', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      await client.createSender(queue).sendMessages({ body: 'bad', applicationProperties: { a: 1 } });
      const receiver = client.createReceiver(queue);
      const message = await receiveOne(receiver);
      await receiver.deadLetterMessage(message, {
        deadLetterReason: 'schema',
        deadLetterErrorDescription: 'field x is missing',
        extra: 'e',
      });
      const dead = client.createReceiver(queue, { subQueueType: 'deadLetter' });
      const letter = await receiveOne(dead);
      expect(letter).toMatchObject({
        body: 'bad',
        deadLetterReason: 'schema',
        deadLetterErrorDescription: 'field x is missing',
        applicationProperties: { a: 1, extra: 'e' },
      });
      expect(letter.sequenceNumber).toEqual(message.sequenceNumber);
      await dead.completeMessage(letter);
      expect(await receiveNothing(dead)).toEqual([]);
    });
  });

  // MaxDeliveryCount: a message that was delivered so often without being settled is dead-lettered.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues#maximum-delivery-count
  it('dead-letters a message that was delivered too often: MaxDeliveryCountExceeded', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue({ maxDeliveryCount: 2 });
      await client.createSender(queue).sendMessages({ body: 'x' });
      const receiver = client.createReceiver(queue);
      for (const deliveryCount of [0, 1]) {
        const message = await receiveOne(receiver);
        expect(message.deliveryCount).toBe(deliveryCount);
        await receiver.abandonMessage(message);
      }
      expect(await receiveNothing(receiver)).toEqual([]);
      const dead = client.createReceiver(queue, { subQueueType: 'deadLetter' });
      expect(await receiveOne(dead)).toMatchObject({ deadLetterReason: 'MaxDeliveryCountExceeded' });
    });
  });

  // A deferred message stays in the queue and is received by its sequence number only.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-deferral
  it('keeps a deferred message for those who know its number', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      await client.createSender(queue).sendMessages([{ body: 1 }, { body: 2 }]);
      const receiver = client.createReceiver(queue);
      const message = await receiveOne(receiver);
      await receiver.deferMessage(message, { why: 'later' });
      const next = await receiveOne(receiver);
      expect(next.body).toBe(2);
      await receiver.completeMessage(next);
      const [peeked] = await receiver.peekMessages(1, { fromSequenceNumber: Long.ZERO });
      expect(peeked).toMatchObject({ body: 1, state: 'deferred' });
      const number = message.sequenceNumber ?? Long.ZERO;
      const [deferred] = await receiver.receiveDeferredMessages(number);
      expect(deferred).toMatchObject({ body: 1, applicationProperties: { why: 'later' } });
      await receiver.completeMessage(deferred!);
      await expect(receiver.receiveDeferredMessages(number)).rejects.toMatchObject({
        code: 'MessageNotFound',
      });
    });
  });
});

describe('locks', () => {
  // A lock is exclusive until it expires; renewing prolongs it by the queue's lock duration; settling afterwards is
  // MessageLockLost, and the message is delivered again, counted.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement#renew-locks
  it('renews a lock, and tells of one that was lost', async () => {
    await withNamespace(async ({ client, createQueue, pass, now }) => {
      const queue = await createQueue({ lockDuration: 'PT10S' });
      await client.createSender(queue).sendMessages({ body: 'x' });
      const receiver = client.createReceiver(queue, { maxAutoLockRenewalDurationInMs: 0 });
      const message = await receiveOne(receiver);
      await pass(6_000);
      const until = (await receiver.renewMessageLock(message)).getTime();
      expect(until).toBeGreaterThan(now() + 7_000);
      await pass(6_000);
      expect(await receiveNothing(receiver)).toEqual([]);
      await pass(6_000);
      const again = await receiveOne(receiver);
      expect(again.deliveryCount).toBe(1);
      await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: 'MessageLockLost' });
      await expect(receiver.renewMessageLock(message)).rejects.toMatchObject({ code: 'MessageLockLost' });
      await receiver.completeMessage(again);
    });
  });
});

describe('time', () => {
  // A scheduled message is not delivered before its time; it is cancelled by its sequence number.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-sequencing#scheduled-messages
  it('schedules messages in both ways, and cancels one', async () => {
    await withNamespace(async ({ client, createQueue, pass, now }) => {
      const queue = await createQueue();
      const sender = client.createSender(queue);
      const at = new Date(now() + 15_000);
      const [kept, cancelled] = await sender.scheduleMessages([{ body: 'kept' }, { body: 'no' }], at);
      await sender.sendMessages({ body: 'by property', scheduledEnqueueTimeUtc: at });
      await sender.cancelScheduledMessages(cancelled!);
      await expect(sender.cancelScheduledMessages(cancelled!)).rejects.toMatchObject({
        code: 'MessageNotFound',
      });
      const receiver = client.createReceiver(queue);
      const [peeked] = await receiver.peekMessages(1, { fromSequenceNumber: Long.ZERO });
      expect(peeked).toMatchObject({ body: 'kept', state: 'scheduled', sequenceNumber: kept });
      expect(peeked?.scheduledEnqueueTimeUtc).toEqual(at);
      expect(await receiveNothing(receiver)).toEqual([]);
      await pass(15_000);
      const messages = await receive(receiver, 2);
      expect(new Set(bodies(messages))).toEqual(new Set(['by property', 'kept']));
      for (const { enqueuedTimeUtc } of messages)
        expect(enqueuedTimeUtc?.getTime()).toBeGreaterThanOrEqual(at.getTime());
    });
  });

  // An expired message is removed, or dead-lettered where the queue says so; the queue's time to live caps a message's.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-expiration
  it('lets a message expire: gone, or dead-lettered with TTLExpiredException', async () => {
    await withNamespace(async ({ client, createQueue, pass }) => {
      const gone = await createQueue({ defaultMessageTimeToLive: 'PT5S' });
      const kept = await createQueue({ deadLetteringOnMessageExpiration: true });
      await client.createSender(gone).sendMessages({ body: 1, timeToLive: 60_000 });
      await client.createSender(kept).sendMessages({ body: 2, timeToLive: 3_000 });
      await pass(6_000);
      expect(await receiveNothing(client.createReceiver(gone))).toEqual([]);
      expect(await receiveNothing(client.createReceiver(kept))).toEqual([]);
      const dead = client.createReceiver(kept, { subQueueType: 'deadLetter' });
      expect(await receiveOne(dead)).toMatchObject({ body: 2, deadLetterReason: 'TTLExpiredException' });
    });
  });

  // Within the window a message with a known id is accepted and dropped, even when the first one is gone already.
  // https://learn.microsoft.com/azure/service-bus-messaging/duplicate-detection
  it('drops a duplicate within the window, and takes it after', async () => {
    await withNamespace(async ({ client, createQueue, pass }) => {
      const queue = await createQueue({
        requiresDuplicateDetection: true,
        duplicateDetectionHistoryTimeWindow: 'PT20S',
      });
      const sender = client.createSender(queue);
      const receiver = client.createReceiver(queue, { receiveMode: 'receiveAndDelete' });
      await sender.sendMessages({ body: 1, messageId: 'same' });
      await sender.sendMessages({ body: 2, messageId: 'same' });
      await sender.sendMessages({ body: 3, messageId: 'other' });
      expect(bodies(await receive(receiver, 2))).toEqual([1, 3]);
      await sender.sendMessages({ body: 4, messageId: 'same' });
      expect(await receiveNothing(receiver)).toEqual([]);
      await pass(40_000);
      await sender.sendMessages({ body: 5, messageId: 'same' });
      expect(bodies(await receive(receiver, 1))).toEqual([5]);
    });
  });
});

describe('browsing', () => {
  // Peek returns messages in sequence, locked ones too, without locking any, from a given number on.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-browsing
  it('peeks without locking, from any number', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      await client.createSender(queue).sendMessages([1, 2, 3, 4].map((body) => ({ body })));
      const receiver = client.createReceiver(queue);
      const all = await receiver.peekMessages(9, { fromSequenceNumber: Long.ZERO });
      expect(bodies(all)).toEqual([1, 2, 3, 4]);
      const second = all[1]?.sequenceNumber ?? Long.ZERO;
      expect(bodies(await receiver.peekMessages(2, { fromSequenceNumber: second }))).toEqual([2, 3]);
      expect(await receive(receiver, 4)).toHaveLength(4);
      const [locked] = await receiver.peekMessages(1, { fromSequenceNumber: Long.ZERO });
      expect(locked?.body).toBe(1);
      const beyond = (all[3]?.sequenceNumber ?? Long.ZERO).add(50);
      expect(await receiver.peekMessages(1, { fromSequenceNumber: beyond })).toEqual([]);
    });
  });

  // The dead-letter queue is a queue of its own under the entity, browsed and received from like one.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-dead-letter-queues#path-to-the-dead-letter-queue
  it('peeks in the dead-letter queue', async () => {
    await withNamespace(async ({ client, createQueue }) => {
      const queue = await createQueue();
      await client.createSender(queue).sendMessages({ body: 'bad' });
      const receiver = client.createReceiver(queue);
      await receiver.deadLetterMessage(await receiveOne(receiver), {
        deadLetterReason: 'r',
        deadLetterErrorDescription: 'd',
      });
      const dead = client.createReceiver(queue, { subQueueType: 'deadLetter' });
      const [peeked] = await dead.peekMessages(1, { fromSequenceNumber: Long.ZERO });
      expect(peeked).toMatchObject({ body: 'bad', deadLetterReason: 'r' });
    });
  });
});

describe('refusals', () => {
  // amqp:not-found is MessagingEntityNotFound to the client.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-exceptions-latest
  it('refuses an entity that is not there: MessagingEntityNotFound', async () => {
    await withNamespace(async ({ client }) => {
      const absent = { code: 'MessagingEntityNotFound' };
      await expect(client.createSender('absent').sendMessages({ body: 1 })).rejects.toMatchObject(absent);
      const receiver = client.createReceiver('absent');
      await expect(receiver.receiveMessages(1, { maxWaitTimeInMs: 500 })).rejects.toMatchObject(absent);
    });
  });

  // A shared access signature is a hash by the rule's key; another key's is refused.
  // https://learn.microsoft.com/azure/service-bus-messaging/service-bus-sas
  it('refuses a client with a wrong key: UnauthorizedAccess', async () => {
    await withNamespace(async ({ createQueue, strangersConnectionString }) => {
      const queue = await createQueue();
      const stranger = new ServiceBusClient(strangersConnectionString, { retryOptions: { maxRetries: 0 } });
      try {
        await expect(stranger.createSender(queue).sendMessages({ body: 1 })).rejects.toMatchObject({
          code: 'UnauthorizedAccess',
        });
      } finally {
        await stranger.close();
      }
    });
  });
});
