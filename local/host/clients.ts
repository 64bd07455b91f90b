// The Azure SDK clients that triggers and outputs use, one a connection, loaded when the first is needed: an app
// without a Cosmos trigger never pays for that SDK.
import type { CosmosClient } from '@azure/cosmos';
import type { ServiceBusClient } from '@azure/service-bus';
import type { BlobServiceClient } from '@azure/storage-blob';
import type { TokenCredential } from '@azure/identity';
import type { Settings } from './settings.js';

type Kind = 'serviceBus' | 'cosmos' | 'blob';

export class Clients {
  readonly #settings: Settings;
  readonly #opened = new Map<string, Promise<{ client: unknown; close: () => unknown }>>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @throws Error naming the connection setting that is missing */
  serviceBus(connection: string): Promise<ServiceBusClient> {
    return this.#open('serviceBus', connection, async (found) => {
      const { ServiceBusClient } = await import('@azure/service-bus');
      const client =
        found.kind === 'connectionString'
          ? new ServiceBusClient(found.text)
          : new ServiceBusClient(
              required(found.options, 'fullyQualifiedNamespace', connection),
              await credential(found.options),
            );
      return { client, close: () => client.close() };
    });
  }

  /** @throws Error naming the connection setting that is missing */
  cosmos(connection: string): Promise<CosmosClient> {
    return this.#open('cosmos', connection, async (found) => {
      const { CosmosClient } = await import('@azure/cosmos');
      const client =
        found.kind === 'connectionString'
          ? new CosmosClient(found.text)
          : new CosmosClient({
              endpoint: required(found.options, 'accountEndpoint', connection),
              aadCredentials: await credential(found.options),
            });
      return { client, close: () => client.dispose() };
    });
  }

  /** @throws Error naming the connection setting that is missing */
  blob(connection: string): Promise<BlobServiceClient> {
    return this.#open('blob', connection, async (found) => {
      const { BlobServiceClient } = await import('@azure/storage-blob');
      if (found.kind === 'connectionString')
        return { client: BlobServiceClient.fromConnectionString(found.text), close: () => undefined };
      const account = found.options['accountname'];
      const uri = account
        ? `https://${account}.blob.core.windows.net`
        : required(found.options, 'blobServiceUri', connection);
      return { client: new BlobServiceClient(uri, await credential(found.options)), close: () => undefined };
    });
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#opened.values());
    await Promise.allSettled(
      opened.map(async (each) => (each.status === 'fulfilled' ? each.value.close() : undefined)),
    );
  }

  #open<T>(
    kind: Kind,
    connection: string,
    create: (found: ReturnType<Settings['connection']>) => Promise<{ client: T; close: () => unknown }>,
  ): Promise<T> {
    const key = `${kind}/${connection}`;
    const known = this.#opened.get(key) as ReturnType<typeof create> | undefined;
    const opened = known ?? Promise.resolve().then(() => create(this.#settings.connection(connection)));
    this.#opened.set(key, opened);
    return opened.then(({ client }) => client);
  }
}

function required(options: Record<string, string>, name: string, connection: string): string {
  const value = options[name.toLowerCase()];
  if (!value) throw new Error(`The identity connection "${connection}" needs ${connection}__${name}.`);
  return value;
}

/** `__credential=managedidentity` and `__clientId` as the Functions host reads them. */
async function credential(options: Record<string, string>): Promise<TokenCredential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const clientId = options['clientid'];
  if (options['credential']?.toLowerCase() === 'managedidentity')
    return clientId ? new ManagedIdentityCredential({ clientId }) : new ManagedIdentityCredential();
  return new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {});
}
