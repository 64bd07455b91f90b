// A container's definition: read from what a client sent, checked, and completed with what the service adds.
import { badRequest, unsupported } from './errors.js';
import { parseIndexingPolicy, type IndexingPolicy } from './indexing.js';
import { isObject, type JsonObject, type Value } from './json.js';
import { parseDefinition, parsePath, type PartitionKeyDefinition } from './partitionKey.js';

const ABSENT_POLICIES = [
  'changeFeedPolicy',
  'clientEncryptionPolicy',
  'computedProperties',
  'fullTextPolicy',
  'materializedViewDefinition',
  'vectorEmbeddingPolicy',
];

export interface ContainerDefinition {
  /** The container as clients see it. */
  resource: JsonObject;
  partitionKey: PartitionKeyDefinition;
  indexing: IndexingPolicy;
  /** Paths of each unique key. */
  uniqueKeys: string[][][];
  /** Seconds; -1 for items that live for ever unless they say otherwise; undefined where TTL is off. */
  defaultTtl: number | undefined;
}

function parseUniqueKeys(policy: Value): string[][][] {
  if (policy === undefined || policy === null) return [];
  const keys = isObject(policy) ? (policy['uniqueKeys'] ?? []) : undefined;
  if (!Array.isArray(keys)) throw badRequest('The unique key policy is invalid.');
  return keys.map((key) => {
    const paths = isObject(key) ? key['paths'] : undefined;
    if (!Array.isArray(paths) || paths.length === 0) throw badRequest('A unique key must have paths.');
    return paths.map(parsePath);
  });
}

/** Whether a `ttl` or `defaultTtl` is one the service takes. */
export const isTtl = (ttl: Value): boolean => ttl === -1 || (Number.isInteger(ttl) && Number(ttl) > 0);

function parseTtl(ttl: Value): number | undefined {
  if (ttl === undefined || ttl === null) return undefined;
  if (isTtl(ttl)) return Number(ttl);
  throw badRequest(`The defaultTtl '${JSON.stringify(ttl)}' is invalid: a positive integer or -1 is needed.`);
}

/** Reads a definition. Throws 400 for what the service refuses, and by name for what this one lacks. */
export function parseContainer(resource: JsonObject): ContainerDefinition {
  const absent = ABSENT_POLICIES.find((name) => resource[name] !== undefined);
  if (absent !== undefined) throw unsupported(absent);
  const partitionKey = parseDefinition(resource['partitionKey']);
  const indexing = parseIndexingPolicy(resource['indexingPolicy']);
  return {
    partitionKey,
    indexing,
    uniqueKeys: parseUniqueKeys(resource['uniqueKeyPolicy']),
    defaultTtl: parseTtl(resource['defaultTtl']),
    resource: {
      ...resource,
      partitionKey: partitionKey.resource,
      indexingPolicy: indexing.resource,
      uniqueKeyPolicy: resource['uniqueKeyPolicy'] ?? { uniqueKeys: [] },
    },
  };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A definition in place of another: indexing and TTL may differ. Throws 400 where what cannot change does. */
export function redefined(old: ContainerDefinition, resource: JsonObject): ContainerDefinition {
  const uniqueKeyPolicy = resource['uniqueKeyPolicy'] ?? old.resource['uniqueKeyPolicy']!;
  const next = parseContainer({ ...resource, uniqueKeyPolicy });
  if (!same(next.partitionKey.paths, old.partitionKey.paths))
    throw badRequest('Document collection partition key cannot be changed.');
  if (!same(next.uniqueKeys, old.uniqueKeys))
    throw badRequest(
      'The unique index cannot be modified. To change it, remove the collection and re-create it.',
    );
  return next;
}

/** When a document expires, milliseconds since the epoch; Infinity for never. */
export function expiryOf({ defaultTtl }: ContainerDefinition, body: JsonObject): number {
  if (defaultTtl === undefined) return Infinity;
  const ttl = typeof body['ttl'] === 'number' ? body['ttl'] : defaultTtl;
  return ttl === -1 ? Infinity : (Number(body['_ts']) + ttl) * 1000;
}
