import { parseDuration } from './duration.js';
import { settingsOf, type QueueSpec } from './spec.js';

export interface EmulatorConfig {
  readonly queues: QueueSpec[];
  /** One sentence for each part that was skipped. */
  readonly warnings: string[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the official Service Bus emulator's `Config.json`.
 * @param skipUnsupported leaves out what the embedded broker lacks, with a warning, instead of refusing it
 * @throws Error naming the path in the file and what was expected, or what is not supported
 */
export function parseEmulatorConfig(
  config: unknown,
  { skipUnsupported = false }: { skipUnsupported?: boolean } = {},
): EmulatorConfig {
  const warnings: string[] = [];
  const unsupported = (at: string, what: string): void => {
    const sentence = `${at}: the embedded cloud has no ${what}`;
    if (!skipUnsupported) throw new Error(`${sentence}. Remove it, or skip it with --skip-unsupported.`);
    warnings.push(`${sentence}; skipped.`);
  };
  const user = fields(fields(config, 'Config.json')['UserConfig'], 'UserConfig');
  const namespaces = list(user['Namespaces'], 'UserConfig.Namespaces');
  const queues: QueueSpec[] = [];
  namespaces.forEach((entry, n) => {
    const at = `UserConfig.Namespaces[${n}]`;
    const namespace = fields(entry, at);
    if (n > 0) return unsupported(at, 'second namespace');
    if (list(namespace['Topics'] ?? [], `${at}.Topics`).length > 0) unsupported(`${at}.Topics`, 'topics');
    list(namespace['Queues'] ?? [], `${at}.Queues`).forEach((queue, q) =>
      queues.push(queueOf(queue, `${at}.Queues[${q}]`, unsupported)),
    );
  });
  return { queues, warnings };
}

function queueOf(value: unknown, at: string, unsupported: (at: string, what: string) => void): QueueSpec {
  const queue = fields(value, at);
  const name = queue['Name'];
  if (typeof name !== 'string') throw new Error(`${at}.Name: expected a string.`);
  const properties = fields(queue['Properties'] ?? {}, `${at}.Properties`);
  const spec: QueueSpec = { name };
  let detectsDuplicates = false;
  let windowSeconds: number | undefined;
  for (const [field, given] of Object.entries(properties)) {
    const path = `${at}.Properties.${field}`;
    switch (field) {
      case 'RequiresSession':
        spec.requiresSession = flag(given, path);
        break;
      case 'DeadLetteringOnMessageExpiration':
        spec.deadLetterOnExpiration = flag(given, path);
        break;
      case 'RequiresDuplicateDetection':
        detectsDuplicates = flag(given, path);
        break;
      case 'MaxDeliveryCount':
        if (typeof given !== 'number') throw new Error(`${path}: expected a number.`);
        spec.maxDeliveryCount = given;
        break;
      case 'LockDuration':
        spec.lockDurationSeconds = seconds(given, path);
        break;
      case 'DefaultMessageTimeToLive': {
        const ttl = seconds(given, path);
        if (ttl !== Infinity) spec.defaultTtlSeconds = ttl;
        break;
      }
      case 'DuplicateDetectionHistoryTimeWindow':
        windowSeconds = seconds(given, path);
        break;
      case 'ForwardTo':
      case 'ForwardDeadLetteredMessagesTo':
        if (given !== '' && given !== null) unsupported(path, 'forwarding');
        break;
      default:
        unsupported(path, `queue property ${field}`);
    }
  }
  /** The service's default window. */
  if (detectsDuplicates) spec.duplicateDetectionWindowSeconds = windowSeconds ?? 600;
  settingsOf(spec);
  return spec;
}

function fields(value: unknown, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error(`${at}: expected an object.`);
}

function list(value: unknown, at: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${at}: expected a list.`);
}

function flag(value: unknown, at: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new Error(`${at}: expected true or false.`);
}

function seconds(value: unknown, at: string): number {
  const parsed = typeof value === 'string' ? parseDuration(value) : undefined;
  if (parsed !== undefined) return parsed;
  throw new Error(`${at}: expected an ISO 8601 duration such as PT1M.`);
}
