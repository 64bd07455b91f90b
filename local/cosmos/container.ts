// A container: every operation on its items. Synchronous; time and chance come from outside.
import { MINIMUM_CHARGE, queryCharge } from './charge.js';
import { expiryOf, parseContainer, redefined, type ContainerDefinition } from './definition.js';
import { badRequest, CosmosError, SUBSTATUS } from './errors.js';
import { feedRange, readFeed, type FeedOptions, type FeedPage } from './feed.js';
import { checkOrderBy } from './indexing.js';
import { textAt, type JsonObject, type Value } from './json.js';
import { parseKey, type PartitionKey, type PartitionKeyDefinition } from './partitionKey.js';
import type { PartitionRange } from './range.js';
import { transactionRecord, type EngineRecord, type TransactionRecord } from './records.js';
import { rangeById, sourcesOf, type ItemScope } from './scope.js';
import type { Query } from './sql/ast.js';
import type { Context } from './sql/evaluate.js';
import { execute, type QueryPage } from './sql/execute.js';
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
const DEFAULT_PAGE_ROWS = 100;
/** About a kilobyte each. */
const MAX_PARSED_QUERIES = 500;

/** What the engine lends its containers. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  now(): number;
  newEtag(): string;
  record(record: EngineRecord): void;
  /** Of one container; Infinity for no limit. */
  ruPerSecond: number;
}

export interface BatchOutcome {
  /** 200, or 207 when one operation failed and nothing was done. */
  status: number;
  /** One an operation, in their order; a refused one has its error. */
  results: { status: number; outcome?: Outcome; error?: CosmosError }[];
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

const PLAN_NEEDED =
  'The provided cross partition query can not be directly served by the gateway. This is a first chance ' +
  '(internal) exception that all newer clients will know how to handle gracefully. This exception is traced, but ' +
  'unless you see it bubble up as an exception (which only happens on older SDK clients), then you can safely ' +
  'ignore this message.';

export class Container {
  readonly rid: string;
  readonly #store: Store;
  readonly #around: Surroundings;
  #definition: ContainerDefinition;
  readonly #queries = new Map<string, Query>();

  /** @param resource with its system properties @param ranges number of physical partitions */
  constructor(resource: JsonObject, ranges: number, around: Surroundings) {
    this.#around = around;
    this.rid = textAt(resource, '_rid');
    this.#definition = parseContainer(resource);
    this.#store = new Store(ranges, this.#definition.uniqueKeys, around.ruPerSecond, around.now());
  }

  /** The container as clients see it. */
  get resource(): JsonObject {
    return this.#definition.resource;
  }

  get partitionKey(): PartitionKeyDefinition {
    return this.#definition.partitionKey;
  }

  /** The physical partitions. */
  get ranges(): readonly PartitionRange[] {
    return this.#store.ranges;
  }

  /** Number of items. */
  get size(): number {
    this.#store.sweep(this.#around.now());
    return this.#store.size;
  }

  /** Takes a new indexing policy and TTL. Throws 400 for a change of what cannot change. */
  redefine(resource: JsonObject): void {
    this.#definition = redefined(this.#definition, resource);
    this.#store.reschedule((body) => expiryOf(this.#definition, body));
  }

  #scope(): Scope {
    const { partitionKey, indexing, resource } = this.#definition;
    return {
      rid: this.rid,
      self: textAt(resource, '_self'),
      definition: partitionKey,
      indexed: indexing.indexed,
      store: this.#store,
      now: this.#around.now(),
      newEtag: () => this.#around.newEtag(),
      expiresAt: (body) => expiryOf(this.#definition, body),
    };
  }

  /** The partition of a key, once expired items are gone and there are request units left. Throws 429. */
  #open(key: PartitionKey): LogicalPartition {
    if (key.length !== this.partitionKey.paths.length)
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

  /** Several operations on one partition, all or none. Throws 400 for none or over 100; 429. */
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
        failed = refusal(error);
        break;
      }
    }
    const charge = results.reduce((sum, { outcome }) => sum + (outcome?.charge ?? 0), 0) || MINIMUM_CHARGE;
    partition.range.spend(charge);
    if (failed) {
      const error = failed;
      const undone = operations.map((_, at) =>
        at === results.length ? { status: error.status, error } : { status: FAILED_DEPENDENCY },
      );
      return { status: 207, results: undone, charge };
    }
    this.#commit(partition, transaction);
    return { status: 200, results, charge };
  }

  /** Texts come again and again with other parameters, and parsing one takes longer than running it. */
  #parsed(text: string): Query {
    const known = this.#queries.get(text);
    if (known) return known;
    const query = parseQuery(text);
    if (this.#queries.size >= MAX_PARSED_QUERIES) this.#queries.clear();
    this.#queries.set(text, query);
    return query;
  }

  #parse(
    text: string,
    parameters: ReadonlyMap<string, Value> = new Map(),
  ): { query: Query; context: Context } {
    const query = this.#parsed(text);
    checkOrderBy(this.#definition.indexing, query.orderBy);
    return { query, context: { parameters, now: this.#around.now() } };
  }

  /** One page of a query. Throws 400, with sub-status 1004 where a client must run it by a plan; 410; 429. */
  query(input: QueryInput): QueryPage & { charge: number; range: PartitionRange } {
    const { query, context } = this.#parse(input.text, input.parameters);
    if (input.scope.kind === 'all' && needsPlan(query))
      throw new CosmosError(400, PLAN_NEEDED, {
        substatus: SUBSTATUS.crossPartitionQueryNotServable,
        additionalErrorInfo: JSON.stringify(planOf(query, context)),
      });
    this.#store.sweep(context.now);
    const { sources, range } = sourcesOf(this.#store, this.partitionKey, input.scope);
    range.admit(context.now);
    const page = execute(query, context, sources, input.continuation, input.pageSize ?? DEFAULT_PAGE_ROWS);
    const charge = queryCharge(page.loaded, page.bytes);
    range.spend(charge);
    return { ...page, charge, range };
  }

  /** How a client runs a query over the physical partitions. */
  plan(text: string, parameters?: ReadonlyMap<string, Value>): JsonObject {
    const { query, context } = this.#parse(text, parameters);
    return planOf(query, context);
  }

  /** One page of the change feed. Throws 400 for a bad continuation; 410; 429. */
  changes(scope: ItemScope, options: FeedOptions = {}): FeedPage {
    const now = this.#around.now();
    this.#store.sweep(now);
    feedRange(this.#store, scope).admit(now);
    const page = readFeed(this.#store, scope, options);
    page.range.spend(page.charge);
    return page;
  }

  /** The physical partition of a key. */
  rangeOf(key: PartitionKey): PartitionRange {
    return this.#store.partition(key).range;
  }

  /** A physical partition. Throws 410. */
  range(id: string): PartitionRange {
    return rangeById(this.#store, id);
  }

  /** Takes back a transaction from the journal. */
  restore({ p, l, w }: TransactionRecord): void {
    const key = parseKey(JSON.stringify(p), this.partitionKey.paths.length);
    const changes = w.map(({ i: id, s: sequence = 0, z: size = 0, b: body }) => ({
      id,
      item: body && {
        id,
        key,
        sequence,
        lsn: l,
        body,
        size,
        expiresAt: expiryOf(this.#definition, body),
        current: true,
      },
    }));
    this.#store.apply(this.#store.partition(key), changes, l);
  }

  /** Takes back the counters of a snapshot. */
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
    const items = ranges.flatMap((range) => [...range.changesAfter(0)]);
    return (function* (): Generator<EngineRecord> {
      yield { t: 'container', database, resource, ranges: ranges.length, sequence, lsns };
      for (const item of items) yield transactionRecord(rid, item.key, item.lsn, [{ id: item.id, item }]);
    })();
  }
}
