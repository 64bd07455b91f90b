// The embedded cloud inside the test's own process, with what shared/topology.json lists, reached through the real
// SDKs. Every test takes a product of its own, so tests of one file do not meet.
import { startCosmos } from '../../local/cosmos/server.js';
import { startServiceBus } from '../../local/servicebus/server.js';
import { startBlobs } from '../../local/storage/azurite.js';
import { openBlobStorage } from '../../shared/cloud/blobStorage.js';
import type { Blobs } from '../../shared/cloud/blobs.js';
import { systemClock, type Clock } from '../../shared/cloud/clock.js';
import { openCosmos } from '../../shared/cloud/cosmos.js';
import type { Meter } from '../../shared/cloud/documents.js';
import { openServiceBus } from '../../shared/cloud/serviceBus.js';
import { BLOB_CONTAINERS, CONTAINERS, DATABASE, QUEUES } from '../../shared/topology.js';
import { BlobServiceClient } from '@azure/storage-blob';

/** Real time, which a test may set ahead. */
export interface TestClock extends Clock {
  advance(seconds: number): void;
}

export function testClock(): TestClock {
  let aheadMs = 0;
  return {
    now: () => new Date(Date.now() + aheadMs).toISOString(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    advance(seconds) {
      aheadMs += seconds * 1000;
    },
  };
}

type Cosmos = Awaited<ReturnType<typeof startCosmos>>;
type ServiceBus = Awaited<ReturnType<typeof startServiceBus>>;

export interface TestCloud {
  /** Settings as an app gets them: COSMOS, SERVICE_BUS and, where asked for, BLOBS. */
  readonly env: Record<string, string>;
  readonly cosmos: Cosmos;
  readonly serviceBus: ServiceBus;
  readonly documents: Awaited<ReturnType<typeof openCosmos>>;
  readonly bus: Awaited<ReturnType<typeof openServiceBus>>;
  /** Throws unless blobs were asked for. */
  readonly blobs: Blobs;
  readonly clock: TestClock;
  close(): Promise<void>;
}

/**
 * Starts the services, makes containers and queues, and connects to them.
 * @param options.blobs starts Azurite too, which takes seconds: only for tests that need it
 */
export async function startTestCloud(options: { blobs?: boolean; meter?: Meter } = {}): Promise<TestCloud> {
  const [cosmos, serviceBus, azurite] = await Promise.all([
    startCosmos({ databases: [{ id: DATABASE, containers: CONTAINERS.map(containerDefinition) }] }),
    startServiceBus({ queues: [...QUEUES] }),
    options.blobs ? startBlobs() : undefined,
  ]);
  const env: Record<string, string> = {
    COSMOS: cosmos.connectionString,
    SERVICE_BUS: serviceBus.connectionString,
    ...(azurite ? { BLOBS: azurite.connectionString } : {}),
  };
  if (azurite) {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    await Promise.all(BLOB_CONTAINERS.map((name) => service.getContainerClient(name).createIfNotExists()));
  }
  const documents = await openCosmos({
    setting: { kind: 'connectionString', value: cosmos.connectionString },
    database: DATABASE,
    ...(options.meter ? { meter: options.meter } : {}),
  });
  const bus = await openServiceBus({ kind: 'connectionString', value: serviceBus.connectionString });
  const blobs = azurite
    ? await openBlobStorage({ kind: 'connectionString', value: azurite.connectionString })
    : noBlobs();
  return {
    env,
    cosmos,
    serviceBus,
    documents,
    bus,
    blobs,
    clock: testClock(),
    async close() {
      documents.close();
      await bus.close();
      await Promise.all([cosmos.close(), serviceBus.close(), azurite?.close()]);
    },
  };
}

type ContainerDefinition = NonNullable<
  NonNullable<Parameters<typeof startCosmos>[0]>['databases']
>[number]['containers'];

const containerDefinition = (
  spec: (typeof CONTAINERS)[number],
): NonNullable<ContainerDefinition>[number] => ({
  id: spec.name,
  partitionKey: {
    paths: [...spec.partitionKey],
    kind: spec.partitionKey.length > 1 ? 'MultiHash' : 'Hash',
    version: 2,
  },
  ...(spec.ttlSeconds === undefined ? {} : { defaultTtl: spec.ttlSeconds }),
});

function noBlobs(): Blobs {
  const refuse = (): never => {
    throw new Error('this test started its cloud without blobs');
  };
  return { append: refuse, closeLog: refuse, log: refuse, read: refuse, put: refuse };
}
