// The change feed in its latest-version mode: items in the order of their last write, deletes left out.
import { feedCharge } from './charge.js';
import { badRequest } from './errors.js';
import type { JsonObject } from './json.js';
import type { PartitionRange } from './range.js';
import { membership, rangeById, type ItemScope } from './scope.js';
import type { Store } from './store.js';

/** Largest page (bytes). Source: "Azure Cosmos DB service quotas", maximum response size. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const DEFAULT_PAGE_ITEMS = 100;

export interface FeedOptions {
  /** `now`, the etag of the page before, or undefined for the beginning. */
  from?: string | undefined;
  /** Only what was written at this time (milliseconds since the epoch) or later. */
  since?: number | undefined;
  /** Most items of a page, but a transaction is never cut. */
  pageSize?: number | undefined;
}

export interface FeedPage {
  documents: JsonObject[];
  /** Where the next page begins. */
  etag: string;
  charge: number;
  range: PartitionRange;
}

/** The physical partition a feed reads. Throws 400 for a feed over all, 410 for no such partition. */
export function feedRange(store: Store, scope: ItemScope): PartitionRange {
  if (scope.kind === 'all')
    throw badRequest('The change feed needs a partition key or a partition key range id.');
  return scope.kind === 'key' ? store.partition(scope.key).range : rangeById(store, scope.id);
}

function startOf(range: PartitionRange, from: string | undefined): number {
  if (from === undefined) return 0;
  if (from === 'now') return range.lsn;
  const lsn = Number(/^"?(\d+)"?$/.exec(from)?.[1]);
  // One from the future is of a store that was lost: to wait for it would lose what comes until then.
  if (!(lsn <= range.lsn))
    throw badRequest(`The change feed continuation '${from.slice(0, 50)}' is invalid.`);
  return lsn;
}

/** One page of the feed. Throws 400 for a bad continuation. */
export function readFeed(store: Store, scope: ItemScope, options: FeedOptions): FeedPage {
  const { since = 0, pageSize = DEFAULT_PAGE_ITEMS } = options;
  const range = feedRange(store, scope);
  const after = startOf(range, options.from);
  const belongs = membership(store, scope);
  const documents: JsonObject[] = [];
  let bytes = 0;
  let last = after;
  let isCut = false;
  for (const item of range.changesAfter(after)) {
    // The items of one transaction have one LSN.
    isCut = item.lsn !== last && (documents.length >= pageSize || bytes >= MAX_PAGE_BYTES);
    if (isCut) break;
    if (Number(item.body['_ts']) * 1000 < since || !belongs(item)) continue;
    documents.push({ ...item.body, _lsn: item.lsn });
    bytes += item.size;
    last = item.lsn;
  }
  const end = isCut ? last : range.lsn;
  return { documents, etag: `"${end}"`, charge: feedCharge(bytes), range };
}
