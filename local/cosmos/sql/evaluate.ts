// An expression becomes a function of the document. Undefined follows the service: an operator on undefined is
// undefined, = and != compare values of any type, < and > only values of one type, AND and OR have three values.
import { badRequest } from '../errors.js';
import {
  canonical,
  compareValues,
  equalValues,
  member,
  typeRank,
  valueAt,
  type Json,
  type JsonObject,
  type Value,
} from '../json.js';
import type { BinaryOperator, Expression } from './ast.js';
import { FUNCTIONS } from './functions.js';

export type Parameters = ReadonlyMap<string, Value>;

export interface Context {
  parameters: Parameters;
  /** Milliseconds since the epoch. */
  now: number;
}

/** @param aggregates results by aggregate, where a row was made from many documents */
export type Evaluator = (document: JsonObject, aggregates?: ReadonlyMap<Expression, Value>) => Value;

function and(left: Value, right: Value): Value {
  if (left === false || right === false) return false;
  return left === true && right === true ? true : undefined;
}

function or(left: Value, right: Value): Value {
  if (left === true || right === true) return true;
  return left === false && right === false ? false : undefined;
}

function equals(left: Value, right: Value): Value {
  return left === undefined || right === undefined ? undefined : equalValues(left, right);
}

function ordered(left: Value, right: Value, test: (order: number) => boolean): Value {
  if (left === undefined || right === undefined || typeRank(left) !== typeRank(right)) return undefined;
  if (typeof left === 'object' && left !== null) return undefined;
  return test(compareValues(left, right));
}

function numeric(left: Value, right: Value, apply: (a: number, b: number) => number): Value {
  if (typeof left !== 'number' || typeof right !== 'number') return undefined;
  const result = apply(left, right);
  return Number.isFinite(result) ? result : undefined;
}

function negate(value: Value): Value {
  return typeof value === 'boolean' ? !value : undefined;
}

function operate(operator: BinaryOperator, left: Value, right: Value): Value {
  switch (operator) {
    case 'AND':
      return and(left, right);
    case 'OR':
      return or(left, right);
    case '=':
      return equals(left, right);
    case '!=':
      return negate(equals(left, right));
    case '<':
      return ordered(left, right, (order) => order < 0);
    case '<=':
      return ordered(left, right, (order) => order <= 0);
    case '>':
      return ordered(left, right, (order) => order > 0);
    case '>=':
      return ordered(left, right, (order) => order >= 0);
    case '+':
      return numeric(left, right, (a, b) => a + b);
    case '-':
      return numeric(left, right, (a, b) => a - b);
    case '*':
      return numeric(left, right, (a, b) => a * b);
    case '/':
      return numeric(left, right, (a, b) => a / b);
    case '%':
      return numeric(left, right, (a, b) => a % b);
    case '||':
      return typeof left === 'string' && typeof right === 'string' ? left + right : undefined;
    case '??':
      return left === undefined ? right : left;
  }
}

/** Turns an expression into a function. Throws 400 for a parameter that was not given. */
export function compile(expression: Expression, context: Context): Evaluator {
  const inner = (child: Expression): Evaluator => compile(child, context);
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      return () => value;
    }
    case 'parameter': {
      if (!context.parameters.has(expression.name))
        throw badRequest(`The parameter '${expression.name}' was not given.`);
      const value = context.parameters.get(expression.name);
      return () => value;
    }
    case 'path': {
      const { steps } = expression;
      const [first] = steps;
      if (steps.length === 1) return (document) => member(document, first);
      return (document) => valueAt(document, steps);
    }
    case 'member': {
      const of = inner(expression.of);
      const key = inner(expression.key);
      return (document, aggregates) => member(of(document, aggregates), key(document, aggregates));
    }
    case 'unary': {
      const operand = inner(expression.operand);
      if (expression.operator === 'NOT')
        return (document, aggregates) => negate(operand(document, aggregates));
      const sign = expression.operator === '-' ? -1 : 1;
      return (document, aggregates) => numeric(operand(document, aggregates), sign, (a, b) => a * b);
    }
    case 'binary': {
      const { operator } = expression;
      const left = inner(expression.left);
      const right = inner(expression.right);
      return (document, aggregates) =>
        operate(operator, left(document, aggregates), right(document, aggregates));
    }
    case 'in': {
      const operand = inner(expression.operand);
      const list = expression.list.map(inner);
      const { negated } = expression;
      return (document, aggregates) => {
        const value = operand(document, aggregates);
        let found: Value = false;
        for (const item of list) found = or(found, equals(value, item(document, aggregates)));
        return negated ? negate(found) : found;
      };
    }
    case 'between': {
      const operand = inner(expression.operand);
      const low = inner(expression.low);
      const high = inner(expression.high);
      const { negated } = expression;
      return (document, aggregates) => {
        const value = operand(document, aggregates);
        const within = and(
          operate('>=', value, low(document, aggregates)),
          operate('<=', value, high(document, aggregates)),
        );
        return negated ? negate(within) : within;
      };
    }
    case 'conditional': {
      const test = inner(expression.test);
      const yes = inner(expression.yes);
      const no = inner(expression.no);
      return (document, aggregates) =>
        test(document, aggregates) === true ? yes(document, aggregates) : no(document, aggregates);
    }
    case 'call': {
      const known = FUNCTIONS[expression.name];
      const parameters = expression.parameters.map(inner);
      return (document, aggregates) =>
        known?.apply(
          parameters.map((parameter) => parameter(document, aggregates)),
          context.now,
        );
    }
    case 'aggregate':
      return (_, aggregates) => aggregates?.get(expression);
    case 'array': {
      const items = expression.items.map(inner);
      return (document, aggregates) =>
        items.map((item) => item(document, aggregates)).filter((item): item is Json => item !== undefined);
    }
    case 'object': {
      const entries = expression.entries.map(({ name, value }) => ({ name, value: inner(value) }));
      return (document, aggregates) => makeObject(entries, document, aggregates);
    }
  }
}

/** An object of what is defined: a property without value is left out. */
export function makeObject(
  entries: readonly { name: string; value: Evaluator }[],
  document: JsonObject,
  aggregates?: ReadonlyMap<Expression, Value>,
): JsonObject {
  const made: JsonObject = {};
  for (const { name, value } of entries) {
    const result = value(document, aggregates);
    if (result !== undefined)
      Object.defineProperty(made, name, {
        value: result,
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return made;
}

/** Collects one aggregate over many documents. SUM and AVG over anything but numbers are undefined. */
export class Accumulator {
  readonly #expression: Expression & { kind: 'aggregate' };
  readonly #operand: Evaluator;
  #count = 0;
  #sum = 0;
  #numeric = true;
  #extreme: Value;

  constructor(expression: Expression & { kind: 'aggregate' }, context: Context) {
    this.#expression = expression;
    this.#operand = compile(expression.operand, context);
  }

  add(document: JsonObject): void {
    const value = this.#operand(document);
    if (value === undefined) return;
    this.#count++;
    switch (this.#expression.name) {
      case 'COUNT':
        break;
      case 'SUM':
      case 'AVG':
        if (typeof value === 'number') this.#sum += value;
        else this.#numeric = false;
        break;
      case 'MIN':
      case 'MAX': {
        const order = this.#extreme === undefined ? 0 : compareValues(value, this.#extreme);
        const better = this.#expression.name === 'MIN' ? order < 0 : order > 0;
        if (this.#extreme === undefined || better) this.#extreme = value;
        break;
      }
    }
  }

  get result(): Value {
    switch (this.#expression.name) {
      case 'COUNT':
        return this.#count;
      case 'SUM':
        return this.#numeric ? this.#sum : undefined;
      case 'AVG':
        return this.#numeric && this.#count > 0 ? this.#sum / this.#count : undefined;
      case 'MIN':
      case 'MAX':
        return typeof this.#extreme === 'object' && this.#extreme !== null ? undefined : this.#extreme;
    }
  }
}

/** The group a document belongs to. */
export function groupKey(groupBy: readonly Evaluator[], document: JsonObject): string {
  return groupBy.map((item) => canonical(item(document))).join('\u0000');
}
