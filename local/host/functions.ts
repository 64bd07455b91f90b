// From the bindings that an app registers to what the host can run. Everything it cannot is refused by name.
import type { Settings } from './settings.js';
import type { Binding, FunctionMetadata, RetryPolicy } from './worker/protocol.js';

export interface HttpTrigger {
  kind: 'http';
  /** Without the prefix; the function's name when the app gives none. */
  route: string;
  methods: string[];
  authLevel: 'anonymous' | 'function' | 'admin';
}

export interface TimerTrigger {
  kind: 'timer';
  schedule: string;
  runOnStartup: boolean;
  useMonitor: boolean;
}

export interface ServiceBusTrigger {
  kind: 'serviceBus';
  connection: string;
  queueName: string;
  isSessionsEnabled: boolean;
  cardinality: 'one' | 'many';
  autoCompleteMessages: boolean | undefined;
}

/** Intervals in ms; the defaults are those of the Cosmos extension 4.x. */
export interface CosmosTrigger {
  kind: 'cosmos';
  connection: string;
  databaseName: string;
  containerName: string;
  leaseConnection: string;
  leaseDatabaseName: string;
  leaseContainerName: string;
  leaseContainerPrefix: string;
  createLeaseContainerIfNotExists: boolean;
  feedPollDelay: number;
  leaseAcquireInterval: number;
  leaseExpirationInterval: number;
  leaseRenewInterval: number;
  maxItemsPerInvocation: number;
  startFromBeginning: boolean;
  startFromTime: string | undefined;
}

export type Trigger = HttpTrigger | TimerTrigger | ServiceBusTrigger | CosmosTrigger;

export interface ServiceBusOutput {
  /** Name of the binding; `$return` is the function's result. */
  name: string;
  connection: string;
  queueName: string;
}

export interface HostedFunction<T extends Trigger = Trigger> {
  name: string;
  trigger: T;
  /** Name of the trigger's binding, under which the input goes in. */
  inputName: string;
  outputs: ServiceBusOutput[];
  /** Name of the binding that carries the HTTP response. */
  httpOutput: string | undefined;
  retry: RetryPolicy | undefined;
  disabled: boolean;
  metadata: FunctionMetadata;
}

/** @throws Error naming the function and what this host lacks or the app left out */
export function readFunction(metadata: FunctionMetadata, settings: Settings): HostedFunction {
  const { name } = metadata;
  const refuse = (what: string): never => {
    throw new Error(`Function "${name}": ${what}`);
  };
  const resolved = Object.entries(metadata.bindings).map(
    ([bindingName, binding]) => [bindingName, resolveStrings(binding, settings, refuse)] as const,
  );
  const [inputName, input] =
    resolved.find(([, { type }]) => /trigger$/i.test(type)) ?? refuse('it has no trigger.');
  const trigger = readTrigger(name, input, refuse);
  const outputs: ServiceBusOutput[] = [];
  let httpOutput: string | undefined;
  for (const [bindingName, binding] of resolved) {
    if (binding === input) continue;
    const option = (key: string): string =>
      typeof binding[key] === 'string' ? binding[key] : refuse(`its ${binding.type} output needs "${key}".`);
    if (binding.direction === 'in') refuse(`the local host has no "${binding.type}" input binding.`);
    if (binding.type === 'http') httpOutput = bindingName;
    else if (binding.type === 'serviceBus' && typeof binding['topicName'] !== 'string')
      outputs.push({
        name: bindingName,
        connection: option('connection'),
        queueName: option('queueName'),
      });
    else refuse(`the local host has no "${binding.type}" output binding${topic(binding)}.`);
  }
  return {
    name,
    trigger,
    inputName,
    outputs,
    httpOutput,
    retry: metadata.retryOptions,
    disabled: settings.isDisabled(name),
    metadata,
  };
}

const topic = (binding: Binding): string => (binding['topicName'] ? ' to topics (queues only)' : '');

function readTrigger(name: string, binding: Binding, refuse: (what: string) => never): Trigger {
  const text = (key: string, fallback?: string): string => {
    const value = binding[key] ?? fallback;
    return typeof value === 'string' ? value : refuse(`its ${binding.type} needs "${key}".`);
  };
  const number = (key: string, fallback: number): number => Number(binding[key] ?? fallback);
  const flag = (key: string): boolean => binding[key] === true || binding[key] === 'true';
  switch (binding.type.toLowerCase()) {
    case 'httptrigger': {
      const methods = Array.isArray(binding['methods']) ? binding['methods'].map(String) : ['GET', 'POST'];
      const authLevel = text('authLevel', 'anonymous').toLowerCase();
      if (authLevel !== 'anonymous' && authLevel !== 'function' && authLevel !== 'admin')
        return refuse(`authLevel "${authLevel}" is none of anonymous, function, admin.`);
      return {
        kind: 'http',
        route: text('route', name).replaceAll(/^\/+|\/+$/g, ''),
        methods: methods.map((method) => method.toUpperCase()),
        authLevel,
      };
    }
    case 'timertrigger':
      return {
        kind: 'timer',
        schedule: text('schedule'),
        runOnStartup: flag('runOnStartup'),
        useMonitor: binding['useMonitor'] !== false,
      };
    case 'servicebustrigger':
      if (binding['topicName']) return refuse('the local host has no Service Bus topics, only queues.');
      if (flag('sdkBinding')) return refuse('the local host has no SDK-type bindings.');
      return {
        kind: 'serviceBus',
        connection: text('connection'),
        queueName: text('queueName'),
        isSessionsEnabled: flag('isSessionsEnabled'),
        cardinality: text('cardinality', 'one').toLowerCase() === 'many' ? 'many' : 'one',
        autoCompleteMessages:
          binding['autoCompleteMessages'] === undefined ? undefined : flag('autoCompleteMessages'),
      };
    case 'cosmosdbtrigger':
      if (text('changeFeedMode', 'LatestVersion') !== 'LatestVersion')
        return refuse('the local host has the LatestVersion change feed only.');
      return {
        kind: 'cosmos',
        connection: text('connection'),
        databaseName: text('databaseName'),
        containerName: text('containerName'),
        leaseConnection: text('leaseConnection', text('connection')),
        leaseDatabaseName: text('leaseDatabaseName', text('databaseName')),
        leaseContainerName: text('leaseContainerName', 'leases'),
        leaseContainerPrefix: text('leaseContainerPrefix', ''),
        createLeaseContainerIfNotExists: flag('createLeaseContainerIfNotExists'),
        feedPollDelay: number('feedPollDelay', 5_000),
        leaseAcquireInterval: number('leaseAcquireInterval', 13_000),
        leaseExpirationInterval: number('leaseExpirationInterval', 60_000),
        leaseRenewInterval: number('leaseRenewInterval', 17_000),
        maxItemsPerInvocation: number('maxItemsPerInvocation', 100),
        startFromBeginning: flag('startFromBeginning'),
        startFromTime: typeof binding['startFromTime'] === 'string' ? binding['startFromTime'] : undefined,
      };
    default:
      return refuse(`the local host has no "${binding.type}".`);
  }
}

function resolveStrings(binding: Binding, settings: Settings, refuse: (what: string) => never): Binding {
  try {
    const entries = Object.entries(binding).map(([key, value]) => [
      key,
      typeof value === 'string' ? settings.resolve(value) : value,
    ]);
    return Object.fromEntries(entries) as Binding;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

export const isKind =
  <K extends Trigger['kind']>(kind: K) =>
  (fn: HostedFunction): fn is HostedFunction<Extract<Trigger, { kind: K }>> =>
    fn.trigger.kind === kind;
