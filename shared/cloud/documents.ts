/** The value of a container's partition key, one part for each of its paths. */
export type PartitionKey = readonly string[];

/** A document and the version of it that was read: write it back with this etag, and only if nobody else has. */
export interface Stored<T> {
  readonly document: T;
  readonly etag: string;
}

export interface Identified {
  readonly id: string;
}

export type BatchStep =
  | { readonly kind: 'create' | 'upsert'; readonly document: Identified }
  | { readonly kind: 'replace'; readonly document: Identified; readonly ifMatch: string }
  | {
      readonly kind: 'patch';
      readonly id: string;
      readonly steps: readonly PatchStep[];
      /** As for `patch`. */
      readonly condition?: string;
    }
  | { readonly kind: 'remove'; readonly id: string };

export type PatchStep =
  | { readonly op: 'set'; readonly path: string; readonly value: unknown }
  | { readonly op: 'incr'; readonly path: string; readonly value: number }
  | { readonly op: 'remove'; readonly path: string };

export interface Query {
  readonly text: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** One partition; left out, the query goes to all of them. */
  readonly partition?: PartitionKey;
}

/**
 * The document store. Documents are what this product wrote: they are typed, not parsed again. System properties
 * (`_etag`, `_ts` …) are taken off.
 * All methods throw CloudError; transient failures have been retried.
 */
export interface Documents {
  /** Undefined when it is not there. */
  read<T extends Identified>(
    container: string,
    partition: PartitionKey,
    id: string,
  ): Promise<Stored<T> | undefined>;
  /** @throws CloudError exists */
  create<T extends Identified>(container: string, document: T): Promise<Stored<T>>;
  /** @throws CloudError precondition, not-found */
  replace<T extends Identified>(
    container: string,
    partition: PartitionKey,
    document: T,
    ifMatch: string,
  ): Promise<Stored<T>>;
  upsert<T extends Identified>(container: string, document: T): Promise<Stored<T>>;
  /**
   * @returns false when it was not there
   * @throws CloudError precondition
   */
  remove(container: string, partition: PartitionKey, id: string, ifMatch?: string): Promise<boolean>;
  /**
   * Changes fields in place.
   * @param condition a filter such as `FROM c WHERE c.epoch = 3`
   * @throws CloudError precondition, not-found
   */
  patch<T extends Identified>(
    container: string,
    partition: PartitionKey,
    id: string,
    steps: readonly PatchStep[],
    condition?: string,
  ): Promise<Stored<T>>;
  /**
   * All steps or none, within one partition; at most 100 and 2 MB.
   * @throws CloudError precondition, exists, not-found (of the first step that failed), too-large
   */
  batch(container: string, partition: PartitionKey, steps: readonly BatchStep[]): Promise<void>;
  /** Whole documents, in the order of the query. */
  query<T extends Identified>(container: string, query: Query): Promise<Stored<T>[]>;
  /** What `SELECT VALUE …` or a projection gives. */
  select<T>(container: string, query: Query): Promise<T[]>;
  close(): void;
}

/** Hears the request charge of every call (RU). */
export type Meter = (charge: { container: string; operation: string; requestUnits: number }) => void;
