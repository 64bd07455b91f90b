import type { Long, ServiceBusClient, ServiceBusReceiver, ServiceBusSender } from '@azure/service-bus';
import type { Bus, OutgoingMessage } from './bus.js';
import { CloudError } from './errors.js';
import type { ServiceSetting } from './settings.js';

/** The service gives at most this many messages to one peek. */
const PEEK_PAGE = 250;

/** Opens the bus. The SDK is loaded here, so that a cold start without it stays short. */
export async function openServiceBus(setting: ServiceSetting): Promise<Bus> {
  const { Long: SequenceNumber } = await import('@azure/service-bus');
  return busOf(await connectServiceBus(setting), (value) => SequenceNumber.fromNumber(value));
}

/** A client of the namespace; factories receive through it too. */
export async function connectServiceBus(setting: ServiceSetting): Promise<ServiceBusClient> {
  const { ServiceBusClient: Client } = await import('@azure/service-bus');
  if (setting.kind === 'connectionString') return new Client(setting.value);
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new Client(setting.value, new DefaultAzureCredential());
}

function busOf(client: ServiceBusClient, sequenceNumber: (value: number) => Long): Bus {
  const senders = new Map<string, ServiceBusSender>();
  const receivers = new Map<string, ServiceBusReceiver>();
  return {
    async send(queue, message) {
      const sender = cached(senders, queue, () => client.createSender(queue));
      try {
        await sender.sendMessages({
          body: message.body,
          contentType: 'application/json',
          messageId: message.messageId,
          ...optional(message),
        });
      } catch (error) {
        throw busFailure(error);
      }
    },
    async waiting(queue, max) {
      // A receiver that only peeks opens no link, so it neither locks messages nor minds sessions.
      const receiver = cached(receivers, queue, () => client.createReceiver(queue));
      const ids: string[] = [];
      let from = 0;
      try {
        while (ids.length < max) {
          // Without a start the client goes on where any earlier peek of this connection ended.
          const page = await receiver.peekMessages(Math.min(PEEK_PAGE, max - ids.length), {
            fromSequenceNumber: sequenceNumber(from),
          });
          for (const message of page) ids.push(String(message.messageId));
          const last = page.at(-1)?.sequenceNumber;
          if (!last) break;
          from = last.toNumber() + 1;
        }
      } catch (error) {
        throw busFailure(error);
      }
      return ids;
    },
    close: () => client.close(),
  };
}

const optional = (message: OutgoingMessage): object => ({
  ...(message.sessionId === undefined ? {} : { sessionId: message.sessionId }),
  ...(message.notBefore === undefined ? {} : { scheduledEnqueueTimeUtc: new Date(message.notBefore) }),
  ...(message.ttlSeconds === undefined ? {} : { timeToLive: message.ttlSeconds * 1000 }),
});

function cached<V>(values: Map<string, V>, key: string, make: () => V): V {
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  return made;
}

/** What the SDK threw, as a CloudError where it is one. The SDK has retried transient failures by itself. */
export function busFailure(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const options = { cause: error };
  switch (error.code) {
    case 'MessagingEntityNotFound':
      return new CloudError('not-found', error.message, options);
    case 'MessageSizeExceeded':
      return new CloudError('too-large', error.message, options);
    case 'ServiceBusy':
    case 'QuotaExceeded':
      return new CloudError('throttled', error.message, options);
    case 'ServiceTimeout':
    case 'ServiceCommunicationProblem':
    case 'SessionLockLost':
    case 'MessageLockLost':
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'GeneralError':
      return new CloudError('unavailable', error.message, options);
    default:
      return error;
  }
}
