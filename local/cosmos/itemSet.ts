// A set of items in the order of their creation, with sorted indexes over any properties, built when first asked for.
import { compareValues, valueAt, type JsonObject, type Path, type Value } from './json.js';
import type { PartitionKey } from './partitionKey.js';

/** Below this a sort is cheaper than keeping an index: most logical partitions of a product are this small. */
const MIN_INDEXED_ITEMS = 64;
/** Indexes kept per set; the one built first goes when another is needed. */
const MAX_INDEXES = 16;

/** One version of a document; only the last two fields ever change. */
export interface Item {
  readonly id: string;
  readonly key: PartitionKey;
  /** Counts the items of the container in the order of creation: the tie-break of every order. */
  readonly sequence: number;
  /** Log sequence number of the write, in its physical partition; one transaction has one. */
  readonly lsn: number;
  /** The document with its system properties. */
  readonly body: JsonObject;
  /** UTF-8 bytes of the body as JSON. */
  readonly size: number;
  /** Milliseconds since the epoch; Infinity when it lives for ever. */
  expiresAt: number;
  /** False once a later version, or none, took its place. */
  current: boolean;
}

export interface IndexColumn {
  path: Path;
  descending: boolean;
}

export interface IndexEntry {
  keys: Value[];
  item: Item;
}

function compareKeys(columns: readonly IndexColumn[], a: readonly Value[], b: readonly Value[]): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const order = compareValues(a[at], b[at]);
    if (order !== 0) return columns[at]?.descending ? -order : order;
  }
  return 0;
}

/** Entries sorted by the columns, then by sequence. */
export class SortedIndex {
  readonly columns: readonly IndexColumn[];
  #entries: IndexEntry[] = [];

  constructor(columns: readonly IndexColumn[], items: readonly Item[]) {
    this.columns = columns;
    this.#entries = items.map((item) => this.#entry(item));
    if (columns.length > 0)
      this.#entries.sort((a, b) => compareKeys(columns, a.keys, b.keys) || a.item.sequence - b.item.sequence);
  }

  get entries(): readonly IndexEntry[] {
    return this.#entries;
  }

  #entry(item: Item): IndexEntry {
    return { keys: this.columns.map(({ path }) => valueAt(item.body, path)), item };
  }

  /**
   * The first position that does not lie before `keys` (a prefix of the columns will do): before all equal entries,
   * or after them with `after`; `sequence` decides among equal ones where it is given.
   */
  position(
    keys: readonly Value[],
    { after = false, sequence }: { after?: boolean; sequence?: number } = {},
  ): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle]!;
      let order = compareKeys(this.columns, entry.keys, keys);
      if (order === 0 && sequence !== undefined) order = entry.item.sequence - sequence;
      if (order < 0 || (order === 0 && after)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(item: Item): void {
    const entry = this.#entry(item);
    const at = this.position(entry.keys, { sequence: item.sequence });
    if (at === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(at, 0, entry);
  }

  remove(item: Item): void {
    const keys = this.columns.map(({ path }) => valueAt(item.body, path));
    const at = this.position(keys, { sequence: item.sequence });
    if (this.#entries[at]?.item === item) this.#entries.splice(at, 1);
  }
}

export class ItemSet {
  #items: Item[] = [];
  /** False while a restore has added items out of order. */
  #sorted = true;
  #indexes: Map<string, SortedIndex> | undefined;

  get size(): number {
    return this.#items.length;
  }

  /** Items by sequence. */
  get items(): readonly Item[] {
    if (!this.#sorted) {
      this.#items.sort((a, b) => a.sequence - b.sequence);
      this.#sorted = true;
    }
    return this.#items;
  }

  #find(sequence: number): number {
    const items = this.items;
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (items[middle]!.sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(item: Item): void {
    const last = this.#items.at(-1);
    if (last && last.sequence > item.sequence) this.#sorted = false;
    this.#items.push(item);
    this.#indexes?.forEach((index) => index.add(item));
  }

  remove(item: Item): void {
    this.#items.splice(this.#find(item.sequence), 1);
    this.#indexes?.forEach((index) => index.remove(item));
  }

  /** Puts a new version in the place of an old one. */
  replace(old: Item, item: Item): void {
    // Deleted and made again in one transaction: a new item, in its own place of the order.
    if (old.sequence !== item.sequence) {
      this.remove(old);
      this.add(item);
      return;
    }
    this.#items[this.#find(old.sequence)] = item;
    this.#indexes?.forEach((index) => {
      index.remove(old);
      index.add(item);
    });
  }

  /** The index over `columns`; without columns, the order of creation. */
  index(columns: readonly IndexColumn[]): SortedIndex {
    const name = JSON.stringify(columns);
    const known = this.#indexes?.get(name);
    if (known) return known;
    const index = new SortedIndex(columns, this.items);
    if (this.size >= MIN_INDEXED_ITEMS) {
      this.#indexes ??= new Map();
      const [oldest] = this.#indexes.keys();
      if (this.#indexes.size >= MAX_INDEXES && oldest !== undefined) this.#indexes.delete(oldest);
      this.#indexes.set(name, index);
    }
    return index;
  }
}
