// The shape of a parsed query.
import type { Path, Value } from '../json.js';

export type AggregateName = 'COUNT' | 'SUM' | 'MIN' | 'MAX' | 'AVG';
export type BinaryOperator =
  | 'AND'
  | 'OR'
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '||'
  | '??';

/** Where the text of a node stands in the query: the plan cuts rewritten queries from it. */
export interface Span {
  start: number;
  end: number;
}

export type Expression = Span &
  (
    | { kind: 'literal'; value: Value }
    | { kind: 'parameter'; name: string }
    /** A property of the document; no steps: the document itself. */
    | { kind: 'path'; steps: Path }
    | { kind: 'member'; of: Expression; key: Expression }
    | { kind: 'unary'; operator: 'NOT' | '-' | '+'; operand: Expression }
    | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
    | { kind: 'in'; operand: Expression; list: Expression[]; negated: boolean }
    | { kind: 'between'; operand: Expression; low: Expression; high: Expression; negated: boolean }
    | { kind: 'conditional'; test: Expression; yes: Expression; no: Expression }
    | { kind: 'call'; name: string; parameters: Expression[] }
    | { kind: 'aggregate'; name: AggregateName; operand: Expression }
    | { kind: 'array'; items: Expression[] }
    | { kind: 'object'; entries: { name: string; value: Expression }[] }
  );

export type Select =
  | { kind: 'all' }
  | { kind: 'value'; expression: Expression }
  | { kind: 'list'; items: { name: string; expression: Expression }[] };

export interface OrderItem {
  path: Path;
  descending: boolean;
  expression: Expression;
}

export interface Query {
  source: string;
  /** The name of the document in this query. */
  alias: string;
  distinct: boolean;
  top: Expression | undefined;
  select: Select;
  from: Span;
  where: Expression | undefined;
  groupBy: Expression[];
  orderBy: OrderItem[];
  offset: Expression | undefined;
  limit: Expression | undefined;
}

/** The expressions directly inside one. */
export function children(expression: Expression): Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'parameter':
    case 'path':
      return [];
    case 'member':
      return [expression.of, expression.key];
    case 'unary':
    case 'aggregate':
      return [expression.operand];
    case 'binary':
      return [expression.left, expression.right];
    case 'in':
      return [expression.operand, ...expression.list];
    case 'between':
      return [expression.operand, expression.low, expression.high];
    case 'conditional':
      return [expression.test, expression.yes, expression.no];
    case 'call':
      return expression.parameters;
    case 'array':
      return expression.items;
    case 'object':
      return expression.entries.map((entry) => entry.value);
  }
}

/** Every aggregate in an expression, from left to right. */
export function aggregatesIn(expression: Expression): (Expression & { kind: 'aggregate' })[] {
  return expression.kind === 'aggregate' ? [expression] : children(expression).flatMap(aggregatesIn);
}

/** The expressions of a select list. */
export function selected(select: Select): Expression[] {
  if (select.kind === 'all') return [];
  return select.kind === 'value' ? [select.expression] : select.items.map((item) => item.expression);
}

/** Whether a query's rows are made from many documents. */
export function isGrouped(query: Query): boolean {
  return query.groupBy.length > 0 || selected(query.select).some((item) => aggregatesIn(item).length > 0);
}
