// One emulator in the test's own process with the real client on it; closed by `close`.
import { CosmosClient, type Container, type ContainerDefinition, type Database } from '@azure/cosmos';
import { startCosmos, type CosmosOptions, type CosmosServer } from '../../../local/cosmos/server.js';

export interface Cloud {
  server: CosmosServer;
  client: CosmosClient;
  database: Database;
  /** Makes a container of a name of its own. */
  container(definition?: Partial<ContainerDefinition>): Promise<Container>;
  close(): Promise<void>;
}

export async function startCloud(options: CosmosOptions = {}): Promise<Cloud> {
  const server = await startCosmos(options);
  const client = new CosmosClient({ endpoint: server.endpoint, key: server.key });
  const { database } = await client.databases.createIfNotExists({ id: 'test' });
  let made = 0;
  return {
    server,
    client,
    database,
    async container(definition = {}) {
      const id = `container-${++made}`;
      const { container } = await database.containers.create({
        id,
        partitionKey: { paths: ['/pk'] },
        ...definition,
      });
      return container;
    },
    async close() {
      client.dispose();
      await server.close();
    },
  };
}
