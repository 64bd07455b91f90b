// What the engine writes down. Records hold states, not steps: a record may be replayed over one that says the same.
import type { Json, JsonObject } from './json.js';

export type EngineRecord =
  | { t: 'database'; resource: JsonObject }
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
