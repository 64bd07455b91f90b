import { app as functionApp, type ServiceBusQueueHandler } from '@azure/functions';
import type { z } from 'zod';
import type { Deps } from '../operations/deps.js';
import { app } from './app.js';
import { logTo } from './log.js';

/**
 * Registers a function for messages of a queue: the message error boundary. What the operation throws brings the
 * message back, and after some deliveries into the dead-letter queue; so does a message that does not fit its
 * schema, since nothing can be done with it. What merely has to wait is scheduled anew by the operation.
 * @returns the handler, for tests
 */
export function queueFunction<T>(
  name: string,
  queue: { queueName: string; isSessionsEnabled: boolean },
  schema: z.ZodType<T>,
  operate: (deps: Deps, message: T) => Promise<void>,
): ServiceBusQueueHandler {
  const handler: ServiceBusQueueHandler = async (message, context) => {
    const { deps } = await app();
    await operate(deps(logTo(context)), schema.parse(message));
  };
  functionApp.serviceBusQueue(name, { connection: 'SERVICE_BUS', ...queue, handler });
  return handler;
}
