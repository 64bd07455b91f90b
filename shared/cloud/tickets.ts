/** Receiving tickets: what a factory waits on. The session is held for the claim only, not for the run. */
import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusSessionReceiver,
} from '@azure/service-bus';
import { TicketSchema, type Ticket } from '../contract/messages.js';
import { CloudError } from './errors.js';
import { busFailure, connectServiceBus } from './serviceBus.js';
import type { ServiceSetting } from './settings.js';

/** A session was offered because it has a message; more waiting would only hold it away from others. */
const MESSAGE_WAIT_MS = 1000;

export interface Tickets {
  /**
   * Waits for the next ticket of a queue, however long it takes, and hands it to `claim` while its session is held.
   * When `claim` is done the ticket is completed; when it throws, the ticket goes back, its delivery not counted.
   * @returns false when `signal` ended the wait
   * @throws what `claim` threw; CloudError when the bus is away
   */
  next(
    queue: string,
    claim: (ticket: Ticket['ticket']) => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean>;
  /**
   * Gives the connection up for a new one: after a failure inside of the client that leaves its requests unanswered
   * for ever. Waits that are under way end as if the bus were away.
   */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/** A connection, and the end of it. */
interface Line {
  readonly client: ServiceBusClient;
  readonly lost: AbortController;
}

/** Connects to the bus as a receiver of tickets. */
export async function openTickets(setting: ServiceSetting): Promise<Tickets> {
  const connect = async (): Promise<Line> => ({
    client: await connectServiceBus(setting),
    lost: new AbortController(),
  });
  let line = await connect();

  /** Undefined when the wait ended without one: the service answers with a timeout after about a minute. */
  const acceptSession = async (
    client: ServiceBusClient,
    queue: string,
    signal: AbortSignal,
  ): Promise<ServiceBusSessionReceiver | undefined> => {
    try {
      // The SDK takes fields off the options it gets, so every call needs its own.
      return await client.acceptNextSession(queue, {
        maxAutoLockRenewalDurationInMs: 0,
        abortSignal: signal,
      });
    } catch (error) {
      if (signal.aborted || isQuiet(error)) return undefined;
      throw busFailure(error);
    }
  };

  const nextOn = async (
    client: ServiceBusClient,
    ...[queue, claim, signal]: Parameters<Tickets['next']>
  ): Promise<boolean> => {
    while (!signal.aborted) {
      const session = await acceptSession(client, queue, signal);
      if (!session) continue;
      try {
        const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: MESSAGE_WAIT_MS });
        if (message && (await take(session, message, claim))) return true;
      } catch (error) {
        throw busFailure(error);
      } finally {
        await session.close().catch(() => {});
      }
    }
    return false;
  };

  return {
    next(queue, claim, signal) {
      const { client, lost } = line;
      return untilLost(lost.signal, signal, (end) => nextOn(client, queue, claim, end));
    },
    async reopen() {
      const { client, lost } = line;
      line = await connect();
      lost.abort();
      await client.close();
    },
    close: () => line.client.close(),
  };
}

/** What `work` comes to, or the loss of the line: then nobody knows whether the client ever answers. */
async function untilLost<T>(
  lost: AbortSignal,
  signal: AbortSignal,
  work: (end: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const onEnd = (): void => end.abort();
  let onLost = (): void => {};
  const loss = new Promise<never>((_, reject) => {
    onLost = () => {
      // A session that is accepted now would keep its lane from others.
      end.abort();
      reject(new CloudError('unavailable', 'the connection to the bus was given up for a new one'));
    };
  });
  signal.addEventListener('abort', onEnd);
  lost.addEventListener('abort', onLost);
  if (signal.aborted) end.abort();
  try {
    return await Promise.race([work(end.signal), loss]);
  } finally {
    signal.removeEventListener('abort', onEnd);
    lost.removeEventListener('abort', onLost);
  }
}

async function take(
  session: ServiceBusSessionReceiver,
  message: ServiceBusReceivedMessage,
  claim: (ticket: Ticket['ticket']) => Promise<void>,
): Promise<boolean> {
  const parsed = TicketSchema.safeParse(message.body);
  if (!parsed.success) {
    await session.deadLetterMessage(message, {
      deadLetterReason: 'NotATicket',
      deadLetterErrorDescription: parsed.error.message.slice(0, 1000),
    });
    return false;
  }
  // Left unsettled when this throws: closing the session then gives the ticket back.
  await claim(parsed.data.ticket);
  // A ticket that cannot be completed any more is delivered again, which does no harm.
  await session.completeMessage(message).catch(() => {});
  return true;
}

const isQuiet = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ServiceTimeout' || error.code === 'SessionCannotBeLocked');
