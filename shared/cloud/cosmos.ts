import type {
  Container,
  CosmosClient,
  JSONObject,
  OperationInput,
  PatchOperation,
  PatchRequestBody,
  SqlQuerySpec,
} from '@azure/cosmos';
import { batchFailure, cosmosFailure, statusFailure } from './cosmosErrors.js';
import type {
  BatchStep,
  Documents,
  Identified,
  Meter,
  PartitionKey,
  PatchStep,
  Query,
  Stored,
} from './documents.js';
import { credentialFor } from './credential.js';
import { CloudError } from './errors.js';
import { withRetries } from './retry.js';
import type { ServiceSetting } from './settings.js';

/** The service's limit for a batch and for a request. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024;
/** Enough for every query of the product in one round trip. */
const PAGE_SIZE = 1000;
const SYSTEM_PROPERTIES = ['_rid', '_self', '_etag', '_attachments', '_ts', '_lsn'] as const;

export interface CosmosOptions {
  readonly setting: ServiceSetting;
  readonly database: string;
  readonly meter?: Meter;
}

interface Answer {
  readonly requestCharge: number;
}

/** Opens the document store on Cosmos DB. The SDK is loaded here, so that a cold start without it stays short. */
export async function openCosmos(options: CosmosOptions): Promise<Documents> {
  const { CosmosClient: Client } = await import('@azure/cosmos');
  const client = new Client({
    ...(await connection(options.setting)),
    // A reader of the same process sees its own writes. Across processes every write is conditional anyway.
    consistencyLevel: 'Session',
  });
  return documentsOf(client, options.database, options.meter ?? (() => {}));
}

async function connection(setting: ServiceSetting): Promise<object> {
  if (setting.kind === 'connectionString') return { connectionString: setting.value };
  return { endpoint: setting.value, aadCredentials: await credentialFor(setting) };
}

function documentsOf(client: CosmosClient, databaseName: string, meter: Meter): Documents {
  const database = client.database(databaseName);
  const container = (name: string): Container => database.container(name);

  /** One call with retries and its charge reported. */
  const call = <A extends Answer>(name: string, operation: string, attempt: () => Promise<A>): Promise<A> =>
    withRetries(async () => {
      const answer = await attempt();
      meter({ container: name, operation, requestUnits: answer.requestCharge });
      return answer;
    }, cosmosFailure);

  const pages = async (name: string, query: Query): Promise<unknown[]> => {
    const iterator = container(name).items.query(toSpec(query), {
      maxItemCount: PAGE_SIZE,
      ...(query.partition ? { partitionKey: [...query.partition] } : {}),
    });
    const found: unknown[] = [];
    while (iterator.hasMoreResults()) {
      const page = await call(name, 'query', () => iterator.fetchNext());
      found.push(...((page.resources as unknown[] | undefined) ?? []));
    }
    return found;
  };

  return {
    async read<T extends Identified>(name: string, partition: PartitionKey, id: string) {
      const answer = await call(name, 'read', () =>
        container(name)
          .item(id, [...partition])
          .read(),
      );
      return answer.statusCode === 404 ? undefined : stored<T>(answer.resource);
    },
    async create<T extends Identified>(name: string, document: T) {
      const answer = await call(name, 'create', () => container(name).items.create({ ...document }));
      return stored<T>(answer.resource);
    },
    async replace<T extends Identified>(name: string, partition: PartitionKey, document: T, ifMatch: string) {
      const answer = await call(name, 'replace', () =>
        container(name)
          .item(document.id, [...partition])
          .replace({ ...document }, { accessCondition: { type: 'IfMatch', condition: ifMatch } }),
      );
      return stored<T>(answer.resource);
    },
    async upsert<T extends Identified>(name: string, document: T) {
      const answer = await call(name, 'upsert', () => container(name).items.upsert({ ...document }));
      return stored<T>(answer.resource);
    },
    async remove(name, partition, id, ifMatch) {
      try {
        await call(name, 'delete', () =>
          container(name)
            .item(id, [...partition])
            .delete(ifMatch ? { accessCondition: { type: 'IfMatch', condition: ifMatch } } : {}),
        );
        return true;
      } catch (error) {
        if (error instanceof CloudError && error.kind === 'not-found') return false;
        throw error;
      }
    },
    async patch<T extends Identified>(
      name: string,
      partition: PartitionKey,
      id: string,
      steps: readonly PatchStep[],
      condition?: string,
    ) {
      const body = patchBody(steps, condition);
      const answer = await call(name, 'patch', () =>
        container(name)
          .item(id, [...partition])
          .patch(body),
      );
      return stored<T>(answer.resource);
    },
    async batch(name, partition, steps) {
      const operations = steps.map(toOperation);
      const bytes = Buffer.byteLength(JSON.stringify(operations));
      if (bytes > MAX_BATCH_BYTES)
        throw new CloudError('too-large', `a batch of ${bytes} bytes; ${MAX_BATCH_BYTES} is the most`);
      await withRetries(async () => {
        const answer = await container(name).items.batch(operations, [...partition]);
        const results = answer.result ?? [];
        const charge = results.reduce((sum, result) => sum + result.requestCharge, 0);
        meter({ container: name, operation: 'batch', requestUnits: charge });
        // 424 marks the steps that did not run because another one failed.
        const failed = results.find((result) => result.statusCode >= 400 && result.statusCode !== 424);
        if (failed)
          throw statusFailure(failed.statusCode, `a step of the batch was answered ${failed.statusCode}`);
      }, batchFailure);
    },
    async query<T extends Identified>(name: string, query: Query) {
      return (await pages(name, query)).map((item) => stored<T>(item));
    },
    async select<T>(name: string, query: Query) {
      return (await pages(name, query)) as T[];
    },
    close: () => {
      client.dispose();
    },
  };
}

const toSpec = (query: Query): SqlQuerySpec => ({
  query: query.text,
  parameters: Object.entries(query.parameters ?? {}).map(([name, value]) => ({
    name: `@${name}`,
    value: value as JSONObject,
  })),
});

const asJson = (document: Identified): JSONObject => ({ ...document }) as unknown as JSONObject;

function toOperation(step: BatchStep): OperationInput {
  switch (step.kind) {
    case 'create':
      return { operationType: 'Create', resourceBody: asJson(step.document) };
    case 'upsert':
      return { operationType: 'Upsert', resourceBody: asJson(step.document) };
    case 'replace': {
      const { document, ifMatch } = step;
      return { operationType: 'Replace', id: document.id, ifMatch, resourceBody: asJson(document) };
    }
    case 'patch':
      return { operationType: 'Patch', id: step.id, resourceBody: patchBody(step.steps, step.condition) };
    case 'remove':
      return { operationType: 'Delete', id: step.id };
  }
}

function patchBody(steps: readonly PatchStep[], condition: string | undefined): PatchRequestBody {
  const operations = [...(steps as readonly PatchOperation[])];
  return { operations, ...(condition ? { condition } : {}) };
}

function stored<T>(resource: unknown): Stored<T> {
  const document = { ...(resource as Record<string, unknown>) };
  const etag = document._etag;
  if (typeof etag !== 'string') throw new CloudError('unavailable', 'a document came without its etag');
  for (const property of SYSTEM_PROPERTIES) delete document[property];
  return { document: document as T, etag };
}
