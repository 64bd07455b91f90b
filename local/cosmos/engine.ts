// The account: databases and their containers. No sockets, no timers, no clock of its own: a simulation can drive it.
import type { Clock } from '../clock.js';
import { Container, type Surroundings } from './container.js';
import { badRequest, conflict, notFound } from './errors.js';
import { isObject, type JsonObject, type Value, textAt } from './json.js';
import type { EngineRecord } from './records.js';
import { containerRid, databaseRid } from './rid.js';

/** Physical partitions of a new container: more than one, so that clients merge as they must on Azure. */
export const DEFAULT_PARTITIONS = 2;
/** Longest name of a database or container. Source: "Azure Cosmos DB service quotas". */
const MAX_NAME_CHARACTERS = 255;

export interface EngineOptions {
  clock: Clock;
  /** Yields numbers from 0 up to 1; seeded in a simulation. */
  random: () => number;
  /** Physical partitions of a new container. */
  partitions?: number | undefined;
  /** Request units a second that each container gets; without, there is no 429. */
  ruPerSecond?: number | undefined;
  /** Called with each change as it is made, in order: what a journal must keep. */
  onRecord?: (record: EngineRecord) => void;
}

export interface Database {
  readonly id: string;
  readonly rid: string;
  readonly resource: JsonObject;
  readonly containers: Map<string, Container>;
}

function nameOf(body: Value): string {
  const id = isObject(body) ? body['id'] : undefined;
  if (typeof id !== 'string' || id === '')
    throw badRequest("The input content is invalid because the required properties - 'id; ' - are missing");
  if (id.length > MAX_NAME_CHARACTERS || /[/\\?#]|\s$/.test(id))
    throw badRequest(
      `The input name '${id.slice(0, 100)}' is invalid: it has /, \\, ?, # or a last space, or is too long.`,
    );
  return id;
}

export class Engine {
  readonly databases = new Map<string, Database>();
  readonly #options: EngineOptions;
  readonly #around: Surroundings;
  readonly #byRid = new Map<string, Container>();
  /** Databases and containers ever made: their resource ids are never used again. */
  #made = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#around = {
      now: () => options.clock.now(),
      newEtag: () => `"${this.#guid()}"`,
      record: (record) => options.onRecord?.(record),
      ruPerSecond: options.ruPerSecond ?? Infinity,
    };
  }

  #guid(): string {
    const word = (): string =>
      Math.floor(this.#options.random() * 0x100000000)
        .toString(16)
        .padStart(8, '0');
    const digits = word() + word() + word() + word();
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  #system(rid: string, self: string): JsonObject {
    return {
      _rid: rid,
      _self: self,
      _etag: `"${this.#guid()}"`,
      _ts: Math.floor(this.#options.clock.now() / 1000),
    };
  }

  /** Throws 404. */
  database(id: string): Database {
    const database = this.databases.get(id);
    if (!database) throw notFound();
    return database;
  }

  /** Throws 404. */
  container(database: string, id: string): Container {
    const container = this.database(database).containers.get(id);
    if (!container) throw notFound();
    return container;
  }

  /** @param body `{id}` @throws 400, 409 */
  createDatabase(body: Value): Database {
    const id = nameOf(body);
    if (this.databases.has(id)) throw conflict();
    const rid = databaseRid(this.#made + 1);
    const resource = { id, ...this.#system(rid, `dbs/${rid}/`), _colls: 'colls/', _users: 'users/' };
    return this.#recorded({ t: 'database', resource }, () => this.#addDatabase(resource));
  }

  #recorded<T>(record: EngineRecord, change: () => T): T {
    const result = change();
    this.#around.record(record);
    return result;
  }

  #addDatabase(resource: JsonObject): Database {
    const database = {
      id: textAt(resource, 'id'),
      rid: textAt(resource, '_rid'),
      resource,
      containers: new Map(),
    };
    this.databases.set(database.id, database);
    this.#made = Math.max(this.#made, Buffer.from(database.rid, 'base64').readUInt32BE(0));
    return database;
  }

  deleteDatabase(id: string): void {
    const { containers } = this.database(id);
    for (const { rid } of containers.values()) this.#byRid.delete(rid);
    this.#recorded({ t: 'dropDatabase', id }, () => this.databases.delete(id));
  }

  /** @param body a container definition: id, partitionKey, … @throws 400, 404, 409 */
  createContainer(databaseId: string, body: Value): Container {
    const database = this.database(databaseId);
    const id = nameOf(body);
    if (database.containers.has(id)) throw conflict();
    const rid = containerRid(database.rid, this.#made + 1);
    const resource: JsonObject = {
      ...(isObject(body) ? body : {}),
      ...this.#system(rid, `dbs/${database.rid}/colls/${rid}/`),
      _docs: 'docs/',
      _sprocs: 'sprocs/',
      _triggers: 'triggers/',
      _udfs: 'udfs/',
      _conflicts: 'conflicts/',
    };
    const ranges = this.#options.partitions ?? DEFAULT_PARTITIONS;
    const container = this.#addContainer(database, resource, ranges);
    this.#around.record({ t: 'container', database: databaseId, resource: container.resource, ranges });
    return container;
  }

  #addContainer(database: Database, resource: JsonObject, ranges: number): Container {
    const container = new Container(resource, ranges, this.#around);
    database.containers.set(textAt(resource, 'id'), container);
    this.#byRid.set(container.rid, container);
    const number = Buffer.from(container.rid.replaceAll('-', '/'), 'base64').readUInt32BE(4) & 0x7fffffff;
    this.#made = Math.max(this.#made, number);
    return container;
  }

  /** Changes indexing policy and TTL. @throws 400, 404 */
  replaceContainer(databaseId: string, id: string, body: Value): Container {
    const container = this.container(databaseId, id);
    if (nameOf(body) !== id) throw badRequest('The id of a container cannot be changed.');
    const { _docs, _sprocs, _triggers, _udfs, _conflicts } = container.resource;
    container.redefine({
      ...(isObject(body) ? body : {}),
      ...this.#system(container.rid, textAt(container.resource, '_self')),
      _docs: _docs!,
      _sprocs: _sprocs!,
      _triggers: _triggers!,
      _udfs: _udfs!,
      _conflicts: _conflicts!,
    });
    const { resource, ranges } = container;
    this.#around.record({ t: 'container', database: databaseId, resource, ranges: ranges.length });
    return container;
  }

  deleteContainer(databaseId: string, id: string): void {
    const { rid } = this.container(databaseId, id);
    this.#byRid.delete(rid);
    this.#recorded({ t: 'dropContainer', database: databaseId, id }, () =>
      this.database(databaseId).containers.delete(id),
    );
  }

  /** Takes back a record of {@link EngineOptions.onRecord} or {@link snapshot}, in their order. */
  restore(record: EngineRecord): void {
    switch (record.t) {
      case 'database':
        this.#addDatabase(record.resource);
        this.#made = Math.max(this.#made, record.made ?? 0);
        break;
      case 'dropDatabase':
        this.databases.get(record.id)?.containers.forEach(({ rid }) => this.#byRid.delete(rid));
        this.databases.delete(record.id);
        break;
      case 'container': {
        const known = this.#byRid.get(textAt(record.resource, '_rid'));
        if (known) known.redefine(record.resource);
        const container =
          known ?? this.#addContainer(this.database(record.database), record.resource, record.ranges);
        container.restoreCounters(record.sequence ?? 0, record.lsns ?? []);
        break;
      }
      case 'dropContainer': {
        const { containers } = this.database(record.database);
        this.#byRid.delete(containers.get(record.id)?.rid ?? '');
        containers.delete(record.id);
        break;
      }
      case 'write':
        this.#byRid.get(record.c)?.restore(record);
        break;
    }
  }

  /** Everything as records, from the state at the time of the call; may be read later and slowly. */
  snapshot(): Iterable<EngineRecord> {
    const made = this.#made;
    const parts = [...this.databases.values()].map((database) => ({
      resource: database.resource,
      containers: [...database.containers.values()].map((container) => container.snapshot(database.id)),
    }));
    return (function* (): Generator<EngineRecord> {
      for (const { resource, containers } of parts) {
        yield { t: 'database', resource, made };
        for (const records of containers) yield* records;
      }
    })();
  }
}
