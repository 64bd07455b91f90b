import { describe, expect, it } from 'vitest';
import { withBroker } from './fixture.js';

describe('a queue, with the client of Azure', () => {
  it('delivers what was sent, with its properties, and forgets it once completed', async () => {
    await withBroker([{ name: 'q' }], async ({ client, bus }) => {
      await client.createSender('q').sendMessages({
        body: { hello: 'world' },
        messageId: 'm1',
        correlationId: 'c1',
        subject: 's',
        applicationProperties: { text: 'a', count: 3, ratio: 0.5, yes: true, at: new Date(5) },
      });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1);
      expect(message?.body).toEqual({ hello: 'world' });
      expect(message).toMatchObject({ messageId: 'm1', correlationId: 'c1', subject: 's', deliveryCount: 0 });
      expect(message?.applicationProperties).toEqual({ text: 'a', count: 3, ratio: 0.5, yes: true, at: 5 });
      await receiver.completeMessage(message!);
      expect(bus.engine.queue('q').counts().active).toBe(0);
    });
  });

  it('accepts the next session and receives its messages in order', async () => {
    await withBroker([{ name: 'q', requiresSession: true }], async ({ client }) => {
      const accepting = client.acceptNextSession('q');
      const sender = client.createSender('q');
      await sender.sendMessages([1, 2, 3].map((body) => ({ body, sessionId: 'a' })));
      const session = await accepting;
      expect(session.sessionId).toBe('a');
      const messages = await session.receiveMessages(3, { maxWaitTimeInMs: 1_000 });
      expect(messages.map(({ body }) => body)).toEqual([1, 2, 3]);
      for (const message of messages) await session.completeMessage(message);
      await session.close();
    });
  });
});
