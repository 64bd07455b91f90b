import { describe, expect, it } from 'vitest';
import { administration, COUNTS_WITHIN_MS, receive, withNamespace } from './fixture.js';

describe('the administration', () => {
  // Queue descriptions over Atom: create, get, update, list and delete; a session queue stays one.
  // https://learn.microsoft.com/rest/api/servicebus/queues
  it('creates, reads, changes, lists and deletes queues', async () => {
    await withNamespace(async ({ admin, client, createQueue }) => {
      const queue = await createQueue({
        requiresSession: true,
        lockDuration: 'PT30S',
        maxDeliveryCount: 3,
        defaultMessageTimeToLive: 'P2D',
        deadLetteringOnMessageExpiration: true,
        requiresDuplicateDetection: true,
        duplicateDetectionHistoryTimeWindow: 'PT5M',
      });
      const read = await admin.getQueue(queue);
      expect(read).toMatchObject({
        name: queue,
        requiresSession: true,
        lockDuration: 'PT30S',
        maxDeliveryCount: 3,
        defaultMessageTimeToLive: 'P2D',
        deadLetteringOnMessageExpiration: true,
        requiresDuplicateDetection: true,
        duplicateDetectionHistoryTimeWindow: 'PT5M',
      });
      await admin.updateQueue({ ...read, maxDeliveryCount: 7 });
      expect((await admin.getQueue(queue)).maxDeliveryCount).toBe(7);
      await expect(admin.updateQueue({ ...read, requiresSession: false })).rejects.toMatchObject({
        statusCode: 400,
      });
      const names: string[] = [];
      for await (const { name } of admin.listQueues()) names.push(name);
      expect(names).toContain(queue);
      expect(await admin.queueExists(queue)).toBe(true);
      await admin.deleteQueue(queue);
      expect(await admin.queueExists(queue)).toBe(false);
      const sending = client.createSender(queue).sendMessages({ body: 1, sessionId: 'a' });
      await expect(sending).rejects.toMatchObject({ code: 'MessagingEntityNotFound' });
    });
  });

  // Counters: active (locked and deferred ones are), dead-letter and scheduled messages, each apart.
  // https://learn.microsoft.com/azure/service-bus-messaging/message-counters
  it('tells how deep a queue is: locked messages count as active', async () => {
    await withNamespace(async ({ client, createQueue, depth, now }) => {
      const queue = await createQueue();
      const sender = client.createSender(queue);
      await sender.sendMessages([1, 2, 3, 4].map((body) => ({ body })));
      await sender.scheduleMessages({ body: 5 }, new Date(now() + 600_000));
      const receiver = client.createReceiver(queue);
      const [first] = await receive(receiver, 2);
      await receiver.deadLetterMessage(first!);
      await expect
        .poll(() => depth(queue), { timeout: COUNTS_WITHIN_MS })
        .toMatchObject({
          activeMessageCount: 3,
          deadLetterMessageCount: 1,
          scheduledMessageCount: 1,
          totalMessageCount: 5,
        });
      expect((await depth(queue)).sizeInBytes).toBeGreaterThan(0);
    });
  });

  // 409, 404 and 401 of the management API, as the client names them.
  // https://learn.microsoft.com/rest/api/servicebus/error-codes
  it('names its errors: exists, not found, unauthorized', async () => {
    await withNamespace(async ({ admin, createQueue, strangersConnectionString }) => {
      const queue = await createQueue();
      await expect(admin.createQueue(queue)).rejects.toMatchObject({
        code: 'MessageEntityAlreadyExistsError',
      });
      await expect(admin.getQueue('absent')).rejects.toMatchObject({ code: 'MessageEntityNotFoundError' });
      await expect(admin.deleteQueue('absent')).rejects.toMatchObject({ code: 'MessageEntityNotFoundError' });
      const stranger = administration(strangersConnectionString);
      await expect(stranger.getQueue(queue)).rejects.toMatchObject({ code: 'UnauthorizedRequestError' });
    });
  });
});
