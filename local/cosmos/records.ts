// What the engine writes down. Records hold states, not steps: a record may be replayed over one that says the same.
import type { Item } from './itemSet.js';
import type { Json, JsonObject } from './json.js';
import type { PartitionKey } from './partitionKey.js';

export type EngineRecord =
  /** A database; from a snapshot with the number of resources ever made. */
  | { t: 'database'; resource: JsonObject; made?: number }
  | { t: 'dropDatabase'; id: string }
  /** A container as made or replaced; from a snapshot with its counters. */
  | {
      t: 'container';
      database: string;
      resource: JsonObject;
      ranges: number;
      sequence?: number;
      lsns?: number[];
    }
  | { t: 'dropContainer'; database: string; id: string }
  | TransactionRecord;

/** One transaction: everything in it became true at once. */
export interface TransactionRecord {
  t: 'write';
  /** Resource id of the container. */
  c: string;
  /** Partition key, `{}` for a level without value. */
  p: Json[];
  /** Log sequence number. */
  l: number;
  /** Items: id, and sequence, size and body unless deleted. */
  w: { i: string; s?: number; z?: number; b?: JsonObject }[];
}

/** The record of a transaction. */
export function transactionRecord(
  rid: string,
  key: PartitionKey,
  lsn: number,
  changes: readonly { id: string; item: Item | undefined }[],
): TransactionRecord {
  return {
    t: 'write',
    c: rid,
    p: key.map((part): Json => (part === undefined ? {} : part)),
    l: lsn,
    w: changes.map(({ id, item }) =>
      item ? { i: id, s: item.sequence, z: item.size, b: item.body } : { i: id },
    ),
  };
}
