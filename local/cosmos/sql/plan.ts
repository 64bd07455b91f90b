// The query plan, which tells a client how to run a query over several partitions: what to ask of each, and how to
// merge the answers. Shape: what @azure/cosmos reads in `queryExecutionContext/`.
import { badRequest } from '../errors.js';
import type { Json, JsonObject } from '../json.js';
import { RING_END } from '../partitionKey.js';
import { aggregatesIn, isGrouped, selected, type AggregateName, type Expression, type Query } from './ast.js';
import type { Context } from './evaluate.js';
import { countOf } from './execute.js';

/** The client puts a condition here that skips what earlier pages gave. */
const FILTER = '{documentdb-formattableorderbyquery-filter}';

const AGGREGATE_TYPE: Record<AggregateName, string> = {
  COUNT: 'Count',
  SUM: 'Sum',
  MIN: 'Min',
  MAX: 'Max',
  AVG: 'Average',
};

/** Whether a client must merge this query over partitions itself: the gateway serves it for one partition only. */
export function needsPlan(query: Query): boolean {
  return (
    query.distinct ||
    query.orderBy.length > 0 ||
    isGrouped(query) ||
    query.top !== undefined ||
    query.limit !== undefined
  );
}

class Planner {
  readonly #query: Query;
  readonly #context: Context;

  constructor(query: Query, context: Context) {
    this.#query = query;
    this.#context = context;
  }

  #text({ start, end }: { start: number; end: number }): string {
    return this.#query.source.slice(start, end);
  }

  /** The select clause as one expression. */
  #payload(of = (expression: Expression): string => this.#text(expression)): string {
    const { select, alias } = this.#query;
    if (select.kind === 'all') return alias;
    if (select.kind === 'value') return of(select.expression);
    return `{${select.items.map(({ name, expression }) => `${JSON.stringify(name)}: ${of(expression)}`).join(', ')}}`;
  }

  /** What each partition answers for an aggregate, so that the client can add the answers up. */
  #partial(expression: Expression): string {
    if (expression.kind !== 'aggregate') {
      if (aggregatesIn(expression).length > 0)
        throw badRequest('Compositions of aggregates and other expressions are not allowed.');
      return this.#text(expression);
    }
    const whole = this.#text(expression);
    const operand = this.#text(expression.operand);
    switch (expression.name) {
      case 'COUNT':
      case 'SUM':
        return `{"item": ${whole}}`;
      case 'AVG':
        return `{"item": {"sum": SUM(${operand}), "count": COUNT(${operand})}}`;
      case 'MIN':
      case 'MAX':
        return `{"item": ${whole}, "item2": {"${expression.name.toLowerCase()}": ${whole}, "count": COUNT(${operand})}}`;
    }
  }

  #rest(clauses: { filter?: boolean } = {}): string {
    const { from, where, groupBy } = this.#query;
    const conditions = [where ? `(${this.#text(where)})` : '', clauses.filter ? FILTER : ''].filter(Boolean);
    return [
      this.#text(from),
      conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '',
      groupBy.length > 0 ? `GROUP BY ${groupBy.map((item) => this.#text(item)).join(', ')}` : '',
    ]
      .filter(Boolean)
      .join(' ');
  }

  #grouped(): string {
    const { select, groupBy } = this.#query;
    const keys = groupBy.map((item) => `{"item": ${this.#text(item)}}`).join(', ');
    const payload = this.#payload((expression) =>
      select.kind === 'value' && expression.kind === 'aggregate'
        ? `[${this.#partial(expression)}]`
        : this.#partial(expression),
    );
    if (groupBy.length > 0) return `SELECT [${keys}] AS groupByItems, ${payload} AS payload ${this.#rest()}`;
    return select.kind === 'value'
      ? `SELECT VALUE ${payload} ${this.#rest()}`
      : `SELECT ${payload} AS payload ${this.#rest()}`;
  }

  #rewritten(offset: number | undefined, limit: number | undefined, top: number | undefined): string {
    const { orderBy, alias, distinct } = this.#query;
    if (isGrouped(this.#query)) return this.#grouped();
    const page = limit === undefined ? '' : ` OFFSET 0 LIMIT ${(offset ?? 0) + limit}`;
    if (orderBy.length > 0) {
      const items = orderBy.map(({ expression }) => `{"item": ${this.#text(expression)}}`).join(', ');
      const order = orderBy
        .map(({ expression, descending }) => `${this.#text(expression)} ${descending ? 'DESC' : 'ASC'}`)
        .join(', ');
      // Each partition gives its duplicates: they are dropped after the merge, and so must TOP be.
      const first = top === undefined || distinct ? '' : `TOP ${top} `;
      const last = distinct ? '' : page;
      return (
        `SELECT ${first}${alias}._rid, [${items}] AS orderByItems, ${this.#payload()} AS payload ` +
        `${this.#rest({ filter: true })} ORDER BY ${order}${last}`
      );
    }
    if (limit === undefined) return '';
    return `SELECT ${distinct ? 'DISTINCT ' : ''}VALUE ${this.#payload()} ${this.#rest()}${page}`;
  }

  #distinctType(): string {
    const { distinct, orderBy, select } = this.#query;
    if (!distinct) return 'None';
    const [only] = orderBy;
    const inOrder =
      only &&
      orderBy.length === 1 &&
      selected(select).length === 1 &&
      selected(select).every(
        (item) => item.kind === 'path' && JSON.stringify(item.steps) === JSON.stringify(only.path),
      );
    return inOrder ? 'Ordered' : 'Unordered';
  }

  plan(): JsonObject {
    const { select, orderBy, groupBy } = this.#query;
    const grouped = isGrouped(this.#query);
    const top = countOf(this.#query.top, this.#context);
    const offset = countOf(this.#query.offset, this.#context);
    const limit = countOf(this.#query.limit, this.#context);
    const aggregateType = (expression: Expression): Json =>
      expression.kind === 'aggregate' ? AGGREGATE_TYPE[expression.name] : null;
    const aliases = grouped && select.kind === 'list' ? select.items : [];
    const valueAggregates = grouped && select.kind === 'value' ? [aggregateType(select.expression)] : [];
    return {
      partitionedQueryExecutionInfoVersion: 2,
      queryInfo: {
        distinctType: this.#distinctType(),
        top: top ?? null,
        offset: offset ?? null,
        limit: limit ?? null,
        orderBy: orderBy.map(({ descending }) => (descending ? 'Descending' : 'Ascending')),
        orderByExpressions: orderBy.map(({ expression }) => this.#text(expression)),
        groupByExpressions: groupBy.map((item) => this.#text(item)),
        groupByAliases: aliases.map(({ name }) => name),
        aggregates: valueAggregates.filter((type) => type !== null),
        groupByAliasToAggregateType: Object.fromEntries(
          aliases.map(({ name, expression }) => [name, aggregateType(expression)]),
        ),
        rewrittenQuery: this.#rewritten(offset, limit, top),
        hasSelectValue: select.kind === 'value',
        hasNonStreamingOrderBy: false,
      },
      queryRanges: [{ min: '', max: RING_END, isMinInclusive: true, isMaxInclusive: false }],
    };
  }
}

/** The plan of a query. Throws 400 for what cannot be merged over partitions. */
export function planOf(query: Query, context: Context): JsonObject {
  return new Planner(query, context).plan();
}
