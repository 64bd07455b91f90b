import { ServiceBusClient } from '@azure/service-bus';
import type { ServiceBusMessage } from '@azure/service-bus';
import Long from 'long';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../../../local/host/host.js';
import { startServiceBus } from '../../../../local/servicebus/server.js';
import type { ServiceBus } from '../../../../local/servicebus/server.js';
import { Journal, startFixture } from '../fixture.js';

describe('Service Bus triggers', () => {
  const journal = new Journal();
  let bus: ServiceBus;
  let client: ServiceBusClient;
  let host: Host;
  beforeAll(async () => {
    bus = await startServiceBus({
      queues: [
        { name: 'single', maxDeliveryCount: 3 },
        { name: 'sessions', requiresSession: true },
        { name: 'batch' },
        { name: 'unsettled' },
        { name: 'out' },
      ],
    });
    client = new ServiceBusClient(bus.connectionString);
    host = await startFixture('bus', {
      log: journal.write,
      settings: { SINGLE_QUEUE: 'single', AzureWebJobsBUS: bus.connectionString },
    });
  });
  afterAll(async () => {
    await host.close();
    await client.close();
    await bus.close();
  });

  const send = async (queue: string, ...messages: ServiceBusMessage[]): Promise<void> => {
    const sender = client.createSender(queue);
    await sender.sendMessages(messages);
    await sender.close();
  };
  const reports = async (name: string, text: string, count = 1): Promise<Record<string, unknown>[]> =>
    (await journal.until(`Function.${name}.User`, text, count)).map(
      ({ message }) => JSON.parse(message) as Record<string, unknown>,
    );
  const left = async (queue: string): Promise<number> => {
    const receiver = client.createReceiver(queue);
    const messages = await receiver.peekMessages(100, { fromSequenceNumber: Long.ZERO });
    await receiver.close();
    return messages.length;
  };

  it('hands a message over with its metadata and completes it', async () => {
    await send('single', {
      body: { hello: 'world' },
      messageId: 'm-1',
      correlationId: 'c-1',
      subject: 'greeting',
      applicationProperties: { Tenant: 'acme' },
    });
    const [seen] = await reports('single', '"world"');
    expect(seen).toMatchObject({
      message: { hello: 'world' },
      metadata: {
        messageId: 'm-1',
        correlationId: 'c-1',
        subject: 'greeting',
        deliveryCount: 1,
        // The library lower-cases the first letter of every key, also inside.
        applicationProperties: { tenant: 'acme' },
        hello: 'world',
      },
    });
  });

  it('lets top-level properties of a JSON body overwrite the metadata, ignoring case, as on Azure', async () => {
    await send('single', {
      body: { MESSAGEID: 'from the body', deliverycount: 99, nothing: null },
      messageId: 'm-2',
    });
    const [seen] = await reports('single', 'from the body');
    expect(seen?.['metadata']).toMatchObject({ messageId: 'from the body', deliveryCount: 99 });
    expect(seen?.['metadata']).not.toHaveProperty('nothing');
  });

  it('abandons a failed message at once, until it is dead', async () => {
    const started = Date.now();
    await send(
      'single',
      { body: { fail: true }, messageId: 'm-3' },
      { body: { fail: false }, messageId: 'm-4' },
    );
    const seen = await reports('single', '"m-3"', 3);
    expect(seen.map(({ metadata }) => (metadata as { deliveryCount: number }).deliveryCount)).toEqual([
      1, 2, 3,
    ]);
    await reports('single', '"m-4"');
    const dead = client.createReceiver('single', { subQueueType: 'deadLetter' });
    const [message] = await dead.receiveMessages(1);
    expect(message).toMatchObject({ messageId: 'm-3', deadLetterReason: 'MaxDeliveryCountExceeded' });
    await dead.close();
    // No backoff: three deliveries take moments, not the lock's minute.
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('keeps outcomes apart when successes and failures end together', async () => {
    const messages = Array.from({ length: 40 }, (_, n) => ({
      body: { fail: n % 2 === 0, n },
      messageId: `mix-${n}`,
    }));
    await send('single', ...messages);
    await expect.poll(() => left('single'), { timeout: 10_000 }).toBe(0);
    const dead = client.createReceiver('single', {
      subQueueType: 'deadLetter',
      receiveMode: 'receiveAndDelete',
    });
    const ids = new Set<unknown>();
    while (ids.size < 20) for (const { messageId } of await dead.receiveMessages(20)) ids.add(messageId);
    await dead.close();
    expect(ids).toEqual(new Set(messages.filter(({ body }) => body.fail).map(({ messageId }) => messageId)));
  });

  it('runs one message of a session at a time, in order, and goes on to further sessions', async () => {
    const messages = ['a', 'b', 'c', 'd'].flatMap((sessionId) =>
      [1, 2, 3].map((n) => ({ body: { n }, sessionId })),
    );
    await send('sessions', ...messages);
    const seen = await reports('sessions', '"session"', 12);
    for (const session of ['a', 'b', 'c', 'd'])
      expect(seen.filter((each) => each['session'] === session).map(({ message }) => message)).toEqual([
        { n: 1 },
        { n: 2 },
        { n: 3 },
      ]);
    expect(seen.every(({ overlap }) => overlap === 0)).toBe(true);
    await expect.poll(() => left('sessions')).toBe(0);
  });

  it('hands a batch over with its metadata as lists', async () => {
    await send('batch', ...[1, 2, 3].map((n) => ({ body: { n }, messageId: `b-${n}` })));
    const seen = await reports('batch', 'messages');
    const all = seen.flatMap(({ messages }) => messages as { n: number }[]);
    const ids = seen.flatMap(({ metadata }) => (metadata as { messageIdArray: string[] }).messageIdArray);
    expect(all.slice(0, 3)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }].slice(0, all.length));
    expect(ids).toEqual(all.map(({ n }) => `b-${n}`));
    await expect.poll(() => left('batch')).toBe(0);
  });

  it('leaves a message unsettled where autoCompleteMessages is off', async () => {
    await send('unsettled', { body: 'keep me' });
    await reports('unsettled', 'keep me');
    expect(await left('unsettled')).toBe(1);
  });

  it('sends what a function puts into its output, an array as several messages', async () => {
    const post = (body: unknown): Promise<Response> =>
      fetch(`${host.url}/api/send`, { method: 'POST', body: JSON.stringify(body) });
    expect((await post([{ n: 1 }, null, 'text'])).status).toBe(202);
    const receiver = client.createReceiver('out');
    const bodies: unknown[] = [];
    while (bodies.length < 2)
      for (const message of await receiver.receiveMessages(2))
        bodies.push(message.body instanceof Buffer ? message.body.toString() : message.body);
    expect(bodies).toEqual([{ n: 1 }, 'text']);
    await receiver.close();
  });

  it('runs a queue function by hand', async () => {
    const response = await fetch(`${host.url}/admin/functions/single`, {
      method: 'POST',
      headers: { 'x-functions-key': host.masterKey },
      body: JSON.stringify({ input: '{"by":"hand"}' }),
    });
    expect(response.status).toBe(202);
    expect((await reports('single', '"hand"'))[0]).toMatchObject({ message: { by: 'hand' } });
  });
});

it.each(['there', 'gone'])('ends in time when the broker is %s', async (broker) => {
  const bus = await startServiceBus({
    queues: [
      { name: 'single' },
      { name: 'batch' },
      { name: 'unsettled' },
      { name: 'sessions', requiresSession: true },
    ],
  });
  const host = await startFixture('bus', { settings: { SINGLE_QUEUE: 'single', BUS: bus.connectionString } });
  if (broker === 'gone') await bus.close();
  const started = performance.now();
  await host.close();
  expect(performance.now() - started).toBeLessThan(broker === 'gone' ? 3_000 : 1_500);
  await bus.close();
});
