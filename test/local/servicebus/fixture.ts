import { ServiceBusClient } from '@azure/service-bus';
import {
  startServiceBus,
  type ServiceBus,
  type ServiceBusOptions,
} from '../../../local/servicebus/server.js';
import type { QueueSpec } from '../../../local/servicebus/spec.js';

/** A broker and a client of it, for the length of `use`. */
export async function withBroker(
  queues: readonly QueueSpec[],
  use: (broker: { bus: ServiceBus; client: ServiceBusClient }) => Promise<void>,
  { timeoutInMs = 5_000, ...options }: Partial<ServiceBusOptions> & { timeoutInMs?: number } = {},
): Promise<void> {
  const bus = await startServiceBus({ queues, ...options });
  // One quick retry: the faults of the tests are seen, not waited for.
  const client = new ServiceBusClient(bus.connectionString, {
    retryOptions: { maxRetries: 1, retryDelayInMs: 10, timeoutInMs },
  });
  try {
    await use({ bus, client });
  } finally {
    await client.close();
    await bus.close();
  }
}
