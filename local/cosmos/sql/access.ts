// How a query finds its documents: an index over the properties that WHERE pins down, then those of ORDER BY.
import type { IndexColumn, SortedIndex } from '../itemSet.js';
import { canonical, compareValues, type JsonObject, type Path, type Value } from '../json.js';
import type { Expression, Query } from './ast.js';
import { compile, type Context } from './evaluate.js';

/** A property that must equal a value. */
export interface Pin {
  path: Path;
  value: Value;
}

interface Range {
  low?: { value: Value; inclusive: boolean };
  high?: { value: Value; inclusive: boolean };
}

export interface Access {
  columns: IndexColumn[];
  /** Values of the first columns. */
  pinned: Value[];
  /** Bounds of the column after the pinned ones. */
  range: Range;
  /** Values the column after the pinned ones may have, in ascending order. */
  anyOf: Value[] | undefined;
  /** Whether the index is walked from its end. */
  reverse: boolean;
}

const NOTHING: JsonObject = {};
/** Sorts after any text that begins with what stands before it. */
const LAST_CHARACTER = '\uffff';

function conjuncts(where: Expression | undefined): Expression[] {
  if (!where) return [];
  return where.kind === 'binary' && where.operator === 'AND'
    ? [...conjuncts(where.left), ...conjuncts(where.right)]
    : [where];
}

const isConstant = (expression: Expression): boolean =>
  expression.kind === 'literal' ||
  expression.kind === 'parameter' ||
  (expression.kind === 'unary' && isConstant(expression.operand));

const nameOf = (path: Path): string => JSON.stringify(path);

const FLIPPED = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;
type Comparison = keyof typeof FLIPPED;
const isComparison = (operator: string): operator is Comparison => Object.hasOwn(FLIPPED, operator);

/** What the conditions joined by AND say about single properties. The rest is left to the filter. */
class Facts {
  readonly pins = new Map<string, Pin>();
  readonly ranges = new Map<string, Range & { path: Path }>();
  readonly lists = new Map<string, { path: Path; values: Value[] }>();
  readonly #context: Context;

  constructor(where: Expression | undefined, context: Context) {
    this.#context = context;
    for (const condition of conjuncts(where)) this.#learn(condition);
  }

  #value(expression: Expression): Value {
    return compile(expression, this.#context)(NOTHING);
  }

  #compare(path: Path, operator: Comparison, value: Value): void {
    const name = nameOf(path);
    if (operator === '=') {
      this.pins.set(name, { path, value });
      return;
    }
    const range = this.ranges.get(name) ?? { path };
    if (operator === '>' || operator === '>=') range.low ??= { value, inclusive: operator === '>=' };
    else range.high ??= { value, inclusive: operator === '<=' };
    this.ranges.set(name, range);
  }

  #learn(condition: Expression): void {
    if (condition.kind === 'binary' && isComparison(condition.operator)) {
      const { left, right, operator } = condition;
      if (left.kind === 'path' && isConstant(right)) this.#compare(left.steps, operator, this.#value(right));
      else if (right.kind === 'path' && isConstant(left))
        this.#compare(right.steps, FLIPPED[operator], this.#value(left));
    } else if (condition.kind === 'between' && !condition.negated) {
      const { operand, low, high } = condition;
      if (operand.kind !== 'path' || !isConstant(low) || !isConstant(high)) return;
      this.#compare(operand.steps, '>=', this.#value(low));
      this.#compare(operand.steps, '<=', this.#value(high));
    } else if (condition.kind === 'in' && !condition.negated) {
      const { operand, list } = condition;
      if (operand.kind !== 'path' || !list.every(isConstant)) return;
      const values = new Map(list.map((item) => this.#value(item)).map((value) => [canonical(value), value]));
      this.lists.set(nameOf(operand.steps), {
        path: operand.steps,
        values: [...values.values()].sort(compareValues),
      });
    } else if (condition.kind === 'call' && condition.name === 'STARTSWITH') {
      const [text, start] = condition.parameters;
      if (text?.kind !== 'path' || !start || !isConstant(start) || condition.parameters.length > 2) return;
      const value = this.#value(start);
      if (typeof value !== 'string') return;
      this.#compare(text.steps, '>=', value);
      this.#compare(text.steps, '<=', value + LAST_CHARACTER);
    }
  }
}

/** Chooses the index of a query over a set in which `pins` hold already asked for. */
export function chooseAccess(query: Query, context: Context, pins: readonly Pin[]): Access {
  const facts = new Facts(query.where, context);
  for (const pin of pins) facts.pins.set(nameOf(pin.path), pin);
  const pinned = [...facts.pins].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pin]) => pin);
  const order = query.orderBy.filter(({ path }) => !facts.pins.has(nameOf(path)));
  // One index serves an order and its reverse.
  const reverse = order[0]?.descending ?? false;
  const columns: IndexColumn[] = [
    ...pinned.map(({ path }) => ({ path, descending: false })),
    ...order.map(({ path, descending }) => ({ path, descending: descending !== reverse })),
  ];
  const access: Access = {
    columns,
    pinned: pinned.map(({ value }) => value),
    range: {},
    anyOf: undefined,
    reverse,
  };
  if (order[0]) {
    access.range = facts.ranges.get(nameOf(order[0].path)) ?? {};
    return access;
  }
  const [list] = facts.lists.values();
  const [range] = facts.ranges.values();
  if (list) {
    columns.push({ path: list.path, descending: false });
    access.anyOf = list.values;
  } else if (range) {
    columns.push({ path: range.path, descending: false });
    access.range = range;
  }
  return access;
}

/** The stretches of the index, from first position to the one after the last, that can hold matches; in order. */
export function stretches(index: SortedIndex, { pinned, range, anyOf }: Access): [number, number][] {
  if (anyOf)
    return anyOf.map((value) => [
      index.position([...pinned, value]),
      index.position([...pinned, value], { after: true }),
    ]);
  const { low, high } = range;
  const from = low
    ? index.position([...pinned, low.value], { after: !low.inclusive })
    : index.position(pinned);
  const to = high
    ? index.position([...pinned, high.value], { after: high.inclusive })
    : index.position(pinned, { after: true });
  return from < to ? [[from, to]] : [];
}
