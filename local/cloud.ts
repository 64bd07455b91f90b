// The embedded cloud: Service Bus, Cosmos DB and Blob Storage, each a process of its own, provisioned through the
// genuine SDKs. What runs on it cannot tell it from the real one.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CosmosClient, type ContainerDefinition, type PartitionKeyKind } from '@azure/cosmos';
import { BlobServiceClient } from '@azure/storage-blob';
import type { ContainerSpec } from '../shared/topology.js';
import { withPortCure } from './portCure.js';
import { startProcess, type ProcessSpec, type RunningProcess } from './processes.js';
import type { QueueSpec } from './servicebus/spec.js';
import { startBlobs } from './storage/azurite.js';

/** 0 chooses a free port. */
export interface CloudPorts {
  readonly serviceBus: number;
  readonly cosmos: number;
  readonly blob: number;
}

/** The ports that the services have by default, as sample settings of other apps expect them. */
export const DEFAULT_CLOUD_PORTS: CloudPorts = { serviceBus: 5672, cosmos: 8081, blob: 10000 };

export interface CloudOptions {
  readonly dataDir: string;
  readonly ports: CloudPorts;
  readonly queues: readonly QueueSpec[];
  /** What the services print. */
  readonly log?: (message: string) => void;
  /** A service died and is started again: something a person should know. */
  readonly onCrash?: (message: string) => void;
  /** As of ProcessSpec, for Service Bus and Cosmos DB. */
  readonly restartDelaysMs?: ProcessSpec['restartDelaysMs'];
}

/** Connection strings. */
export interface CloudConnections {
  readonly serviceBus: string;
  readonly cosmos: string;
  readonly blob: string;
}

/** Holds them as JSON, in the cloud's data folder. */
export const CONNECTIONS_FILE = 'connections.json';

export interface Cloud extends CloudConnections {
  readonly processes: { readonly serviceBus: RunningProcess; readonly cosmos: RunningProcess };
  stop(): Promise<void>;
}

const here = path.dirname(fileURLToPath(import.meta.url));

const text = (value: unknown, what: string): string => {
  if (typeof value !== 'string') throw new Error(`${what} is missing in the ready line`);
  return value;
};

/** The same arguments with the port that the first start got, for a restart. */
export const withPort = (args: readonly string[], port: unknown): string[] =>
  args.map((argument, at) => (args[at - 1] === '--port' ? String(port) : argument));

/**
 * Starts the three services side by side and resolves when all are ready.
 * @throws the first one's own words (a taken port is named there, with its cure); the others are stopped
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { dataDir, ports } = options;
  const { log = () => {}, onCrash = log } = options;
  mkdirSync(dataDir, { recursive: true });
  const queuesFile = path.join(dataDir, 'queues.json');
  writeFileSync(queuesFile, JSON.stringify({ queues: options.queues }, undefined, 2));

  const emulator = (name: string, folder: string, port: number, more: string[]): Promise<RunningProcess> => {
    const args = ['--port', String(port), '--data', path.join(dataDir, folder), ...more];
    return startProcess({
      name,
      module: path.join(here, folder, 'main.js'),
      args,
      restartArgs: (ready) => withPort(args, ready.port),
      onLine: log,
      onCrash,
      ...(options.restartDelaysMs ? { restartDelaysMs: options.restartDelaysMs } : {}),
    });
  };
  const started = await Promise.allSettled([
    withPortCure(
      'Service Bus',
      '--service-bus-port',
      emulator('Service Bus', 'servicebus', ports.serviceBus, ['--config', queuesFile]),
    ),
    withPortCure('Cosmos DB', '--cosmos-port', emulator('Cosmos DB', 'cosmos', ports.cosmos, [])),
    withPortCure(
      'Blob Storage',
      '--blob-port',
      startBlobs({ port: ports.blob, dataDir: path.join(dataDir, 'blob'), log, onCrash }),
    ),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all(
      started.map(async (result) => {
        if (result.status === 'rejected') return;
        await ('stop' in result.value ? result.value.stop() : result.value.close());
      }),
    );
  };
  const [bus, cosmos, blob] = started;
  if (bus.status === 'rejected' || cosmos.status === 'rejected' || blob.status === 'rejected') {
    await stop();
    throw started.find((result) => result.status === 'rejected')?.reason;
  }
  const connections: CloudConnections = {
    serviceBus: text(bus.value.ready.connectionString, 'the connection string of Service Bus'),
    cosmos: text(cosmos.value.ready.connectionString, 'the connection string of Cosmos DB'),
    blob: blob.value.connectionString,
  };
  // For who comes to it from another process, as `fault` does.
  writeFileSync(path.join(dataDir, CONNECTIONS_FILE), JSON.stringify(connections), { mode: 0o600 });
  return { ...connections, processes: { serviceBus: bus.value, cosmos: cosmos.value }, stop };
}

/** What exists in the cloud before an app starts there; see shared/topology.json. */
export interface Provision {
  readonly database: string;
  readonly containers: readonly ContainerSpec[];
  readonly blobContainers: readonly string[];
}

const HIERARCHICAL = 'MultiHash' as PartitionKeyKind;
const SINGLE = 'Hash' as PartitionKeyKind;

const containerDefinition = (spec: ContainerSpec): ContainerDefinition => ({
  id: spec.name,
  partitionKey: {
    paths: [...spec.partitionKey],
    version: 2,
    kind: spec.partitionKey.length > 1 ? HIERARCHICAL : SINGLE,
  },
  ...(spec.ttlSeconds === undefined ? {} : { defaultTtl: spec.ttlSeconds }),
});

/** Creates the database, its containers and the blob containers where they are missing. Safe to repeat. */
export async function provision(cloud: Pick<Cloud, 'cosmos' | 'blob'>, what: Provision): Promise<void> {
  const cosmos = new CosmosClient(cloud.cosmos);
  const blobs = BlobServiceClient.fromConnectionString(cloud.blob);
  try {
    const { database } = await cosmos.databases.createIfNotExists({ id: what.database });
    await Promise.all([
      ...what.containers.map((spec) => database.containers.createIfNotExists(containerDefinition(spec))),
      ...what.blobContainers.map((name) => blobs.getContainerClient(name).createIfNotExists()),
    ]);
  } finally {
    cosmos.dispose();
  }
}
