import { ServiceBusError } from './errors.js';

/** What a queue is; durations in seconds. Defaults are those of Azure Service Bus, Standard tier. */
export interface QueueSpec {
  /** Up to 260 characters: letters, digits, `.`, `-`, `_` and `/` inside. */
  name: string;
  requiresSession?: boolean;
  /** 5 s to 5 min; 60 s by default. */
  lockDurationSeconds?: number;
  /** 10 by default. */
  maxDeliveryCount?: number;
  /** Turns duplicate detection on: 20 s to 7 days. */
  duplicateDetectionWindowSeconds?: number;
  /** Unlimited by default. */
  defaultTtlSeconds?: number;
  deadLetterOnExpiration?: boolean;
  /** 262,144 by default. */
  maxMessageBytes?: number;
}

/** A spec with every default filled in; times in milliseconds, 0 for "no duplicate detection". */
export interface QueueSettings {
  readonly name: string;
  readonly requiresSession: boolean;
  readonly lockMs: number;
  readonly maxDeliveryCount: number;
  readonly duplicateWindowMs: number;
  readonly ttlMs: number;
  readonly deadLetterOnExpiration: boolean;
  readonly maxMessageBytes: number;
}

// Limits of the service, learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas.
export const MAX_SESSION_ID_LENGTH = 128;
export const MAX_MESSAGE_ID_LENGTH = 128;
const MAX_NAME_LENGTH = 260;
const DEFAULT_LOCK_SECONDS = 60;
/** Azure's shortest lock is 5 s; down to 1 s is taken here, so that a test may wait for one to expire. */
const LOCK_SECONDS = { min: 1, max: 300 };
const DEFAULT_MAX_DELIVERIES = 10;
const MAX_DELIVERIES = { min: 1, max: 2_000 };
const DUPLICATE_WINDOW_SECONDS = { min: 1, max: 7 * 86_400 };
const DEFAULT_MESSAGE_BYTES = 256 * 1024;
const MESSAGE_BYTES = { min: 1_024, max: 100 * 1024 * 1024 };

const KNOWN_FIELDS = new Set([
  'name',
  'requiresSession',
  'lockDurationSeconds',
  'maxDeliveryCount',
  'duplicateDetectionWindowSeconds',
  'defaultTtlSeconds',
  'deadLetterOnExpiration',
  'maxMessageBytes',
]);

/**
 * Checks a spec (it may come from a file) and fills in the defaults.
 * @throws ServiceBusError `InvalidArgument` that names the queue, the field and what was expected.
 */
export function settingsOf(spec: QueueSpec): QueueSettings {
  const { name } = spec;
  if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH || !/^[\w.-]+(\/[\w.-]+)*$/.test(name))
    throw new ServiceBusError(
      'InvalidArgument',
      `Queue name ${JSON.stringify(name)}: expected up to ${MAX_NAME_LENGTH} letters, digits, '.', '-', '_', with '/' inside.`,
    );
  for (const field of Object.keys(spec))
    if (!KNOWN_FIELDS.has(field))
      throw new ServiceBusError('InvalidArgument', `Queue '${name}': unknown field '${field}'.`);
  const within = (
    field: keyof QueueSpec,
    range: { min: number; max: number },
    fallback: number,
    whole = true,
  ): number => {
    const value = spec[field] ?? fallback;
    if (value === fallback) return fallback;
    if (typeof value === 'number' && value >= range.min && value <= range.max)
      if (!whole || Number.isInteger(value)) return value;
    throw new ServiceBusError(
      'InvalidArgument',
      `Queue '${name}': ${field} is ${JSON.stringify(value)}, expected ${whole ? 'a whole number' : 'a number'} from ${range.min} to ${range.max}.`,
    );
  };
  const flag = (field: 'requiresSession' | 'deadLetterOnExpiration'): boolean => {
    const value = spec[field] ?? false;
    if (typeof value === 'boolean') return value;
    throw new ServiceBusError('InvalidArgument', `Queue '${name}': ${field} must be true or false.`);
  };
  return {
    name,
    requiresSession: flag('requiresSession'),
    lockMs: within('lockDurationSeconds', LOCK_SECONDS, DEFAULT_LOCK_SECONDS, false) * 1_000,
    maxDeliveryCount: within('maxDeliveryCount', MAX_DELIVERIES, DEFAULT_MAX_DELIVERIES),
    duplicateWindowMs: within('duplicateDetectionWindowSeconds', DUPLICATE_WINDOW_SECONDS, 0, false) * 1_000,
    ttlMs: within('defaultTtlSeconds', { min: 1, max: Number.MAX_SAFE_INTEGER }, Infinity, false) * 1_000,
    deadLetterOnExpiration: flag('deadLetterOnExpiration'),
    maxMessageBytes: within('maxMessageBytes', MESSAGE_BYTES, DEFAULT_MESSAGE_BYTES),
  };
}
