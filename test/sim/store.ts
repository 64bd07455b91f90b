// The document store: the engine of the embedded cloud under the port that the operations see, with the weather in
// between. The answers are those of the genuine adapter (shared/cloud/cosmos.ts): the same errors, the same retries.
import type { Container } from '../../local/cosmos/container.js';
import { Engine } from '../../local/cosmos/engine.js';
import { CosmosError } from '../../local/cosmos/errors.js';
import type { JsonObject, Value } from '../../local/cosmos/json.js';
import { keyOf } from '../../local/cosmos/partitionKey.js';
import type { TransactionRecord } from '../../local/cosmos/records.js';
import type { Operation } from '../../local/cosmos/transaction.js';
import { statusFailure } from '../../shared/cloud/cosmosErrors.js';
import type {
  BatchStep,
  Documents,
  Identified,
  PartitionKey,
  Query,
  Stored,
} from '../../shared/cloud/documents.js';
import { CloudError } from '../../shared/cloud/errors.js';
import { withRetries } from '../../shared/cloud/retry.js';
import { CONTAINERS, DATABASE } from '../../shared/topology.js';
import type { Random } from './random.js';
import { never, type SimTime } from './time.js';
import type { Weather } from './weather.js';

/** A read of another instance's write may be that old (ms): far more than a session's replicas lag in practice. */
const STALE_MS = 3000;

/** Who reads and writes: an instance of the function app. */
export interface StoreUser {
  readonly isDead: boolean;
  /** What it has seen of each physical partition, as its session token says. */
  readonly seen: Map<string, number>;
  /** Called before each call: the host may die right there, or stand still for so long (ms). */
  mayDie(): number;
  /** Called when a write of its is done that others go by: a transaction, or one on a condition. */
  hasCommitted(): void;
}

/** A document as it was before its last write. */
interface Earlier {
  readonly body: JsonObject | undefined;
  readonly lsn: number;
  readonly at: number;
}

/** Told of every transaction, as soon as it is true. */
export type StoreListener = (container: string, record: TransactionRecord) => void;

export class SimStore {
  readonly engine: Engine;
  operations = 0;
  readonly #time: SimTime;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #names = new Map<string, string>();
  readonly #earlier = new Map<string, Earlier>();
  readonly #latest = new Map<string, JsonObject>();
  readonly #listeners: StoreListener[] = [];

  constructor(time: SimTime, random: Random, weather: Weather) {
    this.#time = time;
    this.#random = random;
    this.#weather = weather;
    this.engine = new Engine({
      clock: time.clock,
      random: () => random.next(),
      onRecord: (record) => {
        if (record.t === 'write') this.#written(record);
      },
    });
    this.engine.createDatabase({ id: DATABASE });
    for (const { name, partitionKey, ttlSeconds } of CONTAINERS) {
      const container = this.engine.createContainer(DATABASE, {
        id: name,
        partitionKey: { paths: [...partitionKey], kind: partitionKey.length > 1 ? 'MultiHash' : 'Hash' },
        ...(ttlSeconds === undefined ? {} : { defaultTtl: ttlSeconds }),
      });
      this.#names.set(container.rid, name);
    }
  }

  onWrite(listener: StoreListener): void {
    this.#listeners.push(listener);
  }

  container(name: string): Container {
    return this.engine.container(DATABASE, name);
  }

  #written(record: TransactionRecord): void {
    const name = this.#names.get(record.c) ?? '';
    for (const { i: id, b: body } of record.w) {
      const key = `${name}|${JSON.stringify(record.p)}|${id}`;
      this.#earlier.set(key, { body: this.#latest.get(key), lsn: record.l, at: this.#time.now });
      if (body) this.#latest.set(key, deepFreeze(body));
      else this.#latest.delete(key);
    }
    for (const listener of this.#listeners) listener(name, record);
  }

  /** The store as one instance sees it. */
  documentsFor(user: StoreUser): Documents {
    const call = <T>(kind: 'read' | 'write', act: () => T): Promise<T> =>
      withRetries(
        () => this.#attempt(user, kind, act),
        (error) => error,
        (longestMs) => this.#asleep(user, this.#random.next() * longestMs),
      );
    const single = async (
      name: string,
      key: PartitionKey,
      operation: Operation,
    ): Promise<Stored<Identified>> => {
      const container = this.container(name);
      const range = container.rangeOf(key);
      const outcome = await call(operation.kind === 'read' ? 'read' : 'write', () => {
        if (operation.ifMatch !== undefined) this.#meddle(container, key, operation.id ?? '');
        const done = container.execute(key, operation);
        user.seen.set(`${name}${range.id}`, range.lsn);
        if (operation.ifMatch !== undefined) user.hasCommitted();
        return done;
      });
      return storedOf(outcome.item?.body ?? {});
    };
    const write = async <T extends Identified>(
      name: string,
      operation: Omit<Operation, 'body'>,
      document: T,
    ): Promise<Stored<T>> => {
      const body = jsonOf(document);
      const key = textKey(keyOf(body, this.container(name).partitionKey));
      return (await single(name, key, { ...operation, body })) as Stored<T>;
    };
    return {
      read: async <T extends Identified>(name: string, key: PartitionKey, id: string) => {
        const old = await call('read', () => this.#older(user, name, key, id));
        if (old !== 'fresh') return old.body && (storedOf(old.body) as Stored<T>);
        try {
          return (await single(name, key, { kind: 'read', id })) as Stored<T>;
        } catch (error) {
          if (error instanceof CloudError && error.kind === 'not-found') return undefined;
          throw error;
        }
      },
      create: (name, document) => write(name, { kind: 'create' }, document),
      upsert: (name, document) => write(name, { kind: 'upsert' }, document),
      replace: (name, _key, document, ifMatch) =>
        write(name, { kind: 'replace', id: document.id, ifMatch }, document),
      remove: async (name, key, id, ifMatch) => {
        try {
          await single(name, key, { kind: 'delete', id, ifMatch });
          return true;
        } catch (error) {
          if (error instanceof CloudError && error.kind === 'not-found') return false;
          throw error;
        }
      },
      patch: async <T extends Identified>(...args: Parameters<Documents['patch']>) => {
        const [name, key, id, steps, condition] = args;
        const body = jsonOf({ operations: steps, ...(condition === undefined ? {} : { condition }) });
        return (await single(name, key, { kind: 'patch', id, body })) as Stored<T>;
      },
      batch: async (name, key, steps) => {
        const container = this.container(name);
        const operations = steps.map(operationOf);
        await call('write', () => {
          for (const { ifMatch, id } of operations) if (ifMatch) this.#meddle(container, key, id ?? '');
          const { results } = container.batch(key, operations);
          const range = container.rangeOf(key);
          user.seen.set(`${name}${range.id}`, range.lsn);
          user.hasCommitted();
          const failed = results.find(({ error }) => error !== undefined);
          if (failed) throw statusFailure(failed.status, `a step of the batch was answered ${failed.status}`);
        });
      },
      query: async <T extends Identified>(name: string, query: Query) =>
        (await call('read', () => this.#rows(name, query))).map(
          (row) => storedOf(row as JsonObject) as Stored<T>,
        ),
      select: async <T>(name: string, query: Query) =>
        (await call('read', () => this.#rows(name, query))) as T[],
      close: () => {},
    };
  }

  async #asleep(user: StoreUser, ms: number): Promise<void> {
    await this.#time.sleep(ms);
    if (user.isDead) await never();
  }

  /** One call: on its way, then either refused or done at once, then perhaps its answer lost. */
  async #attempt<T>(user: StoreUser, kind: 'read' | 'write', act: () => T): Promise<T> {
    const weather = this.#weather;
    this.operations += 1;
    await this.#asleep(
      user,
      weather.lasts('slowDisk') ? this.#random.between(20, 3000) : this.#random.between(0.5, 8),
    );
    const pauseMs = user.mayDie();
    if (pauseMs > 0) await this.#asleep(user, pauseMs);
    if (user.isDead) await never();
    if (weather.lasts('storeOutage')) throw new CloudError('unavailable', 'the store is away');
    if (weather.strikes('throttle', 0.02)) throw new CloudError('throttled', 'too many requests');
    let done: T;
    try {
      done = act();
    } catch (error) {
      throw error instanceof CosmosError ? statusFailure(error.status, error.message, error) : error;
    }
    if (kind === 'write' && weather.strikes('lostAck', 0.02))
      throw new CloudError('unavailable', 'the answer was lost');
    return done;
  }

  /** Somebody else writes the document, to the same effect: whoever read it before has the wrong etag now. */
  #meddle(container: Container, key: PartitionKey, id: string): void {
    if (!this.#weather.strikes('contention', 0.01)) return;
    try {
      const { item } = container.execute(key, { kind: 'read', id });
      if (item) container.execute(key, { kind: 'replace', id, body: withoutSystem(item.body) });
    } catch (error) {
      if (!(error instanceof CosmosError)) throw error;
    }
  }

  /** What a replica may still answer to somebody who has not seen the last write. */
  #older(user: StoreUser, name: string, key: PartitionKey, id: string): Earlier | 'fresh' {
    if (!this.#weather.has('staleRead') || this.#weather.isCalm) return 'fresh';
    const earlier = this.#earlier.get(`${name}|${JSON.stringify(key)}|${id}`);
    if (!earlier || earlier.at < this.#time.now - STALE_MS) return 'fresh';
    const range = this.container(name).rangeOf(key);
    if (earlier.lsn <= (user.seen.get(`${name}${range.id}`) ?? 0)) return 'fresh';
    return this.#weather.strikes('staleRead', 0.2) ? earlier : 'fresh';
  }

  /** All rows: of one partition, or range by range as the client merges them. */
  #rows(name: string, { text, parameters = {}, partition }: Query): unknown[] {
    const container = this.container(name);
    const named = new Map(Object.entries(parameters).map(([key, value]) => [`@${key}`, value as Value]));
    const scopes = partition
      ? [{ kind: 'key' as const, key: partition }]
      : container.ranges.map(({ id }) => ({ kind: 'range' as const, id }));
    if (!partition && /ORDER BY/.test(text))
      throw new Error(`no order over several partitions here: ${text}`);
    const rows = scopes.flatMap(
      (scope) => container.query({ text, parameters: named, scope, pageSize: 10_000 }).rows,
    );
    const top = partition ? undefined : /^SELECT TOP (\d+)/.exec(text)?.[1];
    return top === undefined ? rows : rows.slice(0, Number(top));
  }
}

function operationOf(step: BatchStep): Operation {
  switch (step.kind) {
    case 'create':
    case 'upsert':
      return { kind: step.kind, id: step.document.id, body: jsonOf(step.document) };
    case 'replace':
      return { kind: 'replace', id: step.document.id, body: jsonOf(step.document), ifMatch: step.ifMatch };
    case 'patch':
      return {
        kind: 'patch',
        id: step.id,
        body: jsonOf({
          operations: step.steps,
          ...(step.condition === undefined ? {} : { condition: step.condition }),
        }),
      };
    case 'remove':
      return { kind: 'delete', id: step.id };
  }
}

/** As it arrives over the wire: without undefined, and nobody else's. */
const jsonOf = (value: object): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

const textKey = (key: readonly unknown[]): string[] => key.map(String);

function withoutSystem(body: JsonObject): JsonObject {
  const { _rid, _self, _etag, _attachments, _ts, _lsn, ...own } = body;
  return own;
}

const storedOf = (body: JsonObject): Stored<Identified> => ({
  document: withoutSystem(body) as unknown as Identified,
  etag: String(body['_etag'] as string),
});

/** Documents are shared with everybody who reads them: whoever changes one in place is told so at once. */
function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[])
    if (typeof part === 'object' && part !== null && !Object.isFrozen(part)) deepFreeze(part);
  return Object.freeze(value);
}
