// Partition keys: their definition, their value in a document or a header, and their place on the hash ring.
import { badRequest, unsupported } from './errors.js';
import { murmur128 } from './hash.js';
import { isObject, valueAt, type JsonObject, type Path, type Value } from './json.js';

/** Levels of a hierarchical key. Source: "Hierarchical partition keys", limits. */
const MAX_LEVELS = 3;
/** Bytes of one key value. Source: "Azure Cosmos DB service quotas", per-item limits. */
const MAX_KEY_BYTES = 2048;
/** The end of the hash ring: above every effective partition key. */
export const RING_END = 'FF';

/** One level of a key's value; undefined when the document has none (`{}` on the wire). */
export type KeyPart = string | number | boolean | null | undefined;
export type PartitionKey = readonly KeyPart[];

export interface PartitionKeyDefinition {
  paths: Path[];
  /** The definition as clients see it. */
  resource: JsonObject;
}

/** `/a/b` or `/"a b"/c` as steps. Throws 400 if it is no path. */
export function parsePath(text: Value): string[] {
  if (typeof text !== 'string' || !/^(\/("[^"]*"|[^/"]+))+$/.test(text))
    throw badRequest(`The path ${JSON.stringify(text)} is invalid: it must be like '/property/nested'.`);
  return [...text.matchAll(/\/(?:"([^"]*)"|([^/"]+))/g)].map((match) => match[1] ?? match[2] ?? '');
}

/** Reads a container's `partitionKey`. Throws 400 for what the service refuses and what this one lacks. */
export function parseDefinition(definition: Value): PartitionKeyDefinition {
  if (!isObject(definition) || !Array.isArray(definition['paths']))
    throw badRequest('A partition key definition with paths must be given.');
  const paths = definition['paths'].map(parsePath);
  const kind = definition['kind'] ?? (paths.length > 1 ? 'MultiHash' : 'Hash');
  const version = definition['version'] ?? 2;
  if (paths.length === 0 || paths.length > (kind === 'MultiHash' ? MAX_LEVELS : 1))
    throw badRequest(
      `A ${JSON.stringify(kind)} partition key takes ${kind === 'MultiHash' ? '1 to 3 paths' : '1 path'}.`,
    );
  if (kind !== 'Hash' && kind !== 'MultiHash')
    throw unsupported(`partition key kind ${JSON.stringify(kind)}`);
  if (version !== 2)
    throw unsupported(`partition key version ${JSON.stringify(version)} (version 2 is the default)`);
  return { paths, resource: { paths: definition['paths'], kind, version } };
}

/** The key of a document. Throws 400 if a level holds an object or an array. */
export function keyOf(document: JsonObject, definition: PartitionKeyDefinition): PartitionKey {
  return definition.paths.map((path) => {
    const value = valueAt(document, path);
    if (typeof value === 'object' && value !== null)
      throw badRequest(`Partition key ${path.join('/')} must be a string, number, boolean or null.`);
    return value;
  });
}

/**
 * Reads a partition key from the wire: a JSON array with one value a level, `{}` for none.
 * @param levels how many the container has; fewer are taken as a prefix where `prefix` is set
 */
export function parseKey(text: string, levels: number, prefix = false): PartitionKey {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    parts = undefined;
  }
  if (!Array.isArray(parts)) throw badRequest(`Partition key ${text.slice(0, 100)} is invalid.`);
  if (parts.length > levels || parts.length === 0 || (parts.length < levels && !prefix))
    throw badRequest(
      'The partition key supplied in x-ms-partitionkey header has ' +
        `${parts.length > levels ? 'more' : 'fewer'} components than defined in the the collection.`,
    );
  return parts.map((part: unknown) => {
    if (isObject(part) && Object.keys(part).length === 0) return undefined;
    if (part === null || ['string', 'number', 'boolean'].includes(typeof part)) return part as KeyPart;
    throw badRequest(`Partition key ${text.slice(0, 100)} is invalid.`);
  });
}

/** One string per key: equal keys, equal strings. */
export function keyString(key: PartitionKey): string {
  return JSON.stringify(key.map((part) => (part === undefined ? {} : part)));
}

function encodePart(part: KeyPart): Buffer {
  switch (typeof part) {
    case 'undefined':
      return Buffer.from([0x00]);
    case 'boolean':
      return Buffer.from([part ? 0x03 : 0x02]);
    case 'number': {
      const bytes = Buffer.alloc(9, 0x05);
      bytes.writeDoubleLE(part, 1);
      return bytes;
    }
    case 'string': {
      const text = Buffer.from(part, 'utf8');
      if (text.length > MAX_KEY_BYTES)
        throw badRequest(`Partition key is longer than ${MAX_KEY_BYTES} bytes.`);
      return Buffer.concat([Buffer.from([0x08]), text, Buffer.from([0xff])]);
    }
    default:
      return Buffer.from([0x01]);
  }
}

function hashPart(part: KeyPart): string {
  const [h1, h2] = murmur128(encodePart(part));
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(h2, 0);
  bytes.writeBigUInt64BE(h1, 8);
  // The top two bits are masked, so the ring goes from 00 to 3F.
  bytes.writeUInt8(bytes.readUInt8(0) & 0x3f, 0);
  return bytes.toString('hex').toUpperCase();
}

/** The place of a key (or of a hierarchical key's prefix) on the ring: upper-case hexadecimal, 32 digits a level. */
export function effectiveKey(key: PartitionKey): string {
  return key.map(hashPart).join('');
}

/** Where the `count` physical partitions begin: an even cut of the ring, the first at "". */
export function ringBoundaries(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    index === 0
      ? ''
      : Math.floor((index * 0x400000) / count)
          .toString(16)
          .padStart(6, '0')
          .toUpperCase(),
  );
}
