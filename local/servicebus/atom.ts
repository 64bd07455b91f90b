import { formatDuration, parseDuration } from './duration.js';
import type { Engine } from './engine.js';
import { ServiceBusError } from './errors.js';
import type { QueueSpec } from './spec.js';

type Entry = ReturnType<Engine['entry']>;

const NAMESPACE = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const COUNTS_NAMESPACE = 'http://schemas.microsoft.com/netservices/2011/06/servicebus';
/** What a queue may hold, in name only: the embedded broker stores what the disk takes. */
const MAX_SIZE_MEGABYTES = 1_024;
/** The service's window where duplicate detection is on and none is given, and what it reports when off. */
const DEFAULT_WINDOW_SECONDS = 600;

/** One queue as an Atom entry. */
export function queueEntry({ queue, spec, createdAt, updatedAt }: Entry, url: URL): string {
  const { settings } = queue;
  const { active, scheduled, deadLetters, bytes } = queue.counts();
  const time = (ms: number): string => new Date(ms).toISOString();
  const windowMs = settings.duplicateWindowMs || DEFAULT_WINDOW_SECONDS * 1_000;
  const description = [
    tag('LockDuration', formatDuration(settings.lockMs)),
    tag('MaxSizeInMegabytes', MAX_SIZE_MEGABYTES),
    tag('RequiresDuplicateDetection', settings.duplicateWindowMs > 0),
    tag('RequiresSession', settings.requiresSession),
    tag('DefaultMessageTimeToLive', formatDuration(settings.ttlMs)),
    tag('DeadLetteringOnMessageExpiration', settings.deadLetterOnExpiration),
    tag('DuplicateDetectionHistoryTimeWindow', formatDuration(windowMs)),
    tag('MaxDeliveryCount', settings.maxDeliveryCount),
    tag('EnableBatchedOperations', true),
    tag('SizeInBytes', bytes),
    tag('MessageCount', active + scheduled + deadLetters),
    tag('Status', 'Active'),
    tag('CreatedAt', time(createdAt)),
    tag('UpdatedAt', time(updatedAt)),
    tag('AccessedAt', time(updatedAt)),
    `<CountDetails xmlns:d2p1="${COUNTS_NAMESPACE}">`,
    tag('d2p1:ActiveMessageCount', active),
    tag('d2p1:DeadLetterMessageCount', deadLetters),
    tag('d2p1:ScheduledMessageCount', scheduled),
    tag('d2p1:TransferMessageCount', 0),
    tag('d2p1:TransferDeadLetterMessageCount', 0),
    '</CountDetails>',
    tag('AutoDeleteOnIdle', formatDuration(Infinity)),
    tag('EnablePartitioning', false),
    tag('EntityAvailabilityStatus', 'Available'),
    tag('EnableExpress', false),
    tag('MaxMessageSizeInKilobytes', Math.floor(settings.maxMessageBytes / 1_024)),
  ].join('');
  return (
    `<entry xmlns="http://www.w3.org/2005/Atom"><id>${url.origin}/${spec.name}</id>` +
    `<title type="text">${spec.name}</title><updated>${time(updatedAt)}</updated>` +
    `<content type="application/xml"><QueueDescription xmlns="${NAMESPACE}">${description}</QueueDescription>` +
    '</content></entry>'
  );
}

/** A page of queues as an Atom feed. @param next how many to skip for the next page, undefined on the last */
export function queueFeed(entries: readonly Entry[], url: URL, next: number | undefined): string {
  const self = `<link rel="self" href="${url.origin}${url.pathname}"/>`;
  const more =
    next === undefined ? '' : `<link rel="next" href="${url.origin}${url.pathname}?$skip=${next}"/>`;
  const body = entries.map((entry) => queueEntry(entry, url)).join('');
  return `<feed xmlns="http://www.w3.org/2005/Atom"><id>${url.origin}</id>${self}${more}${body}</feed>`;
}

/**
 * The spec that a QueueDescription asks for.
 * @throws ServiceBusError `NotImplemented` for what the embedded broker lacks, `InvalidArgument` for a bad value
 */
export function specOf(name: string, xml: string): QueueSpec {
  const read = (field: string): string | undefined =>
    new RegExp(`<(?:\\w+:)?${field}[^>]*>([^<]*)</`).exec(xml)?.[1]?.trim();
  if (/<(\w+:)?(Topic|Subscription|Rule)Description/.test(xml))
    throw new ServiceBusError(
      'NotImplemented',
      `'${name}': the embedded cloud has no topics, subscriptions or rules.`,
    );
  for (const field of ['ForwardTo', 'ForwardDeadLetteredMessagesTo'])
    if (read(field))
      throw new ServiceBusError(
        'NotImplemented',
        `'${name}': the embedded cloud has no forwarding (${field}).`,
      );
  if (read('EnablePartitioning') === 'true')
    throw new ServiceBusError('NotImplemented', `'${name}': the embedded cloud has no partitioned queues.`);
  const duration = (field: string): number | undefined => {
    const given = read(field);
    if (given === undefined) return undefined;
    const seconds = parseDuration(given);
    if (seconds === undefined)
      throw new ServiceBusError('InvalidArgument', `'${name}': ${field} '${given}' is no ISO 8601 duration.`);
    return seconds;
  };
  const number = (field: string): number | undefined => {
    const given = read(field);
    return given === undefined ? undefined : Number(given);
  };
  const spec: QueueSpec = { name };
  if (read('RequiresSession') === 'true') spec.requiresSession = true;
  if (read('DeadLetteringOnMessageExpiration') === 'true') spec.deadLetterOnExpiration = true;
  spec.lockDurationSeconds = duration('LockDuration') ?? 60;
  const ttl = duration('DefaultMessageTimeToLive') ?? Infinity;
  if (ttl !== Infinity) spec.defaultTtlSeconds = ttl;
  if (read('RequiresDuplicateDetection') === 'true')
    spec.duplicateDetectionWindowSeconds =
      duration('DuplicateDetectionHistoryTimeWindow') ?? DEFAULT_WINDOW_SECONDS;
  const maxDeliveryCount = number('MaxDeliveryCount');
  if (maxDeliveryCount !== undefined) spec.maxDeliveryCount = maxDeliveryCount;
  const kilobytes = number('MaxMessageSizeInKilobytes');
  if (kilobytes !== undefined) spec.maxMessageBytes = kilobytes * 1_024;
  return spec;
}

function tag(name: string, value: string | number | boolean): string {
  return `<${name}>${value}</${name}>`;
}
