import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
  ServiceBusSender,
} from '@azure/service-bus';
import type { Bus, OutgoingMessage } from './bus.js';
import { credentialFor } from './credential.js';
import { CloudError } from './errors.js';
import type { ServiceSetting } from './settings.js';

/** The service gives at most this many messages to one peek. */
const PEEK_PAGE = 250;

/** The SDK's own pause between tries is 30 s, also for a bus that was busy for a moment. */
const RETRIES = { maxRetries: 3, retryDelayInMs: 100, maxRetryDelayInMs: 2000 };
/** A request waits for a send: better to give up and leave it to the feed, or to the caller's next try. */
const SEND_DEADLINE_MS = 3000;

/** Opens the bus. The SDK is loaded here, so that a cold start without it stays short. */
export async function openServiceBus(setting: ServiceSetting): Promise<Bus> {
  return busOf(await connectServiceBus(setting));
}

/** A client of the namespace; factories receive through it too. */
export async function connectServiceBus(setting: ServiceSetting): Promise<ServiceBusClient> {
  const { RetryMode, ServiceBusClient: Client } = await import('@azure/service-bus');
  const options = { retryOptions: { ...RETRIES, mode: RetryMode.Exponential } };
  if (setting.kind === 'connectionString') return new Client(setting.value, options);
  return new Client(setting.value, await credentialFor(setting), options);
}

type SequenceNumber = NonNullable<ServiceBusReceivedMessage['sequenceNumber']>;

function busOf(client: ServiceBusClient): Bus {
  const senders = new Map<string, ServiceBusSender>();
  const receivers = new Map<string, ServiceBusReceiver>();
  const starts = new Map<string, SequenceNumber>();
  return {
    async send(queue, message) {
      const sender = cached(senders, queue, () => client.createSender(queue));
      try {
        await sender.sendMessages(
          {
            body: message.body,
            contentType: 'application/json',
            messageId: message.messageId,
            ...optional(message),
          },
          { abortSignal: AbortSignal.timeout(SEND_DEADLINE_MS) },
        );
      } catch (error) {
        throw busFailure(error);
      }
    },
    async waiting(queue, max) {
      // A receiver that only peeks opens no link, so it neither locks messages nor minds sessions.
      const receiver = cached(receivers, queue, () => client.createReceiver(queue));
      const ids: string[] = [];
      // Without a start the client goes on where the last peek of the queue ended. It exports no way to make a
      // sequence number, so the start is made from the first one that was seen.
      let from = starts.get(queue);
      try {
        while (ids.length < max) {
          const page = await receiver.peekMessages(
            Math.min(PEEK_PAGE, max - ids.length),
            from ? { fromSequenceNumber: from } : {},
          );
          for (const message of page) if (message.state === 'active') ids.push(String(message.messageId));
          const last = page.at(-1)?.sequenceNumber;
          if (!last) break;
          starts.set(queue, last.sub(last));
          from = last.add(1);
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
  if (!(error instanceof Error)) return error;
  const options = { cause: error };
  if (error.name === 'AbortError') return new CloudError('unavailable', 'the bus did not answer', options);
  if (!('code' in error)) return error;
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
