import { ServiceBusClient } from '@azure/service-bus';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Settlements } from '../../../../local/host/servicebus/settlements.js';
import { startServiceBus } from '../../../../local/servicebus/server.js';
import type { ServiceBus } from '../../../../local/servicebus/server.js';

describe('settling several messages in one tick', () => {
  let bus: ServiceBus;
  let client: ServiceBusClient;
  beforeAll(async () => {
    bus = await startServiceBus({ queues: [{ name: 'plain' }, { name: 'apart' }] });
    client = new ServiceBusClient(bus.connectionString);
  });
  afterAll(async () => {
    await client.close();
    await bus.close();
  });

  /** Completes the even ones of six messages and abandons the odd ones, all at once. */
  const settle = async (queue: string, run: Settlements['run']): Promise<number[]> => {
    await client.createSender(queue).sendMessages([0, 1, 2, 3, 4, 5].map((body) => ({ body })));
    const receiver = client.createReceiver(queue);
    const messages = [];
    while (messages.length < 6) messages.push(...(await receiver.receiveMessages(6 - messages.length)));
    await Promise.all(
      messages.map((message) =>
        (message.body as number) % 2 === 0
          ? run('complete', () => receiver.completeMessage(message))
          : run('abandon', () => receiver.abandonMessage(message)),
      ),
    );
    const back = await receiver.receiveMessages(6, { maxWaitTimeInMs: 500 });
    await receiver.close();
    return back.map(({ body }) => body as number).toSorted((a, b) => a - b);
  };

  it('gives each its own outcome', async () => {
    const settlements = new Settlements();
    expect(await settle('apart', (outcome, each) => settlements.run(outcome, each))).toEqual([1, 3, 5]);
  });

  it('would complete abandoned messages without it: the client joins neighbours', async () => {
    expect(await settle('plain', (_, each) => each())).not.toEqual([1, 3, 5]);
  });
});
