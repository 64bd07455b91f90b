// From Service Bus messages to what a function gets: the body as text, and the rest as trigger metadata.
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Input } from '../invoker.js';
import type { TypedData } from '../worker/protocol.js';

/** @returns the input of a function that takes one message */
export function singleInput(message: ServiceBusReceivedMessage): Input {
  const body = bodyText(message);
  const metadata: Record<string, TypedData> = {};
  for (const [name, value] of Object.entries(properties(message)))
    if (value !== undefined) metadata[name] = toTypedData(value);
  // The real host adds a JSON body's own properties to the same, case-insensitive, map: they win over the message's.
  for (const [name, value] of Object.entries(topLevelProperties(body))) {
    if (value === null) continue;
    const existing = Object.keys(metadata).find((key) => key.toLowerCase() === name.toLowerCase());
    metadata[existing ?? name] = toTypedData(value);
  }
  return { data: { string: body }, metadata, ...trace(message), reason: reason([message]) };
}

/** @returns the input of a function that takes a batch; each property becomes a list in `<Name>Array` */
export function batchInput(messages: readonly ServiceBusReceivedMessage[]): Input {
  const metadata: Record<string, TypedData> = {};
  const all = messages.map(properties);
  for (const name of Object.keys(all[0] ?? {}))
    metadata[`${name}Array`] = { json: JSON.stringify(all.map((each) => each[name] ?? null)) };
  return {
    data: { collectionString: { string: messages.map(bodyText) } },
    metadata,
    reason: reason(messages),
  };
}

const reason = (messages: readonly ServiceBusReceivedMessage[]): string =>
  messages.length === 1
    ? `New message, MessageId: ${String(messages[0]?.messageId)}`
    : `New batch of ${messages.length} messages`;

/** The names are those of the Service Bus extension 5.x. */
function properties(message: ServiceBusReceivedMessage): Record<string, unknown> {
  return {
    // .NET counts the delivery under way; the wire, and with it this client, only those before it.
    DeliveryCount: (message.deliveryCount ?? 0) + 1,
    DeadLetterSource: message.deadLetterSource,
    LockToken: message.lockToken,
    LockedUntil: message.lockedUntilUtc,
    ExpiresAtUtc: message.expiresAtUtc,
    EnqueuedTimeUtc: message.enqueuedTimeUtc,
    MessageId: message.messageId,
    ContentType: message.contentType,
    ReplyTo: message.replyTo,
    SequenceNumber: message.sequenceNumber?.toNumber(),
    To: message.to,
    Subject: message.subject,
    Label: message.subject,
    CorrelationId: message.correlationId,
    ApplicationProperties: message.applicationProperties ?? {},
    UserProperties: message.applicationProperties ?? {},
    SessionId: message.sessionId,
    ReplyToSessionId: message.replyToSessionId,
    PartitionKey: message.partitionKey,
  };
}

/** Strings go as they are, and the library parses those that are JSON, so a MessageId "12" arrives as a number. */
function toTypedData(value: unknown): TypedData {
  if (typeof value === 'string') return { string: value };
  return { json: JSON.stringify(value) };
}

/** Bodies arrive unparsed: bytes for a data body, any value for an AMQP value or sequence. */
function bodyText({ body }: ServiceBusReceivedMessage): string {
  if (Buffer.isBuffer(body)) return body.toString('utf8');
  return typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
}

function topLevelProperties(body: string): Record<string, unknown> {
  if (!body.trimStart().startsWith('{')) return {};
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function trace(message: ServiceBusReceivedMessage): { traceParent?: string } {
  const id =
    message.applicationProperties?.['traceparent'] ?? message.applicationProperties?.['Diagnostic-Id'];
  return typeof id === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(id)
    ? { traceParent: id }
    : {};
}
