/**
 * What an operation costs, in request units (RU). A model, not a bill: the shape is Microsoft's, the constants are
 * within some tens of per cent of what accounts report.
 *
 * Sources: "Understand request unit consumption" (learn.microsoft.com/azure/cosmos-db), the table of document size
 * to read and write charge at session consistency; "Optimize request cost", that a replace costs about twice an
 * insert and a query depends on what it loads; query charges published for small results (about 2.3 RU for one).
 */

/** Item size (KB) → [read, write] charge, from Microsoft's table; linear in between. */
const BY_SIZE: readonly (readonly [number, number, number])[] = [
  [1, 1, 4.95],
  [2, 1.04, 6.29],
  [4, 1.14, 6.67],
  [8, 1.33, 7.04],
  [16, 1.67, 9.52],
  [32, 2.19, 11.23],
  [64, 4.76, 22.67],
  [128, 9.95, 48.19],
  [256, 20.28, 98.29],
  [512, 40.95, 184.57],
  [1024, 145.9, 625],
  [2048, 291.8, 1250],
];
/** A replace deletes the old index terms and writes the new. */
const REPLACE_FACTOR = 2;
/** Indexing of the default policy (all paths) over none, by the same page's figures for a small item. */
const INDEXED_FACTOR = 1.15;
const QUERY_BASE = 2.25;
const PER_ITEM_LOADED = 0.04;
const PER_KB_RETURNED = 0.05;
/** What a refused, a not-found or an empty request costs. */
export const MINIMUM_CHARGE = 1;

function bySize(bytes: number, column: 1 | 2): number {
  const kb = bytes / 1024;
  let [previous] = BY_SIZE;
  for (const row of BY_SIZE) {
    if (kb <= row[0]) {
      if (!previous || previous === row) return row[column];
      const part = (kb - previous[0]) / (row[0] - previous[0]);
      return previous[column] + part * (row[column] - previous[column]);
    }
    previous = row;
  }
  return previous ? previous[column] * (kb / previous[0]) : MINIMUM_CHARGE;
}

const rounded = (charge: number): number => Math.round(charge * 100) / 100;

export const readCharge = (bytes: number): number => rounded(bySize(bytes, 1));

export type WriteKind = 'create' | 'replace' | 'delete';

/** @param indexed whether the container indexes anything */
export function writeCharge(kind: WriteKind, bytes: number, indexed: boolean): number {
  const insert = bySize(bytes, 2) * (indexed ? INDEXED_FACTOR : 1);
  return rounded(kind === 'replace' ? insert * REPLACE_FACTOR : insert);
}

/** @param loaded items the query had to look at @param returnedBytes size of its page */
export function queryCharge(loaded: number, returnedBytes: number): number {
  return rounded(QUERY_BASE + loaded * PER_ITEM_LOADED + (returnedBytes / 1024) * PER_KB_RETURNED);
}

/** A page of the change feed: like reading its items, 1 RU at least. */
export function feedCharge(returnedBytes: number): number {
  return rounded(Math.max(MINIMUM_CHARGE, bySize(returnedBytes, 1)));
}
