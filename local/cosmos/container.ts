// A container: its definition, and every operation on its items. Synchronous; time and chance come from outside.
import { feedCharge, MINIMUM_CHARGE, queryCharge } from './charge.js';
import { badRequest, CosmosError, notFound, SUBSTATUS } from './errors.js';
import { checkOrderBy, parseIndexingPolicy, type IndexingPolicy } from './indexing.js';
import type { Item } from './itemSet.js';
import { isObject, type Json, type JsonObject, type Value, textAt } from './json.js';
import {
  parseDefinition,
  parseKey,
  parsePath,
  type PartitionKey,
  type PartitionKeyDefinition,
} from './partitionKey.js';
import type { PartitionRange } from './range.js';
import type { EngineRecord, TransactionRecord } from './records.js';
import type { Query } from './sql/ast.js';
import { execute, type QueryPage, type Source } from './sql/execute.js';
import { parseQuery } from './sql/parser.js';
import { needsPlan, planOf } from './sql/plan.js';
import { Store, type LogicalPartition } from './store.js';
import {
  FAILED_DEPENDENCY,
  refusal,
  Transaction,
  type Operation,
  type Outcome,
  type Scope,
} from './transaction.js';

/** Operations in one batch. Source: "Transactional batch operations", limitations. */
const MAX_BATCH_OPERATIONS = 100;
/** Largest page of the change feed (bytes). Source: "Azure Cosmos DB service quotas", maximum response size. */
const MAX_FEED_PAGE_BYTES = 4 * 1024 * 1024;
const REFUSED_POLICIES = [
  'vectorEmbeddingPolicy',
  'fullTextPolicy',
  'clientEncryptionPolicy',
  'changeFeedPolicy',
  'computedProperties',
  'materializedViewDefinition',
];

/** What the engine lends its containers. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  now(): number;
  newEtag(): string;
  record(record: EngineRecord): void;
  ruPerSecond: number;
}

/** Which items a request is about: of a key (or its first levels), of a physical partition, or all. */
export type ItemScope =
  | { kind: 'key'; key: PartitionKey }
  | { kind: 'range'; id: string; min?: string | undefined; max?: string | undefined }
  | { kind: 'all' };

export interface BatchOutcome {
  status: number;
  /** One an operation, in their order; a refused one has its error. */
  results: { status: number; outcome?: Outcome; error?: CosmosError }[];
  charge: number;
}

export interface FeedPage {
  documents: JsonObject[];
  /** Continuation: where the next page begins. */
  etag: string;
  charge: number;
}

export interface QueryInput {
  text: string;
  parameters?: ReadonlyMap<string, Value>;
  scope: ItemScope;
  continuation?: string | undefined;
  /** Most rows of a page. */
  pageSize?: number | undefined;
}

const DEFAULT_PAGE_ITEMS = 100;

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

function parseTtl(ttl: Value): number | undefined {
  if (ttl === undefined || ttl === null) return undefined;
  if (Number.isInteger(ttl) && (ttl === -1 || Number(ttl) > 0)) return Number(ttl);
  throw badRequest(`The defaultTtl '${JSON.stringify(ttl)}' is invalid: a positive integer or -1 is needed.`);
}

export class Container {
  readonly rid: string;
  readonly definition: PartitionKeyDefinition;
  /** The container as clients see it. */
  resource: JsonObject;
  readonly #store: Store;
  readonly #around: Surroundings;
  readonly #self: string;
  #indexing: IndexingPolicy;
  #defaultTtl: number | undefined;

  /** @param resource with its system properties @param ranges number of physical partitions */
  constructor(resource: JsonObject, ranges: number, around: Surroundings) {
    for (const name of REFUSED_POLICIES)
      if (resource[name] !== undefined) throw badRequest(`The embedded cloud has no ${name}.`);
    this.#around = around;
    this.rid = textAt(resource, '_rid');
    this.#self = textAt(resource, '_self');
    this.definition = parseDefinition(resource['partitionKey']);
    this.#indexing = parseIndexingPolicy(resource['indexingPolicy']);
    this.#defaultTtl = parseTtl(resource['defaultTtl']);
    const unique = parseUniqueKeys(resource['uniqueKeyPolicy']);
    this.resource = this.#complete(resource);
    this.#store = new Store(ranges, unique, around.ruPerSecond, around.now());
  }

  #complete(resource: JsonObject): JsonObject {
    return {
      ...resource,
      partitionKey: this.definition.resource,
      indexingPolicy: this.#indexing.resource,
      uniqueKeyPolicy: resource['uniqueKeyPolicy'] ?? { uniqueKeys: [] },
    };
  }

  get ranges(): readonly PartitionRange[] {
    return this.#store.ranges;
  }

  get size(): number {
    this.#store.sweep(this.#around.now());
    return this.#store.size;
  }

  /** Takes a new indexing policy and TTL. Throws 400 for a change of what cannot change. */
  redefine(resource: JsonObject): void {
    const definition = parseDefinition(resource['partitionKey']);
    if (JSON.stringify(definition.paths) !== JSON.stringify(this.definition.paths))
      throw badRequest('Document collection partition key cannot be changed.');
    const unique = parseUniqueKeys(resource['uniqueKeyPolicy'] ?? this.resource['uniqueKeyPolicy']);
    if (JSON.stringify(unique) !== JSON.stringify(parseUniqueKeys(this.resource['uniqueKeyPolicy'])))
      throw badRequest(
        'The unique index cannot be modified. To change it, remove the collection and re-create it.',
      );
    this.#indexing = parseIndexingPolicy(resource['indexingPolicy']);
    this.#defaultTtl = parseTtl(resource['defaultTtl']);
    this.resource = this.#complete(resource);
    this.#store.reschedule((body) => this.#expiresAt(body));
  }

  #expiresAt(body: JsonObject): number {
    if (this.#defaultTtl === undefined) return Infinity;
    const ttl = typeof body['ttl'] === 'number' ? body['ttl'] : this.#defaultTtl;
    return ttl === -1 ? Infinity : (Number(body['_ts']) + ttl) * 1000;
  }

  #scope(): Scope {
    const { rid, definition } = this;
    return {
      rid,
      definition,
      self: this.#self,
      store: this.#store,
      indexed: this.#indexing.indexed,
      now: this.#around.now(),
      newEtag: () => this.#around.newEtag(),
      expiresAt: (body) => this.#expiresAt(body),
    };
  }

  /** The partition of a key, after expired items went and its budget was checked. Throws 429. */
  #open(key: PartitionKey): LogicalPartition {
    if (key.length !== this.definition.paths.length)
      throw badRequest('The partition key has another number of components than the container.');
    const now = this.#around.now();
    this.#store.sweep(now);
    const partition = this.#store.partition(key);
    partition.range.admit(now);
    return partition;
  }

  #commit(partition: LogicalPartition, transaction: Transaction): void {
    if (transaction.changes.size === 0) return;
    const changes = [...transaction.changes.values()];
    this.#store.apply(partition, changes, transaction.lsn);
    this.#around.record(transactionRecord(this.rid, partition.key, transaction.lsn, changes));
  }

  /** One operation on one item. Throws what the service would answer. */
  execute(key: PartitionKey, operation: Operation): Outcome {
    const partition = this.#open(key);
    const transaction = new Transaction(this.#scope(), partition);
    try {
      const outcome = transaction.add(operation);
      this.#commit(partition, transaction);
      partition.range.spend(outcome.charge);
      return outcome;
    } catch (error) {
      partition.range.spend(MINIMUM_CHARGE);
      throw error;
    }
  }

  /** Several operations on one partition, all or none. Throws 400 for over 100, 429. */
  batch(key: PartitionKey, operations: readonly Operation[]): BatchOutcome {
    if (operations.length > MAX_BATCH_OPERATIONS)
      throw badRequest('Batch request has more operations than what is supported.');
    if (operations.length === 0) throw badRequest('Batch request has no operations.');
    const partition = this.#open(key);
    const transaction = new Transaction(this.#scope(), partition);
    const results: BatchOutcome['results'] = [];
    let failed: CosmosError | undefined;
    for (const operation of operations) {
      try {
        const outcome = transaction.add(operation);
        results.push({ status: outcome.status, outcome });
      } catch (error) {
        failed = refusal(error).error;
        break;
      }
    }
    const charge = results.reduce((sum, { outcome }) => sum + (outcome?.charge ?? 0), 0) || MINIMUM_CHARGE;
    partition.range.spend(charge);
    if (failed) {
      const at = results.length;
      const error = failed;
      const undone = operations.map((_, index) =>
        index === at ? { status: error.status, error } : { status: FAILED_DEPENDENCY },
      );
      return { status: 207, results: undone, charge };
    }
    this.#commit(partition, transaction);
    return { status: 200, results, charge };
  }

  #sources(scope: ItemScope): { sources: Source[]; range: PartitionRange } {
    const first = this.ranges[0]!;
    switch (scope.kind) {
      case 'all':
        return { sources: this.ranges.map(({ set }) => ({ set, pins: [] })), range: first };
      case 'range': {
        const range = this.range(scope.id);
        const whole = (scope.min ?? range.min) <= range.min && (scope.max ?? range.max) >= range.max;
        if (!whole) throw badRequest('The embedded cloud has no queries over part of a physical partition.');
        return { sources: [{ set: range.set, pins: [] }], range };
      }
      case 'key': {
        const { paths } = this.definition;
        const partition = this.#store.partition(scope.key);
        const { range, set } = partition;
        if (scope.key.length === paths.length) return { sources: [{ set, pins: [] }], range };
        // All keys with these first levels hash to one stretch of the ring, and so to one physical partition.
        const pins = scope.key.map((value, at) => ({ path: paths[at] ?? [], value }));
        return { sources: [{ set: range.set, pins }], range };
      }
    }
  }

  /** A physical partition. Throws 410/1002 for one that does not exist, as after a split. */
  range(id: string): PartitionRange {
    const range = this.ranges.find((candidate) => candidate.id === id);
    if (!range)
      throw new CosmosError(410, `Partition key range ${id.slice(0, 20)} is gone.`, {
        substatus: SUBSTATUS.partitionKeyRangeGone,
      });
    return range;
  }

  #parse(
    text: string,
    parameters: ReadonlyMap<string, Value>,
  ): { query: Query; context: { parameters: ReadonlyMap<string, Value>; now: number } } {
    const query = parseQuery(text);
    checkOrderBy(this.#indexing, query.orderBy);
    return { query, context: { parameters, now: this.#around.now() } };
  }

  /** One page of a query. Throws 400, with sub-status 1004 where a client must run it by a plan; 410; 429. */
  query(input: QueryInput): QueryPage & { charge: number; range: PartitionRange } {
    const now = this.#around.now();
    const { query, context } = this.#parse(input.text, input.parameters ?? new Map());
    if (input.scope.kind === 'all' && needsPlan(query))
      throw new CosmosError(
        400,
        'The provided cross partition query can not be directly served by the gateway. This is a first chance ' +
          '(internal) exception that all newer clients will know how to handle gracefully. This exception is traced, ' +
          'but unless you see it bubble up as an exception (which only happens on older SDK clients), then you can ' +
          'safely ignore this message.',
        {
          substatus: SUBSTATUS.crossPartitionQueryNotServable,
          additionalErrorInfo: JSON.stringify(planOf(query, context)),
        },
      );
    this.#store.sweep(now);
    const { sources, range } = this.#sources(input.scope);
    range.admit(now);
    const page = execute(query, context, sources, input.continuation, input.pageSize ?? DEFAULT_PAGE_ITEMS);
    const charge = queryCharge(page.loaded, page.bytes);
    range.spend(charge);
    return { ...page, charge, range };
  }

  /** How a client runs a query over the physical partitions. */
  plan(text: string, parameters: ReadonlyMap<string, Value> = new Map()): JsonObject {
    const { query, context } = this.#parse(text, parameters);
    return planOf(query, context);
  }

  /**
   * One page of the change feed: latest versions in the order of their last write; a transaction is never cut.
   * @param from `now`, the etag of the page before, or undefined for the beginning
   * @param since only what was written at this time (milliseconds) or later
   */
  changes(
    scope: ItemScope,
    from: string | undefined,
    { since = 0, pageSize = DEFAULT_PAGE_ITEMS }: { since?: number; pageSize?: number } = {},
  ): FeedPage & { range: PartitionRange } {
    if (scope.kind === 'all')
      throw badRequest('The change feed needs a partition key or a partition key range id.');
    const now = this.#around.now();
    this.#store.sweep(now);
    const { range } =
      scope.kind === 'key' ? this.#store.partition(scope.key) : { range: this.range(scope.id) };
    range.admit(now);
    const after = from === undefined ? 0 : from === 'now' ? range.lsn : Number(/^"?(\d+)"?$/.exec(from)?.[1]);
    if (!Number.isSafeInteger(after))
      throw badRequest(`The change feed continuation '${from?.slice(0, 50)}' is invalid.`);
    const accepts = this.#filter(scope);
    const documents: JsonObject[] = [];
    let bytes = 0;
    let last = after;
    for (const item of range.changesAfter(after)) {
      const isFull = documents.length >= pageSize || bytes >= MAX_FEED_PAGE_BYTES;
      if (isFull && item.lsn !== last) return this.#feedPage(range, documents, last, bytes);
      if (Number(item.body['_ts']) * 1000 < since || !accepts(item)) continue;
      documents.push({ ...item.body, _lsn: item.lsn });
      bytes += item.size;
      last = item.lsn;
    }
    return this.#feedPage(range, documents, Math.max(range.lsn, after), bytes);
  }

  #feedPage(
    range: PartitionRange,
    documents: JsonObject[],
    last: number,
    bytes: number,
  ): FeedPage & { range: PartitionRange } {
    const charge = feedCharge(bytes);
    range.spend(charge);
    return { documents, etag: `"${last}"`, charge, range };
  }

  #filter(scope: ItemScope): (item: Item) => boolean {
    switch (scope.kind) {
      case 'all':
        return () => true;
      case 'key':
        return (item) => scope.key.every((part, at) => part === item.key[at]);
      case 'range': {
        const { min = '', max = 'FF' } = scope;
        const range = this.range(scope.id);
        if (min <= range.min && max >= range.max) return () => true;
        return (item) => {
          const place = this.#store.partition(item.key).effectiveKey;
          return place >= min && place < max;
        };
      }
    }
  }

  /** Session tokens a client has seen: throws 404/1002 for one of writes this store does not have, 400 if malformed. */
  checkSession(token: string, range: PartitionRange): void {
    for (const part of token.split(',')) {
      const match = /^(\w+):-?\d+#(\d+)/.exec(part.trim());
      if (!match) throw badRequest(`The session token provided '${token.slice(0, 100)}' is invalid.`);
      if (match[1] === range.id && Number(match[2]) > range.lsn)
        throw new CosmosError(404, 'The read session is not available for the input session token.', {
          substatus: SUBSTATUS.sessionNotAvailable,
        });
    }
  }

  /** The partition a key would be in: for the session token of an answer. Throws 404 for no such thing. */
  rangeOf(key: PartitionKey): PartitionRange {
    const { range } = this.#store.partition(key);
    if (!range) throw notFound();
    return range;
  }

  /** Takes back a transaction from the journal. */
  restore({ p, l, w }: TransactionRecord): void {
    const key = parseKey(JSON.stringify(p), this.definition.paths.length);
    const changes = w.map(({ i, s = 0, z = 0, b }) => ({
      id: i,
      item: b && {
        id: i,
        key,
        sequence: s,
        lsn: l,
        body: b,
        size: z,
        expiresAt: this.#expiresAt(b),
        current: true,
      },
    }));
    this.#store.apply(this.#store.partition(key), changes, l);
  }

  restoreCounters(sequence: number, lsns: readonly number[]): void {
    this.#store.sequence = Math.max(this.#store.sequence, sequence);
    this.ranges.forEach((range, at) => {
      range.lsn = Math.max(range.lsn, lsns[at] ?? 0);
    });
  }

  /** Everything as records, from the state at the time of the call: what is written later does not show. */
  snapshot(database: string): Iterable<EngineRecord> {
    const { resource, rid } = this;
    const { sequence, ranges } = this.#store;
    const lsns = ranges.map(({ lsn }) => lsn);
    const items = ranges.map((range) => [...range.changesAfter(0)]);
    return (function* (): Generator<EngineRecord> {
      yield { t: 'container', database, resource, ranges: ranges.length, sequence, lsns };
      for (const item of items.flat())
        yield transactionRecord(rid, item.key, item.lsn, [{ id: item.id, item }]);
    })();
  }
}

function transactionRecord(
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
