// The account under test: the embedded one on a virtual clock with three physical partitions, or the one that
// CONFORMANCE_COSMOS names. Every suite works in a database of its own, which is gone afterwards.
import { randomUUID } from 'node:crypto';
import {
  CosmosClient,
  type ChangeFeedIteratorOptions,
  type Container,
  type ContainerDefinition,
} from '@azure/cosmos';
import { vi } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { startCosmos } from '../../../local/cosmos/server.js';
import { REAL_CASE_TIMEOUT_MS, realService, sleep } from '../environment.js';

const real = realService('CONFORMANCE_COSMOS');
if (real) vi.setConfig({ testTimeout: REAL_CASE_TIMEOUT_MS, hookTimeout: REAL_CASE_TIMEOUT_MS });

export interface Account {
  readonly client: CosmosClient;
  readonly connectionString: string;
  /** Makes a container, partitioned by `/pk` unless told otherwise, of a name of its own. */
  container(definition?: Partial<ContainerDefinition>): Promise<Container>;
  /** The service's time (ms since the Unix epoch), as near as this machine knows it. */
  now(): number;
  /** Lets so much of the service's time go by. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

export async function openAccount(): Promise<Account> {
  const clock = new VirtualClock(Date.now());
  const embedded = real ? undefined : await startCosmos({ clock, partitions: 3 });
  const connectionString = embedded?.connectionString ?? real ?? '';
  const client = new CosmosClient(connectionString);
  const { database } = await client.databases.create({ id: `conformance-${randomUUID()}` });
  return {
    client,
    connectionString,
    async container(definition = {}) {
      const { container } = await database.containers.create({
        id: randomUUID(),
        partitionKey: { paths: ['/pk'] },
        ...definition,
      });
      return container;
    },
    now: () => (real ? Date.now() : clock.now()),
    pass: async (ms) => (real ? sleep(ms) : clock.advanceBy(ms)),
    async close() {
      await database.delete();
      client.dispose();
      await embedded?.close();
    },
  };
}

/** Reads a change feed until nothing is new. @returns its documents page by page, and where to go on */
export async function drain<T>(
  container: Container,
  options: ChangeFeedIteratorOptions,
): Promise<{ pages: T[][]; documents: T[]; continuation: string }> {
  const pages: T[][] = [];
  const iterator = container.items.getChangeFeedIterator<T>(options);
  for (;;) {
    const page = await iterator.readNext();
    if (page.statusCode === 304)
      return { pages, documents: pages.flat(), continuation: page.continuationToken };
    pages.push(page.result);
  }
}
