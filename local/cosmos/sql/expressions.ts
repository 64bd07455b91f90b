// Expressions, by recursive descent.
import { aggregatesIn, type AggregateName, type BinaryOperator, type Expression } from './ast.js';
import { Cursor } from './cursor.js';
import { FUNCTIONS } from './functions.js';
import type { Token } from './tokens.js';

/** Deepest nesting, and most operators of a query: they bound the stack of a hostile one. */
const MAX_DEPTH = 200;
const MAX_OPERATORS = 2000;
const AGGREGATES = new Set(['COUNT', 'SUM', 'MIN', 'MAX', 'AVG']);

/** Binary operators from the loosest to the tightest. */
const LEVELS: readonly (readonly string[])[] = [
  ['??'],
  ['OR'],
  ['AND'],
  ['=', '!=', '<>', '<', '<=', '>', '>=', 'IN', 'BETWEEN', 'NOT'],
  ['||'],
  ['+', '-'],
  ['*', '/', '%'],
];
const COMPARISON_LEVEL = 3;

export class ExpressionParser extends Cursor {
  /** The name of the document. */
  protected alias = '';
  #depth = 0;
  #operators = 0;

  #deeper(): void {
    if (++this.#depth > MAX_DEPTH) this.fail('the query is nested too deeply');
  }

  #countOperator(): void {
    if (++this.#operators > MAX_OPERATORS) this.fail(`the query has more than ${MAX_OPERATORS} operators`);
  }

  protected expression(): Expression {
    this.#deeper();
    const start = this.token.start;
    let expression = this.#binary(0);
    if (this.accept('?')) {
      const yes = this.expression();
      this.expect(':');
      const no = this.expression();
      expression = { kind: 'conditional', test: expression, yes, no, start, end: no.end };
    }
    this.#depth--;
    return expression;
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    const start = this.token.start;
    let left = this.#binary(level + 1);
    for (let operator = this.word(); operators.includes(operator); operator = this.word()) {
      this.#countOperator();
      this.at++;
      if (level === COMPARISON_LEVEL && ['IN', 'BETWEEN', 'NOT'].includes(operator)) {
        left = this.#inOrBetween(left, operator, start);
        continue;
      }
      const right = this.#binary(level + 1);
      const name = (operator === '<>' ? '!=' : operator) as BinaryOperator;
      left = { kind: 'binary', operator: name, left, right, start, end: right.end };
    }
    return left;
  }

  #inOrBetween(operand: Expression, first: string, start: number): Expression {
    const negated = first === 'NOT';
    const operator = negated ? this.word() : first;
    if (negated && operator !== 'IN' && operator !== 'BETWEEN') this.unexpected("'IN' or 'BETWEEN'");
    if (negated) this.at++;
    if (operator === 'BETWEEN') {
      const low = this.#binary(COMPARISON_LEVEL + 1);
      this.expect('AND');
      const high = this.#binary(COMPARISON_LEVEL + 1);
      return { kind: 'between', operand, low, high, negated, start, end: high.end };
    }
    this.expect('(');
    const list = this.#list(')');
    return { kind: 'in', operand, list, negated, start, end: this.end };
  }

  #unary(): Expression {
    const { start } = this.token;
    const operator = this.word();
    if (operator === 'NOT' || operator === '-' || operator === '+') {
      this.at++;
      this.#deeper();
      // NOT binds looser than a comparison: NOT a = b is NOT (a = b).
      const operand = operator === 'NOT' ? this.#binary(COMPARISON_LEVEL) : this.#unary();
      this.#depth--;
      return { kind: 'unary', operator, operand, start, end: operand.end };
    }
    return this.#postfix();
  }

  #postfix(): Expression {
    let expression = this.primary();
    for (;;) {
      let key: Expression;
      const { start } = this.token;
      if (this.accept('.')) {
        const token = this.token;
        if (token.kind !== 'name') this.unexpected('a property name');
        this.at++;
        key = { kind: 'literal', value: token.text, start, end: token.end };
      } else if (this.accept('[')) {
        key = this.expression();
        this.expect(']');
      } else return expression;
      this.#countOperator();
      const span = { start: expression.start, end: this.end };
      const step = key.kind === 'literal' ? key.value : undefined;
      expression =
        expression.kind === 'path' && (typeof step === 'string' || typeof step === 'number')
          ? { kind: 'path', steps: [...expression.steps, step], ...span }
          : { kind: 'member', of: expression, key, ...span };
    }
  }

  #list(close: string): Expression[] {
    const items: Expression[] = [];
    if (this.accept(close)) return items;
    do items.push(this.expression());
    while (this.accept(','));
    this.expect(close);
    return items;
  }

  protected primary(): Expression {
    const token = this.token;
    const { start, end } = token;
    const word = this.word();
    this.at++;
    const closed = (): { start: number; end: number } => ({ start, end: this.end });
    if (token.kind === 'number') return { kind: 'literal', value: Number(token.text), start, end };
    if (token.kind === 'string') return { kind: 'literal', value: token.value, start, end };
    if (token.kind === 'parameter') return { kind: 'parameter', name: token.text, start, end };
    if (word === '(') {
      if (this.is('SELECT')) this.fail('the embedded cloud has no subqueries');
      const inner = this.expression();
      this.expect(')');
      return { ...inner, ...closed() };
    }
    if (word === '[') return { kind: 'array', items: this.#list(']'), ...closed() };
    if (word === '{') {
      const entries = this.#entries();
      return { kind: 'object', entries, ...closed() };
    }
    if (word === 'TRUE' || word === 'FALSE') return { kind: 'literal', value: word === 'TRUE', start, end };
    if (word === 'NULL') return { kind: 'literal', value: null, start, end };
    if (word === 'UNDEFINED') return { kind: 'literal', value: undefined, start, end };
    if (token.kind === 'name' && this.is('(')) return this.#call(token, word);
    if (token.kind === 'name' && token.text === this.alias) return { kind: 'path', steps: [], start, end };
    this.at--;
    if (this.isName()) this.fail(`Identifier '${token.text}' could not be resolved.`);
    return this.unexpected('an expression');
  }

  #entries(): { name: string; value: Expression }[] {
    const entries: { name: string; value: Expression }[] = [];
    if (this.accept('}')) return entries;
    do {
      const token = this.token;
      if (token.kind !== 'string' && token.kind !== 'name') this.unexpected('a property name');
      this.at++;
      this.expect(':');
      entries.push({ name: token.value, value: this.expression() });
    } while (this.accept(','));
    this.expect('}');
    return entries;
  }

  #call(token: Token, name: string): Expression {
    this.expect('(');
    if (this.is('SELECT')) this.fail('the embedded cloud has no subqueries');
    const parameters = this.#list(')');
    const span = { start: token.start, end: this.end };
    if (AGGREGATES.has(name)) {
      const [operand] = parameters;
      if (!operand || parameters.length > 1) this.fail(`${name} takes one argument`, token);
      if (aggregatesIn(operand).length > 0) this.fail(`an aggregate cannot stand inside ${name}`, token);
      return { kind: 'aggregate', name: name as AggregateName, operand, ...span };
    }
    const known = FUNCTIONS[name];
    if (!known || !Object.hasOwn(FUNCTIONS, name))
      this.fail(`'${token.text}' is not a recognized built-in function name of the embedded cloud`, token);
    if (parameters.length < known.min || parameters.length > known.max)
      this.fail(
        `${name} takes ${known.min === known.max ? known.min : `${known.min} to ${known.max}`} arguments`,
        token,
      );
    return { kind: 'call', name, parameters, ...span };
  }
}
