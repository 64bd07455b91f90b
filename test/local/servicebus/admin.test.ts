import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { specOf } from '../../../local/servicebus/atom.js';
import { signSas } from '../../../local/servicebus/auth.js';
import { formatDuration, parseDuration } from '../../../local/servicebus/duration.js';
import { ServiceBusError } from '../../../local/servicebus/errors.js';
import { settingsOf } from '../../../local/servicebus/spec.js';
import { fuzzRuns, timeFor } from '../effort.js';
import { administration } from '../../conformance/servicebus/fixture.js';
import { withBroker } from './fixture.js';

describe('the administration, with the client of Azure', () => {
  it('lists more queues than fit a page', async () => {
    const queues = Array.from({ length: 230 }, (_, at) => ({ name: `q${String(at).padStart(3, '0')}` }));
    await withBroker(queues, async ({ bus }) => {
      const names: string[] = [];
      for await (const queue of administration(bus.connectionString).listQueues()) names.push(queue.name);
      expect(names).toEqual(queues.map(({ name }) => name));
    });
  });

  it.each(['$top=0', '$top=x', '$skip=-1', '$skip=1e3'])('refuses a list with %s', async (query) => {
    await withBroker([{ name: 'q' }], async ({ bus }) => {
      const url = `http://127.0.0.1:${bus.port}/$Resources/Queues`;
      const [, value = ''] = /SharedAccessKey=([^;]*)/.exec(bus.connectionString) ?? [];
      const authorization = signSas(
        { name: 'RootManageSharedAccessKey', value },
        `http://127.0.0.1:${bus.port}/`,
        Date.now() + 60_000,
      );
      expect((await fetch(`${url}?${query}`, { headers: { authorization } })).status).toBe(400);
      expect((await fetch(`${url}?$top=1`, { headers: { authorization } })).status).toBe(200);
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
      const depth = await administration(bus.connectionString).getQueueRuntimeProperties('a/b');
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
      const admin = administration(bus.connectionString);
      await expect(admin.createTopic('t')).rejects.toThrow(/no topics/);
      await expect(admin.createQueue('f', { forwardTo: 'g' })).rejects.toThrow(/no forwarding/);
      await expect(admin.createQueue('p', { enablePartitioning: true })).rejects.toThrow(/no partitioned/);
      await expect(admin.createQueue('bad name')).rejects.toThrow(/Queue name/);
    });
  });

  it('tells the receivers of a queue that is deleted', async () => {
    await withBroker([{ name: 'q', requiresSession: true }], async ({ bus, client }) => {
      const session = await client.acceptSession('q', 'a');
      await administration(bus.connectionString).deleteQueue('q');
      await expect.poll(() => session.isClosed).toBe(true);
    });
  });
});

describe('a queue description', () => {
  it(
    'is read or refused, whatever the bytes',
    () => {
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
        { numRuns: fuzzRuns(5_000) },
      );
      expect([...outcomes].toSorted()).toEqual(['read', 'refused']);
    },
    timeFor(fuzzRuns(5_000), 2),
  );

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
