// The items of one container: by id, by partition, by unique key, by time of expiry. No rules of the API in here.
import { conflict } from './errors.js';
import { ItemSet, type Item } from './itemSet.js';
import { canonical, valueAt, type JsonObject, type Path } from './json.js';
import { effectiveKey, keyString, RING_END, ringBoundaries, type PartitionKey } from './partitionKey.js';
import { PartitionRange } from './range.js';

export interface LogicalPartition {
  key: PartitionKey;
  /** {@link keyString} of the key. */
  name: string;
  effectiveKey: string;
  range: PartitionRange;
  set: ItemSet;
}

/** One step of a transaction: a version put in place of another, or of none, or nothing in its place. */
export interface Change {
  id: string;
  item: Item | undefined;
}

const expirySecond = (item: Item): number => Math.ceil(item.expiresAt / 1000);

export class Store {
  readonly ranges: readonly PartitionRange[];
  readonly #uniqueKeys: readonly (readonly Path[])[];
  readonly #partitions = new Map<string, LogicalPartition>();
  readonly #items = new Map<string, Item>();
  /** Unique key of a partition → id of the item that has it. */
  readonly #unique = new Map<string, string>();
  readonly #expiring = new Map<number, Set<Item>>();
  #sweptAt = 0;
  /** Items ever made. */
  sequence = 0;

  constructor(
    rangeCount: number,
    uniqueKeys: readonly (readonly Path[])[],
    ruPerSecond: number,
    now: number,
  ) {
    this.#uniqueKeys = uniqueKeys;
    const boundaries = ringBoundaries(rangeCount);
    this.ranges = boundaries.map(
      (min, at) =>
        new PartitionRange(String(at), min, boundaries[at + 1] ?? RING_END, ruPerSecond / rangeCount, now),
    );
  }

  get size(): number {
    return this.#items.size;
  }

  items(): IterableIterator<Item> {
    return this.#items.values();
  }

  /** The partition of a key; kept once it holds an item. */
  partition(key: PartitionKey): LogicalPartition {
    const name = keyString(key);
    const known = this.#partitions.get(name);
    if (known) return known;
    const place = effectiveKey(key);
    const range = this.ranges.find((candidate) => candidate.holds(place)) ?? this.ranges[0]!;
    return { key, name, effectiveKey: place, range, set: new ItemSet() };
  }

  get(partition: LogicalPartition, id: string): Item | undefined {
    return this.#items.get(`${partition.name}${id}`);
  }

  /** The unique keys of a document: one string each, the same for documents that collide. */
  uniqueKeysOf(partition: LogicalPartition, body: JsonObject): string[] {
    return this.#uniqueKeys.map(
      (paths, at) =>
        `${partition.name}${at}${paths.map((path) => canonical(valueAt(body, path))).join('\u0000')}`,
    );
  }

  /** Throws 409 if the changes, made together, would leave two items with one unique key. */
  checkUnique(partition: LogicalPartition, changes: ReadonlyMap<string, Change>): void {
    if (this.#uniqueKeys.length === 0) return;
    const taken = new Set<string>();
    for (const { item } of changes.values()) {
      if (!item) continue;
      for (const key of this.uniqueKeysOf(partition, item.body)) {
        const holder = this.#unique.get(key);
        if (taken.has(key) || (holder !== undefined && !changes.has(holder)))
          throw conflict('Unique index constraint violation.');
        taken.add(key);
      }
    }
  }

  /** Makes a transaction's changes, all of one partition and one LSN. */
  apply(partition: LogicalPartition, changes: Iterable<Change>, lsn: number): void {
    const { range, set } = partition;
    const olds: (Item | undefined)[] = [];
    const list = [...changes];
    for (const { id } of list) {
      const old = this.get(partition, id);
      olds.push(old);
      if (old) this.#forget(partition, old);
    }
    list.forEach(({ id, item }, at) => {
      const old = olds[at];
      if (old && item) {
        set.replace(old, item);
        range.set.replace(old, item);
      } else if (old) {
        set.remove(old);
        range.set.remove(old);
      } else if (item) {
        set.add(item);
        range.set.add(item);
      }
      if (!item) return;
      this.sequence = Math.max(this.sequence, item.sequence);
      this.#items.set(`${partition.name}${id}`, item);
      for (const key of this.uniqueKeysOf(partition, item.body)) this.#unique.set(key, id);
      if (item.expiresAt !== Infinity) this.#expire(item);
      range.record(item);
    });
    range.lsn = Math.max(range.lsn, lsn);
    if (set.size > 0) this.#partitions.set(partition.name, partition);
    else this.#partitions.delete(partition.name);
  }

  #expire(item: Item): void {
    const second = expirySecond(item);
    const bucket = this.#expiring.get(second);
    if (bucket) bucket.add(item);
    else this.#expiring.set(second, new Set([item]));
  }

  #forget(partition: LogicalPartition, old: Item): void {
    old.current = false;
    this.#items.delete(`${partition.name}${old.id}`);
    for (const key of this.uniqueKeysOf(partition, old.body)) this.#unique.delete(key);
    if (old.expiresAt === Infinity) return;
    const second = expirySecond(old);
    const bucket = this.#expiring.get(second);
    bucket?.delete(old);
    if (bucket?.size === 0) this.#expiring.delete(second);
  }

  /** Removes what has expired. Expiry needs no entry in the journal: it follows from the items. */
  sweep(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#sweptAt || this.#expiring.size === 0) return;
    this.#sweptAt = second;
    for (const [due, bucket] of this.#expiring) {
      if (due > second) continue;
      for (const item of bucket) {
        const partition = this.partition(item.key);
        this.apply(partition, [{ id: item.id, item: undefined }], partition.range.lsn);
      }
    }
  }

  /** Gives every item a new time of expiry: after a change of the container's TTL. */
  reschedule(expiresAt: (body: JsonObject) => number): void {
    this.#expiring.clear();
    for (const item of this.#items.values()) {
      item.expiresAt = expiresAt(item.body);
      if (item.expiresAt !== Infinity) this.#expire(item);
    }
  }
}
