// The namespace under test: the embedded one on a virtual clock, or the one that CONFORMANCE_SERVICEBUS names.
import { randomUUID } from 'node:crypto';
import {
  ServiceBusAdministrationClient,
  ServiceBusClient,
  type CreateQueueOptions,
  type QueueRuntimeProperties,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
} from '@azure/service-bus';
import { vi } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { startServiceBus } from '../../../local/servicebus/server.js';
import { REAL_CASE_TIMEOUT_MS, realService, sleep } from '../environment.js';

const real = realService('CONFORMANCE_SERVICEBUS');
if (real) vi.setConfig({ testTimeout: REAL_CASE_TIMEOUT_MS });

/** How long one look for a message waits (ms), and how long until "no message comes" is believed. */
const LOOK_MS = real ? 5_000 : 1_000;
const QUIET_MS = real ? 3_000 : 50;
const LOOKS = 6;
/** Counts are gathered in the background on the real service (ms). */
export const COUNTS_WITHIN_MS = real ? 60_000 : 2_000;

export interface Namespace {
  readonly client: ServiceBusClient;
  readonly admin: ServiceBusAdministrationClient;
  /** The namespace's connection string with another key. */
  readonly strangersConnectionString: string;
  /** Makes a queue of a name of its own. @returns the name */
  readonly createQueue: (options?: CreateQueueOptions) => Promise<string>;
  /** The service's time (ms since the Unix epoch), as near as this machine knows it. */
  readonly now: () => number;
  /** Lets so much of the service's time go by. */
  readonly pass: (ms: number) => Promise<void>;
  /** Lets time go by until the promise settles. */
  readonly passUntil: (settled: Promise<unknown>) => Promise<void>;
  readonly depth: (queue: string) => Promise<QueueRuntimeProperties>;
}

/** The administration client always asks for https; the emulators answer over http, so the request is sent there. */
export function administration(connectionString: string): ServiceBusAdministrationClient {
  const admin = new ServiceBusAdministrationClient(connectionString, { retryOptions: { maxRetries: 0 } });
  if (connectionString.includes('UseDevelopmentEmulator=true'))
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

/** A namespace for the length of `use`; queues made in it are gone afterwards. */
export async function withNamespace(use: (namespace: Namespace) => Promise<void>): Promise<void> {
  const clock = new VirtualClock(Date.now());
  const embedded = real ? undefined : await startServiceBus({ queues: [], clock });
  const connectionString = embedded?.connectionString ?? real ?? '';
  // One quick retry: what a case provokes is seen, not waited for.
  const client = new ServiceBusClient(connectionString, {
    retryOptions: { maxRetries: 1, retryDelayInMs: 10, timeoutInMs: real ? 20_000 : 5_000 },
  });
  const admin = administration(realService('CONFORMANCE_SERVICEBUS_ADMIN') ?? connectionString);
  const made: string[] = [];
  try {
    await use({
      client,
      admin,
      strangersConnectionString: connectionString.replace(
        /SharedAccessKey=[^;]*/,
        'SharedAccessKey=d3Jvbmc=',
      ),
      async createQueue(options = {}) {
        const name = `conformance-${randomUUID()}`;
        await admin.createQueue(name, options);
        made.push(name);
        return name;
      },
      now: () => (real ? Date.now() : clock.now()),
      pass: async (ms) => (real ? sleep(ms) : clock.advanceBy(ms)),
      async passUntil(settled) {
        const timer = real ? undefined : setInterval(() => clock.advanceBy(1_000), 5);
        await settled.catch(() => undefined);
        clearInterval(timer);
      },
      depth: (queue) => admin.getQueueRuntimeProperties(queue),
    });
  } finally {
    await client.close();
    if (real) for (const name of made) await admin.deleteQueue(name).catch(() => undefined);
    await embedded?.close();
  }
}

/** Receives so many messages, with more than one look where the service takes its time; fewer when none come. */
export async function receive(
  receiver: ServiceBusReceiver,
  count: number,
): Promise<ServiceBusReceivedMessage[]> {
  const messages: ServiceBusReceivedMessage[] = [];
  for (let look = 0; look < LOOKS && messages.length < count; look++)
    messages.push(...(await receiver.receiveMessages(count - messages.length, { maxWaitTimeInMs: LOOK_MS })));
  return messages;
}

/** Receives one message. @throws when none comes */
export async function receiveOne(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage> {
  const [message] = await receive(receiver, 1);
  if (!message) throw new Error(`no message came from ${receiver.entityPath}`);
  return message;
}

/** What comes although nothing should. */
export const receiveNothing = (receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage[]> =>
  receiver.receiveMessages(1, { maxWaitTimeInMs: QUIET_MS });

export const bodies = (messages: readonly ServiceBusReceivedMessage[]): unknown[] =>
  messages.map(({ body }) => body as unknown);
