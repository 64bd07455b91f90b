// What test/conformance/servicebus does not say of queues: the broker's own choices, seen from inside.
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { withBroker } from './fixture.js';

const soon = { maxWaitTimeInMs: 1_000 };
const now = { maxWaitTimeInMs: 50 };

describe('a queue, with the client of Azure', () => {
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

  it('gives a scheduled message a new number when its time has come, at that very moment', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [{ name: 'q' }],
      async ({ client, bus }) => {
        const sender = client.createSender('q');
        const at = new Date(clock.now() + 30_000);
        const [kept] = await sender.scheduleMessages({ body: 'kept' }, at);
        await sender.sendMessages({ body: 'by annotation', scheduledEnqueueTimeUtc: at });
        expect(bus.engine.queue('q').counts()).toMatchObject({ active: 0, scheduled: 2 });
        const receiving = client.createReceiver('q').receiveMessages(2, soon);
        clock.advanceBy(30_000);
        const messages = await receiving;
        for (const message of messages) expect(message.enqueuedTimeUtc).toEqual(at);
        expect(messages[0]?.sequenceNumber?.toNumber()).toBeGreaterThan(kept!.toNumber());
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

  it('forgets an expired message at once, not when somebody looks', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [{ name: 'q', defaultTtlSeconds: 10 }],
      async ({ client, bus }) => {
        await client.createSender('q').sendMessages({ body: 1, timeToLive: 60_000 });
        clock.advanceBy(10_000);
        expect(bus.engine.queue('q').counts()).toMatchObject({ active: 0, deadLetters: 0, bytes: 0 });
      },
      { clock },
    );
  });

  it('drops a duplicate within one batch', async () => {
    await withBroker([{ name: 'q', duplicateDetectionWindowSeconds: 60 }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages([
        { body: 1, messageId: 'same' },
        { body: 2, messageId: 'same' },
      ]);
      expect(bus.engine.queue('q').counts().active).toBe(1);
    });
  });

  it('has the size limit that its spec names, for batches too', async () => {
    await withBroker([{ name: 'q', maxMessageBytes: 64 * 1024 }], async ({ client, bus }) => {
      const sender = client.createSender('q');
      expect((await sender.createMessageBatch()).maxSizeInBytes).toBe(64 * 1024);
      await expect(sender.sendMessages({ body: Buffer.alloc(70_000) })).rejects.toMatchObject({
        code: 'MessageSizeExceeded',
      });
      expect(bus.engine.queue('q').counts().active).toBe(0);
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

  it('refuses an entity of a kind it does not have by name, and takes names in any case', async () => {
    await withBroker([{ name: 'q' }], async ({ client }) => {
      const subscription = client.createReceiver('topic', 'sub');
      await expect(subscription.receiveMessages(1, now)).rejects.toThrow(/no topics/);
      await expect(client.createSender('Q').sendMessages({ body: 1 })).resolves.toBeUndefined();
    });
  });
});
