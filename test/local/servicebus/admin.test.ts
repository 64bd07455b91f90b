import { ServiceBusAdministrationClient } from '@azure/service-bus';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { specOf } from '../../../local/servicebus/atom.js';
import { formatDuration, parseDuration } from '../../../local/servicebus/duration.js';
import { ServiceBusError } from '../../../local/servicebus/errors.js';
import { settingsOf } from '../../../local/servicebus/spec.js';
import { withBroker } from './fixture.js';

/** The client always asks for https; the broker answers over http, so the request is sent there. */
function adminOf(connectionString: string): ServiceBusAdministrationClient {
  const admin = new ServiceBusAdministrationClient(connectionString, { retryOptions: { maxRetries: 0 } });
  admin.pipeline.addPolicy({
    name: 'overHttp',
    sendRequest(request, next) {
      request.url = request.url.replace(/^https:/, 'http:');
      request.allowInsecureConnection = true;
      return next(request);
    },
  });
  return admin;
}

describe('the administration, with the client of Azure', () => {
  it('creates, reads, changes, lists and deletes queues', async () => {
    await withBroker([{ name: 'first' }], async ({ bus, client }) => {
      const admin = adminOf(bus.connectionString);
      const created = await admin.createQueue('second', {
        requiresSession: true,
        lockDuration: 'PT30S',
        maxDeliveryCount: 3,
        defaultMessageTimeToLive: 'P2D',
        deadLetteringOnMessageExpiration: true,
        requiresDuplicateDetection: true,
        duplicateDetectionHistoryTimeWindow: 'PT5M',
      });
      expect(created).toMatchObject({ name: 'second', requiresSession: true, maxDeliveryCount: 3 });
      expect(bus.engine.queue('second').settings).toMatchObject({
        lockMs: 30_000,
        ttlMs: 2 * 86_400_000,
        duplicateWindowMs: 300_000,
        deadLetterOnExpiration: true,
      });
      const read = await admin.getQueue('second');
      expect(read.lockDuration).toBe('PT30S');
      await admin.updateQueue({ ...read, maxDeliveryCount: 7 });
      expect((await admin.getQueue('second')).maxDeliveryCount).toBe(7);
      await expect(admin.updateQueue({ ...read, requiresSession: false })).rejects.toThrow(/cannot change/);

      const names: string[] = [];
      for await (const queue of admin.listQueues()) names.push(queue.name);
      expect(names).toEqual(['first', 'second']);

      expect(await admin.queueExists('second')).toBe(true);
      await admin.deleteQueue('second');
      expect(await admin.queueExists('second')).toBe(false);
      await expect(client.createSender('second').sendMessages({ body: 1 })).rejects.toMatchObject({
        code: 'MessagingEntityNotFound',
      });
    });
  });

  it('lists more queues than fit a page', async () => {
    const queues = Array.from({ length: 230 }, (_, at) => ({ name: `q${String(at).padStart(3, '0')}` }));
    await withBroker(queues, async ({ bus }) => {
      const names: string[] = [];
      for await (const queue of adminOf(bus.connectionString).listQueues()) names.push(queue.name);
      expect(names).toEqual(queues.map(({ name }) => name));
    });
  });

  it('tells how deep a queue is: locked and deferred messages count as active', async () => {
    await withBroker([{ name: 'a/b' }], async ({ bus, client }) => {
      const sender = client.createSender('a/b');
      await sender.sendMessages([1, 2, 3, 4].map((body) => ({ body })));
      await sender.scheduleMessages({ body: 5 }, new Date(Date.now() + 60_000));
      const receiver = client.createReceiver('a/b');
      const messages = await receiver.receiveMessages(3, { maxWaitTimeInMs: 1_000 });
      await receiver.deadLetterMessage(messages[0]!);
      await receiver.deferMessage(messages[1]!);
      const depth = await adminOf(bus.connectionString).getQueueRuntimeProperties('a/b');
      expect(depth).toMatchObject({
        name: 'a/b',
        activeMessageCount: 3,
        deadLetterMessageCount: 1,
        scheduledMessageCount: 1,
        totalMessageCount: 5,
      });
      expect(depth.sizeInBytes).toBeGreaterThan(0);
    });
  });

  it('refuses by name what it does not have', async () => {
    await withBroker([], async ({ bus }) => {
      const admin = adminOf(bus.connectionString);
      await expect(admin.createTopic('t')).rejects.toThrow(/no topics/);
      await expect(admin.createQueue('f', { forwardTo: 'g' })).rejects.toThrow(/no forwarding/);
      await expect(admin.createQueue('p', { enablePartitioning: true })).rejects.toThrow(/no partitioned/);
      await expect(admin.createQueue('bad name')).rejects.toThrow(/Queue name/);
    });
  });

  it('maps its errors as the service does', async () => {
    await withBroker([{ name: 'q' }], async ({ bus }) => {
      const admin = adminOf(bus.connectionString);
      await expect(admin.createQueue('q')).rejects.toMatchObject({ code: 'MessageEntityAlreadyExistsError' });
      await expect(admin.getQueue('nope')).rejects.toMatchObject({ code: 'MessageEntityNotFoundError' });
      await expect(admin.deleteQueue('nope')).rejects.toMatchObject({ code: 'MessageEntityNotFoundError' });
      const stranger = adminOf(
        bus.connectionString.replace(/SharedAccessKey=[^;]*/, 'SharedAccessKey=d3Jvbmc='),
      );
      await expect(stranger.getQueue('q')).rejects.toMatchObject({ code: 'UnauthorizedRequestError' });
    });
  });

  it('tells the receivers of a queue that is deleted', async () => {
    await withBroker([{ name: 'q', requiresSession: true }], async ({ bus, client }) => {
      const session = await client.acceptSession('q', 'a');
      await adminOf(bus.connectionString).deleteQueue('q');
      await expect.poll(() => session.isClosed).toBe(true);
    });
  });
});

describe('a queue description', () => {
  it('is read or refused, whatever the bytes', () => {
    const xml =
      '<entry><content><QueueDescription xmlns="a"><LockDuration>PT1M</LockDuration><RequiresSession>true' +
      '</RequiresSession><MaxDeliveryCount>3</MaxDeliveryCount></QueueDescription></content></entry>';
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(xml.length), fc.string({ maxLength: 3 })), { maxLength: 4 }),
        (edits) => {
          let text = xml;
          for (const [at, put] of edits) text = text.slice(0, at) + put + text.slice(at + 1);
          try {
            settingsOf(specOf('q', text));
            outcomes.add('read');
          } catch (error) {
            outcomes.add(error instanceof ServiceBusError ? 'refused' : String(error));
          }
        },
      ),
      { numRuns: 5_000 },
    );
    expect([...outcomes].toSorted()).toEqual(['read', 'refused']);
  });

  it.each([
    ['PT0S', 0],
    ['PT1.5S', 1.5],
    ['PT1M', 60],
    ['P1DT2H3M4S', 93_784],
    ['P10675199DT2H48M5.4775807S', Infinity],
  ])('writes %s for its duration', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
    expect(formatDuration(seconds * 1_000)).toBe(text);
  });

  it.each(['', 'P', 'PT', '1M', 'P1Y', 'PT-1S', 'P1D2H'])('does not take %j for a duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
