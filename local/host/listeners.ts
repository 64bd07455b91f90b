// From a function to what listens for it.
import type { Clients } from './clients.js';
import { CosmosListener } from './cosmos/listener.js';
import { isKind } from './functions.js';
import type { HostedFunction } from './functions.js';
import type { HostConfig } from './hostJson.js';
import type { Invoker } from './invoker.js';
import type { Log } from './log.js';
import { ServiceBusListener } from './servicebus/listener.js';
import type { Settings } from './settings.js';
import { TimerListener } from './timer/listener.js';
import type { TimerStorage } from './timer/listener.js';
import { BlobTimerStorage } from './timer/storage.js';

/** The connection of the host itself; its setting is `AzureWebJobsStorage`. */
const HOST_STORAGE = 'Storage';
/** The container that the real host uses. */
const HOST_CONTAINER = 'azure-webjobs-hosts';

export interface Listener {
  /** Resolves when it listens. @throws Error when it never will */
  start(): Promise<void>;
  /** Takes nothing new and resolves when what runs has ended. */
  stop(): Promise<void>;
}

export interface ListenerOptions {
  settings: Settings;
  clients: Clients;
  config: HostConfig;
  invoker: Invoker;
  log: Log;
  hostId: string;
  instanceId: string;
}

/**
 * @returns a listener for every function that is on and not called over HTTP
 * @throws Error for a schedule that cannot be parsed or a connection that is missing
 */
export async function createListeners(
  functions: readonly HostedFunction[],
  options: ListenerOptions,
): Promise<Listener[]> {
  const on = functions.filter((fn) => !fn.disabled);
  const storage = on.some(isKind('timer')) ? await timerStorage(options) : undefined;
  const listeners = await Promise.all(on.map((fn) => createListener(fn, options, storage)));
  return listeners.filter((listener) => listener !== undefined);
}

async function createListener(
  fn: HostedFunction,
  options: ListenerOptions,
  storage: TimerStorage | undefined,
): Promise<Listener | undefined> {
  const { clients, config, invoker, log, instanceId } = options;
  if (isKind('timer')(fn)) return new TimerListener(fn, { invoker, log, storage });
  if (isKind('serviceBus')(fn)) {
    const client = await clients.serviceBus(fn.trigger.connection);
    return new ServiceBusListener(fn, { invoker, log, client, config: config.serviceBus });
  }
  if (isKind('cosmos')(fn)) {
    const client = await clients.cosmos(fn.trigger.connection);
    const leaseClient = await clients.cosmos(fn.trigger.leaseConnection);
    return new CosmosListener(fn, { invoker, log, client, leaseClient, instanceId });
  }
  return undefined;
}

/** The real host refuses to start without a storage account; here its timers do without what needs one. */
async function timerStorage(options: ListenerOptions): Promise<TimerStorage | undefined> {
  const { settings, clients, config, log, hostId, instanceId } = options;
  if (!settings.findConnection(HOST_STORAGE)) {
    const message = 'AzureWebJobsStorage is not set: timers run without monitor and singleton lock.';
    log('warning', 'Host.Timers', message);
    return undefined;
  }
  const blobs = await clients.blob(HOST_STORAGE);
  return new BlobTimerStorage({
    container: blobs.getContainerClient(HOST_CONTAINER),
    hostId,
    instanceId,
    lockPeriod: config.singleton.listenerLockPeriod,
    recoveryInterval: config.singleton.listenerLockRecoveryPollingInterval,
  });
}
