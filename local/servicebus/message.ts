import { ServiceBusError } from './errors.js';
import type { MessageLock } from './locks.js';
import { MAX_MESSAGE_ID_LENGTH, MAX_SESSION_ID_LENGTH, type QueueSettings } from './spec.js';

/** What a sender gives. The engine never looks into the payload. */
export interface NewMessage {
  readonly messageId: string;
  readonly sessionId?: string | undefined;
  readonly payload: Uint8Array;
  /** Time to live (ms) from the moment it is enqueued; the queue's default caps it. */
  readonly ttlMs?: number | undefined;
  /** When it shall become available (ms since the epoch); a time in the past means now. */
  readonly scheduledFor?: number | undefined;
}

export interface DeadLetterInfo {
  readonly reason: string | undefined;
  readonly description: string | undefined;
  /** Name of the queue it was in. */
  readonly source: string;
}

/** A message in a queue. */
export interface Message extends NewMessage {
  /** Kept for life, except that a scheduled message gets a new one when it becomes active. */
  readonly seq: number;
  readonly enqueuedSeq: number;
  readonly enqueuedAt: number;
  /** ms since the epoch, or Infinity. */
  readonly expiresAt: number;
  readonly deadLetter?: DeadLetterInfo | undefined;
  payload: Uint8Array;
  state: 'active' | 'deferred' | 'scheduled';
  /** Deliveries that ended in an abandon or an expired lock. */
  deliveries: number;
  lock: MessageLock | undefined;
  /** True while it waits for a receiver: neither locked, nor deferred, nor scheduled, nor gone. */
  ready: boolean;
  gone: boolean;
}

/** @throws ServiceBusError if a queue with these settings cannot take the message */
export function checkMessage({ messageId, sessionId, payload }: NewMessage, settings: QueueSettings): void {
  const { name, maxMessageBytes } = settings;
  if (settings.requiresSession && sessionId === undefined)
    throw new ServiceBusError(
      'NotAllowed',
      `The SessionId was not set on a message, and it cannot be sent to '${name}', which requires sessions.`,
    );
  if ((sessionId?.length ?? 0) > MAX_SESSION_ID_LENGTH)
    throw new ServiceBusError(
      'InvalidArgument',
      `The session id is over ${MAX_SESSION_ID_LENGTH} characters.`,
    );
  if (messageId.length > MAX_MESSAGE_ID_LENGTH)
    throw new ServiceBusError(
      'InvalidArgument',
      `The message id is over ${MAX_MESSAGE_ID_LENGTH} characters.`,
    );
  if (payload.length > maxMessageBytes)
    throw new ServiceBusError(
      'MessageSizeExceeded',
      `The received message (${payload.length} bytes) exceeds the limit of '${name}' (${maxMessageBytes} bytes).`,
    );
}
