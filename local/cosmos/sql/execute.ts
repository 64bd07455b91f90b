// Runs a query over one or more sets of items, a page at a time.
import { badRequest } from '../errors.js';
import type { IndexEntry, ItemSet } from '../itemSet.js';
import { canonical, type Json, type JsonObject, type Value } from '../json.js';
import { chooseAccess, stretches, type Pin } from './access.js';
import { aggregatesIn, children, isGrouped, selected, type Expression, type Query } from './ast.js';
import { decodeContinuation, encodeContinuation, type Continuation } from './continuation.js';
import { Accumulator, compile, groupKey, makeObject, type Context, type Evaluator } from './evaluate.js';

/** Largest page. Source: "Azure Cosmos DB service quotas", maximum response size. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export interface Source {
  set: ItemSet;
  /** What the scope of the request pins down: the levels of a partial partition key. */
  pins: readonly Pin[];
}

export interface QueryPage {
  rows: Json[];
  continuation: string | undefined;
  /** Items looked at. */
  loaded: number;
  /** Size of the rows as JSON. */
  bytes: number;
}

interface Row {
  value: Json;
  bytes: number;
}

/** The select clause as a function of a document. */
function projection({ select }: Query, context: Context): Evaluator {
  if (select.kind === 'all') return (document) => document;
  if (select.kind === 'value') return compile(select.expression, context);
  const entries = select.items.map(({ name, expression }) => ({ name, value: compile(expression, context) }));
  return (document, aggregates) => makeObject(entries, document, aggregates);
}

/** A count given as literal or parameter (TOP, OFFSET, LIMIT). Throws 400 unless it is a whole number. */
export function countOf(expression: Expression | undefined, context: Context): number | undefined {
  if (!expression) return undefined;
  const value = compile(expression, context)({});
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw badRequest('TOP, OFFSET and LIMIT take a whole number that is not negative.');
  return value;
}

function* walk(from: number, to: number, reverse: boolean): Generator<number> {
  if (reverse) for (let at = to - 1; at >= from; at--) yield at;
  else for (let at = from; at < to; at++) yield at;
}

/** Walks the documents that match WHERE, in the order of ORDER BY. */
class Matches {
  readonly #query: Query;
  readonly #context: Context;
  readonly #sources: readonly Source[];
  loaded = 0;

  constructor(query: Query, context: Context, sources: readonly Source[]) {
    this.#query = query;
    this.#context = context;
    this.#sources = sources;
  }

  /** @param after where to go on; the entries are not valid after a change of the set */
  *from(after: Continuation | undefined): Generator<{ source: number; entry: IndexEntry }> {
    const { where } = this.#query;
    const filter = where ? compile(where, this.#context) : () => true;
    for (let source = after?.source ?? 0; source < this.#sources.length; source++) {
      const { set, pins } = this.#sources[source]!;
      const access = chooseAccess(this.#query, this.#context, pins);
      const index = set.index(access.columns);
      const resumed = after && after.source === source ? after.place : undefined;
      // Going forward, on after the last row; backward, on before it.
      const place =
        resumed && index.position(resumed.keys, { sequence: resumed.sequence, after: !access.reverse });
      for (const [low, high] of stretches(index, access)) {
        const from = place === undefined || access.reverse ? low : Math.max(low, place);
        const to = place === undefined || !access.reverse ? high : Math.min(high, place);
        for (const at of walk(from, to, access.reverse)) {
          const entry = index.entries[at]!;
          this.loaded++;
          if (filter(entry.item.body) === true) yield { source, entry };
        }
      }
    }
  }
}

/** Refuses a select list that names what is neither grouped by nor aggregated. */
function checkGrouping(query: Query): void {
  const text = ({ start, end }: Expression): string => query.source.slice(start, end);
  const grouped = new Set(
    query.groupBy.map((item) => (item.kind === 'path' ? JSON.stringify(item.steps) : text(item))),
  );
  const check = (expression: Expression): void => {
    const name = expression.kind === 'path' ? JSON.stringify(expression.steps) : text(expression);
    if (expression.kind === 'aggregate' || grouped.has(name)) return;
    if (expression.kind === 'path')
      throw badRequest(
        `Property reference '${text(expression)}' is invalid in the select list because it is not contained in ` +
          'either an aggregate function or the GROUP BY clause.',
      );
    children(expression).forEach(check);
  };
  selected(query.select).forEach(check);
}

/** Rows made from all matches: of GROUP BY and of aggregates. */
function groupedRows(query: Query, context: Context, matches: Matches): Value[] {
  checkGrouping(query);
  const project = projection(query, context);
  const aggregates = selected(query.select).flatMap(aggregatesIn);
  const groupBy = query.groupBy.map((item) => compile(item, context));
  const groups = new Map<string, { first: JsonObject; accumulators: Accumulator[] }>();
  const open = (first: JsonObject): { first: JsonObject; accumulators: Accumulator[] } => ({
    first,
    accumulators: aggregates.map((aggregate) => new Accumulator(aggregate, context)),
  });
  // Aggregates over nothing still make one row.
  if (groupBy.length === 0) groups.set('', open({}));
  for (const { entry } of matches.from(undefined)) {
    const { body } = entry.item;
    const key = groupKey(groupBy, body);
    let group = groups.get(key);
    if (!group) groups.set(key, (group = open(body)));
    for (const accumulator of group.accumulators) accumulator.add(body);
  }
  return [...groups.values()].map(({ first, accumulators }) =>
    project(first, new Map(aggregates.map((aggregate, at) => [aggregate, accumulators[at]?.result]))),
  );
}

function distinctRows(query: Query, context: Context, matches: Matches): Value[] {
  const project = projection(query, context);
  const rows = new Map<string, Value>();
  for (const { entry } of matches.from(undefined)) {
    const row = project(entry.item.body);
    const key = canonical(row);
    if (!rows.has(key)) rows.set(key, row);
  }
  return [...rows.values()];
}

/**
 * Runs a query.
 * @param sources read one after the other; ORDER BY holds within each
 * @param continuation of the page before, from this same query
 * @param pageSize most rows of the page
 * @throws 400 for a bad continuation, a missing parameter or a select list that grouping does not allow
 */
export function execute(
  query: Query,
  context: Context,
  sources: readonly Source[],
  continuation: string | undefined,
  pageSize: number,
): QueryPage {
  const after = continuation === undefined ? undefined : decodeContinuation(continuation);
  const skip = after?.skip ?? countOf(query.offset, context) ?? 0;
  const take = after?.take ?? countOf(query.top ?? query.limit, context) ?? Infinity;
  const matches = new Matches(query, context, sources);
  const page: Row[] = [];
  let bytes = 0;
  const put = (value: Json, size?: number): void => {
    const row = { value, bytes: size ?? JSON.stringify(value).length };
    page.push(row);
    bytes += row.bytes;
  };
  const isFull = (): boolean => page.length >= pageSize || bytes >= MAX_PAGE_BYTES;
  const result = (next: Continuation | undefined): QueryPage => ({
    rows: page.map((row) => row.value),
    continuation: next && encodeContinuation(next),
    loaded: matches.loaded,
    bytes,
  });

  if (isGrouped(query) || query.distinct) {
    const all = isGrouped(query)
      ? groupedRows(query, context, matches)
      : distinctRows(query, context, matches);
    const rows = all.filter((row): row is Json => row !== undefined).slice(skip, skip + take);
    let at = after?.emitted ?? 0;
    for (; at < rows.length && !isFull(); at++) put(rows[at] ?? null);
    return result(at < rows.length ? { source: 0, skip, take, emitted: at } : undefined);
  }

  const project = projection(query, context);
  const whole = query.select.kind === 'all';
  let skipped = 0;
  let last: Continuation | undefined;
  if (take === 0) return result(undefined);
  for (const { source, entry } of matches.from(after)) {
    // One match more than the page holds: so the last page says that it is the last.
    if (isFull() && last) return result(last);
    const row = project(entry.item.body);
    if (row === undefined) continue;
    if (skipped < skip) skipped++;
    else {
      put(row, whole ? entry.item.size : undefined);
      if (page.length >= take) return result(undefined);
    }
    last = {
      source,
      skip: skip - skipped,
      take: take - page.length,
      emitted: 0,
      place: { keys: entry.keys, sequence: entry.item.sequence },
    };
  }
  return result(undefined);
}
