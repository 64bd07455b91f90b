// One emulator in the test's own process with the real client on it, and requests without any client.
import { createHmac } from 'node:crypto';
import { CosmosClient, type Container, type ContainerDefinition, type Database } from '@azure/cosmos';
import { WELL_KNOWN_KEY } from '../../../local/cosmos/auth.js';
import { startCosmos, type CosmosOptions, type CosmosServer } from '../../../local/cosmos/server.js';
import { sendTo, type Answer } from '../http.js';

export type { Answer };

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

/** One request as it is, with no client in between. */
export const send = (
  server: CosmosServer,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> => sendTo(server.port, method, path, headers, body);

/** Headers with a valid master-key signature. */
export function signed(
  method: string,
  path: string,
  date = new Date().toUTCString(),
  key = WELL_KNOWN_KEY,
): Record<string, string> {
  const segments = path
    .split('?')[0]!
    .split('/')
    .filter(Boolean)
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        return segment;
      }
    });
  const isFeed = segments.length % 2 === 1;
  const type = segments.at(isFeed ? -1 : -2) ?? '';
  const link = (isFeed ? segments.slice(0, -1) : segments).join('/');
  const text =
    `${method}\n${type}\n`.toLowerCase() +
    `${type === 'offers' ? link.toLowerCase() : link}\n${date.toLowerCase()}\n\n`;
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  return { authorization: encodeURIComponent(`type=master&ver=1.0&sig=${signature}`), 'x-ms-date': date };
}
