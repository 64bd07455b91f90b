// Looks into queues as a receiver does.
import { ServiceBusClient, type ServiceBusReceiver } from '@azure/service-bus';
import type { TestCloud } from './cloud.js';

/** Long enough for messages that are there; a test that expects none waits that long. */
const WAIT_MS = 100;

/** Receives and removes every message that waits in a queue, and gives their bodies. */
export async function drain(
  cloud: TestCloud,
  queue: string,
  options: { sessions?: boolean } = {},
): Promise<unknown[]> {
  const client = new ServiceBusClient(cloud.env.SERVICE_BUS ?? '', {
    retryOptions: { maxRetries: 0, timeoutInMs: 500 },
  });
  const bodies: unknown[] = [];
  try {
    for (;;) {
      const receiver = options.sessions ? await nextSession(client, queue) : client.createReceiver(queue);
      if (!receiver) return bodies;
      const messages = await receiver.receiveMessages(100, { maxWaitTimeInMs: WAIT_MS });
      for (const message of messages) {
        bodies.push(message.body as unknown);
        await receiver.completeMessage(message);
      }
      await receiver.close();
      if (messages.length === 0 || !options.sessions) return bodies;
    }
  } finally {
    await client.close();
  }
}

async function nextSession(client: ServiceBusClient, queue: string): Promise<ServiceBusReceiver | undefined> {
  try {
    return await client.acceptNextSession(queue);
  } catch {
    return undefined;
  }
}
