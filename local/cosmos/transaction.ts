// Decides what a list of operations on one logical partition does, before anything is changed: all of it or nothing.
import { isTtl } from './definition.js';
import { MINIMUM_CHARGE, readCharge, writeCharge, type WriteKind } from './charge.js';
import {
  badRequest,
  conflict,
  CosmosError,
  notFound,
  preconditionFailed,
  SUBSTATUS,
  tooLarge,
} from './errors.js';
import type { Item } from './itemSet.js';
import { isObject, isWithinNesting, type JsonObject, type Value, textAt } from './json.js';
import { keyOf, keyString, type PartitionKeyDefinition } from './partitionKey.js';
import { applyPatch, parsePatch } from './patch.js';
import { itemRid } from './rid.js';
import { compile } from './sql/evaluate.js';
import { parseCondition } from './sql/parser.js';
import type { Change, LogicalPartition, Store } from './store.js';

/** Largest item, and largest batch (bytes as JSON). Source: "Azure Cosmos DB service quotas". */
export const MAX_ITEM_BYTES = 2 * 1024 * 1024;
/** Longest id (bytes). Source: the same page, per-item limits. */
const MAX_ID_BYTES = 1023;

export interface Operation {
  kind: 'create' | 'read' | 'upsert' | 'replace' | 'delete' | 'patch';
  /** Of the item; for create and upsert it stands in the body. */
  id?: string | undefined;
  body?: Value;
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}

export interface Outcome {
  status: number;
  /** The item read or written; none after a delete, or when it was not modified. */
  item: Item | undefined;
  etag: string | undefined;
  charge: number;
}

/** What a transaction needs to know of its container. */
export interface Scope {
  rid: string;
  self: string;
  definition: PartitionKeyDefinition;
  indexed: boolean;
  store: Store;
  /** Milliseconds since the epoch. */
  now: number;
  newEtag(): string;
  expiresAt(body: JsonObject): number;
}

export const etagOf = (item: Item): string => textAt(item.body, '_etag');

const bytesOf = (body: JsonObject): number => Buffer.byteLength(JSON.stringify(body));

export class Transaction {
  /** What it would change, by id. */
  readonly changes = new Map<string, Change>();
  readonly #scope: Scope;
  readonly #partition: LogicalPartition;
  readonly #lsn: number;
  #made = 0;

  constructor(scope: Scope, partition: LogicalPartition) {
    this.#scope = scope;
    this.#partition = partition;
    this.#lsn = partition.range.lsn + 1;
  }

  get lsn(): number {
    return this.#lsn;
  }

  /** Adds one operation. Throws the service's error; the transaction must then be dropped. */
  add(operation: Operation): Outcome {
    const { kind, id } = operation;
    switch (kind) {
      case 'read':
        return this.#read(operation);
      case 'create':
      case 'upsert': {
        const body = this.#accept(operation.body, undefined);
        const old = this.#find(textAt(body, 'id'));
        if (kind === 'create' && old) throw conflict();
        this.#check(operation, old);
        return this.#put(old ? 'replace' : 'create', body, old);
      }
      case 'replace': {
        const old = this.#existing(operation);
        return this.#put('replace', this.#accept(operation.body, id), old);
      }
      case 'patch': {
        const old = this.#existing(operation);
        const { operations, condition } = parsePatch(operation.body, this.#scope.definition);
        if (condition !== undefined && !this.#matches(old, condition)) throw preconditionFailed();
        return this.#put('replace', this.#accept(applyPatch(old.body, operations), id), old);
      }
      case 'delete': {
        const old = this.#existing(operation);
        this.changes.set(old.id, { id: old.id, item: undefined });
        const charge = writeCharge('delete', old.size, this.#scope.indexed);
        return { status: 204, item: undefined, etag: undefined, charge };
      }
    }
  }

  #find(id: string): Item | undefined {
    const change = this.changes.get(id);
    return change ? change.item : this.#scope.store.get(this.#partition, id);
  }

  #existing(operation: Operation): Item {
    const old = this.#find(operation.id ?? '');
    if (!old) throw notFound();
    this.#check(operation, old);
    return old;
  }

  #check({ ifMatch, ifNoneMatch }: Operation, old: Item | undefined): void {
    if (!old) return;
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etagOf(old)) throw preconditionFailed();
    if (ifNoneMatch !== undefined && (ifNoneMatch === '*' || ifNoneMatch === etagOf(old)))
      throw preconditionFailed();
  }

  #matches(item: Item, condition: string): boolean {
    const { where } = parseCondition(condition);
    const context = { parameters: new Map<string, Value>(), now: this.#scope.now };
    return !where || compile(where, context)(item.body) === true;
  }

  #read({ id, ifNoneMatch }: Operation): Outcome {
    const item = this.#find(id ?? '');
    if (!item) throw notFound();
    const etag = etagOf(item);
    const unchanged = ifNoneMatch !== undefined && (ifNoneMatch === '*' || ifNoneMatch === etag);
    return unchanged
      ? { status: 304, item: undefined, etag, charge: MINIMUM_CHARGE }
      : { status: 200, item, etag, charge: readCharge(item.size) };
  }

  /** Checks a document that is to be written. */
  #accept(body: Value, id: string | undefined): JsonObject {
    if (!isObject(body)) throw badRequest('The document must be a JSON object.');
    const own = body['id'];
    if (typeof own !== 'string' || own === '')
      throw badRequest("The input content is invalid because the required properties - 'id; ' - are missing");
    if (/[/\\?#]/.test(own) || Buffer.byteLength(own) > MAX_ID_BYTES)
      throw badRequest(
        `The id '${own.slice(0, 100)}' has illegal characters (/ \\ ? #) or over ${MAX_ID_BYTES} bytes.`,
      );
    if (id !== undefined && own !== id)
      throw badRequest('The id in the body does not match the id in the link.');
    if (!isWithinNesting(body)) throw badRequest('The document is nested too deeply.');
    const { ttl } = body;
    if (ttl !== undefined && ttl !== null && !isTtl(ttl))
      throw badRequest(
        `The input ttl '${JSON.stringify(ttl)}' is invalid. Ensure to provide a nonzero positive integer or -1.`,
      );
    if (keyString(keyOf(body, this.#scope.definition)) !== this.#partition.name)
      throw badRequest(
        "PartitionKey extracted from document doesn't match the one specified in the header.",
        SUBSTATUS.partitionKeyMismatch,
      );
    return body;
  }

  #put(kind: WriteKind, given: JsonObject, old: Item | undefined): Outcome {
    const { rid, self, store, now, indexed } = this.#scope;
    const sequence = old ? old.sequence : store.sequence + ++this.#made;
    const itemId = old ? textAt(old.body, '_rid') : itemRid(rid, sequence);
    const etag = this.#scope.newEtag();
    const body: JsonObject = {
      ...given,
      _rid: itemId,
      _self: `${self}docs/${itemId}/`,
      _etag: etag,
      _attachments: 'attachments/',
      _ts: Math.floor(now / 1000),
    };
    const size = bytesOf(body);
    if (size > MAX_ITEM_BYTES) throw tooLarge();
    const id = textAt(body, 'id');
    const item: Item = {
      id,
      key: this.#partition.key,
      sequence,
      lsn: this.#lsn,
      body,
      size,
      current: true,
      expiresAt: this.#scope.expiresAt(body),
    };
    this.changes.set(id, { id, item });
    store.checkUnique(this.#partition, this.changes);
    return { status: kind === 'create' ? 201 : 200, item, etag, charge: writeCharge(kind, size, indexed) };
  }
}

/** What a batch answers for an operation that another one's failure undid. */
export const FAILED_DEPENDENCY = 424;

/** An error as the service's own refusal; rethrows any other. */
export function refusal(error: unknown): CosmosError {
  if (!(error instanceof CosmosError)) throw error;
  return error;
}
