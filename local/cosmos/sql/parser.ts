// A query's text to its tree, by recursive descent. What the subset lacks is refused by its name and place.
import {
  aggregatesIn,
  isGrouped,
  type AggregateName,
  type Expression,
  type OrderItem,
  type Query,
  type Select,
} from './ast.js';
import type { BinaryOperator } from './ast.js';
import { FUNCTIONS } from './functions.js';
import { syntaxError, tokenize, type Token } from './tokens.js';

/** Deepest nesting of expressions: bounds the stack of a hostile query. */
const MAX_DEPTH = 200;
const AGGREGATES = new Set(['COUNT', 'SUM', 'MIN', 'MAX', 'AVG']);
/** Words of the service's SQL that this one lacks. */
const UNSUPPORTED = [
  'JOIN',
  'EXISTS',
  'LIKE',
  'ARRAY',
  'ALL',
  'FIRST',
  'LAST',
  'UDF',
  'RANK',
  'ESCAPE',
  'HAVING',
];
const RESERVED = new Set(
  (
    'SELECT DISTINCT TOP VALUE FROM AS WHERE GROUP ORDER BY OFFSET LIMIT AND OR NOT IN BETWEEN ASC DESC ' +
    'TRUE FALSE NULL UNDEFINED'
  )
    .split(' ')
    .concat(UNSUPPORTED),
);

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

class Parser {
  readonly #source: string;
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;
  #alias = '';

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  #fail(message: string, token = this.#token): never {
    throw syntaxError(message, this.#source, token.start);
  }

  /** The token as a keyword or symbol, in upper case. */
  #word(token = this.#token): string {
    return token.kind === 'name' || token.kind === 'symbol' ? token.text.toUpperCase() : '';
  }

  #is(word: string): boolean {
    return this.#word() === word;
  }

  #accept(word: string): boolean {
    if (!this.#is(word)) return false;
    this.#at++;
    return true;
  }

  #expect(word: string): void {
    if (!this.#accept(word)) this.#unexpected(`'${word}'`);
  }

  #unexpected(wanted: string): never {
    const word = this.#word();
    if (UNSUPPORTED.includes(word)) this.#fail(`the embedded cloud has no ${word}`);
    this.#fail(`expected ${wanted} near '${this.#token.text}'`);
  }

  #name(wanted: string): string {
    const token = this.#token;
    if (token.kind !== 'name' || RESERVED.has(this.#word())) this.#unexpected(wanted);
    this.#at++;
    return token.text;
  }

  /** `FROM c [WHERE …]`, as in the condition of a patch; or a whole query. */
  parse(conditionOnly: boolean): Query {
    // The alias is needed to read the select list, which comes before it.
    this.#alias = this.#findAlias();
    let distinct = false;
    let top: Expression | undefined;
    let select: Select = { kind: 'all' };
    if (!conditionOnly) {
      this.#expect('SELECT');
      distinct = this.#accept('DISTINCT');
      top = this.#accept('TOP') ? this.#primary() : undefined;
      select = this.#select();
    }
    const from = { start: this.#token.start, end: this.#token.end };
    this.#expect('FROM');
    this.#name('a container');
    if (this.#is('.') || this.#is('[')) this.#fail('the embedded cloud has no FROM over a property');
    if (this.#accept('AS') || (this.#token.kind === 'name' && !RESERVED.has(this.#word())))
      this.#name('an alias');
    if (this.#is('IN')) this.#fail('the embedded cloud has no FROM … IN');
    from.end = this.#tokens[this.#at - 1]?.end ?? from.end;
    const where = this.#accept('WHERE') ? this.expression() : undefined;
    if (where && aggregatesIn(where).length > 0) this.#fail('an aggregate cannot stand in WHERE');
    const groupBy = !conditionOnly && this.#accept('GROUP') ? this.#groupBy() : [];
    const orderBy = !conditionOnly && this.#accept('ORDER') ? this.#orderBy() : [];
    let offset: Expression | undefined;
    let limit: Expression | undefined;
    if (!conditionOnly && this.#accept('OFFSET')) {
      offset = this.#primary();
      this.#expect('LIMIT');
      limit = this.#primary();
    }
    if (this.#token.kind !== 'end') this.#unexpected('the end of the query');
    const query: Query = {
      source: this.#source,
      alias: this.#alias,
      distinct,
      top,
      select,
      from,
      where,
      groupBy,
      orderBy,
      offset,
      limit,
    };
    if (top && limit) this.#fail('TOP cannot be combined with OFFSET LIMIT');
    if (isGrouped(query) && orderBy.length > 0)
      this.#fail('ORDER BY cannot be combined with GROUP BY or an aggregate');
    if (isGrouped(query) && select.kind === 'all') this.#fail("'SELECT *' cannot be combined with GROUP BY");
    return query;
  }

  #findAlias(): string {
    let depth = 0;
    for (const [at, token] of this.#tokens.entries()) {
      const word = this.#word(token);
      if (['(', '[', '{'].includes(word)) depth++;
      else if ([')', ']', '}'].includes(word)) depth--;
      else if (word === 'FROM' && depth === 0) {
        const next = this.#tokens[at + 2];
        const after = next && this.#word(next) === 'AS' ? this.#tokens[at + 3] : next;
        const aliased = after?.kind === 'name' && !RESERVED.has(this.#word(after));
        return (aliased ? after : this.#tokens[at + 1])?.text ?? '';
      }
    }
    return '';
  }

  #select(): Select {
    if (this.#accept('*')) return { kind: 'all' };
    if (this.#accept('VALUE')) return { kind: 'value', expression: this.expression() };
    const items: { name: string; expression: Expression }[] = [];
    let unnamed = 0;
    do {
      const expression = this.expression();
      let name = this.#accept('AS') ? this.#name('an alias') : undefined;
      if (name === undefined && this.#token.kind === 'name' && !RESERVED.has(this.#word()))
        name = this.#name('an alias');
      if (name === undefined && expression.kind === 'path') {
        const last = expression.steps.at(-1) ?? this.#alias;
        name = typeof last === 'string' ? last : undefined;
      }
      name ??= `$${++unnamed}`;
      if (items.some((item) => item.name === name))
        this.#fail(`the name '${name}' is used twice in the select list`, {
          ...this.#token,
          start: expression.start,
        });
      items.push({ name, expression });
    } while (this.#accept(','));
    return { kind: 'list', items };
  }

  #groupBy(): Expression[] {
    this.#expect('BY');
    const items: Expression[] = [];
    do items.push(this.expression());
    while (this.#accept(','));
    return items;
  }

  #orderBy(): OrderItem[] {
    this.#expect('BY');
    const items: OrderItem[] = [];
    do {
      const token = this.#token;
      const expression = this.expression();
      if (expression.kind !== 'path' || expression.steps.length === 0)
        this.#fail(
          'Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.',
          token,
        );
      const descending = this.#accept('DESC');
      if (!descending) this.#accept('ASC');
      items.push({ path: expression.steps, descending, expression });
    } while (this.#accept(','));
    return items;
  }

  expression(): Expression {
    if (++this.#depth > MAX_DEPTH) this.#fail('the query is nested too deeply');
    const start = this.#token.start;
    let expression = this.#binary(0);
    if (this.#accept('?')) {
      const yes = this.expression();
      this.#expect(':');
      const no = this.expression();
      expression = { kind: 'conditional', test: expression, yes, no, start, end: no.end };
    }
    this.#depth--;
    return expression;
  }

  #binary(level: number): Expression {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    const start = this.#token.start;
    let left = this.#binary(level + 1);
    for (let operator = this.#word(); operators.includes(operator); operator = this.#word()) {
      this.#at++;
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
    const operator = negated ? this.#word() : first;
    if (negated && operator !== 'IN' && operator !== 'BETWEEN') this.#unexpected("'IN' or 'BETWEEN'");
    if (negated) this.#at++;
    if (operator === 'BETWEEN') {
      const low = this.#binary(COMPARISON_LEVEL + 1);
      this.#expect('AND');
      const high = this.#binary(COMPARISON_LEVEL + 1);
      return { kind: 'between', operand, low, high, negated, start, end: high.end };
    }
    this.#expect('(');
    const list = this.#list(')');
    return { kind: 'in', operand, list, negated, start, end: this.#tokens[this.#at - 1]!.end };
  }

  #unary(): Expression {
    const { start } = this.#token;
    const operator = this.#word();
    if (operator === 'NOT' || operator === '-' || operator === '+') {
      this.#at++;
      if (++this.#depth > MAX_DEPTH) this.#fail('the query is nested too deeply');
      // NOT binds looser than a comparison: NOT a = b is NOT (a = b).
      const operand = operator === 'NOT' ? this.#binary(COMPARISON_LEVEL) : this.#unary();
      this.#depth--;
      return { kind: 'unary', operator, operand, start, end: operand.end };
    }
    return this.#postfix();
  }

  #postfix(): Expression {
    let expression = this.#primary();
    for (;;) {
      let key: Expression;
      const { start } = this.#token;
      if (this.#accept('.')) {
        const token = this.#token;
        if (token.kind !== 'name') this.#unexpected('a property name');
        this.#at++;
        key = { kind: 'literal', value: token.text, start, end: token.end };
      } else if (this.#accept('[')) {
        key = this.expression();
        this.#expect(']');
      } else return expression;
      const span = { start: expression.start, end: this.#tokens[this.#at - 1]!.end };
      const step = key.kind === 'literal' ? key.value : undefined;
      expression =
        expression.kind === 'path' && (typeof step === 'string' || typeof step === 'number')
          ? { kind: 'path', steps: [...expression.steps, step], ...span }
          : { kind: 'member', of: expression, key, ...span };
    }
  }

  #list(close: string): Expression[] {
    const items: Expression[] = [];
    if (this.#accept(close)) return items;
    do items.push(this.expression());
    while (this.#accept(','));
    this.#expect(close);
    return items;
  }

  #primary(): Expression {
    const token = this.#token;
    const { start, end } = token;
    const word = this.#word();
    this.#at++;
    const closed = (): { start: number; end: number } => ({ start, end: this.#tokens[this.#at - 1]!.end });
    if (token.kind === 'number') return { kind: 'literal', value: Number(token.text), start, end };
    if (token.kind === 'string') return { kind: 'literal', value: token.value, start, end };
    if (token.kind === 'parameter') return { kind: 'parameter', name: token.text, start, end };
    if (word === '(') {
      if (this.#is('SELECT')) this.#fail('the embedded cloud has no subqueries');
      const inner = this.expression();
      this.#expect(')');
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
    if (token.kind === 'name' && this.#is('(')) return this.#call(token, word);
    if (token.kind === 'name' && token.text === this.#alias) return { kind: 'path', steps: [], start, end };
    this.#at--;
    if (token.kind === 'name' && !RESERVED.has(word))
      this.#fail(`Identifier '${token.text}' could not be resolved.`);
    return this.#unexpected('an expression');
  }

  #entries(): { name: string; value: Expression }[] {
    const entries: { name: string; value: Expression }[] = [];
    if (this.#accept('}')) return entries;
    do {
      const token = this.#token;
      if (token.kind !== 'string' && token.kind !== 'name') this.#unexpected('a property name');
      this.#at++;
      this.#expect(':');
      entries.push({ name: token.value, value: this.expression() });
    } while (this.#accept(','));
    this.#expect('}');
    return entries;
  }

  #call(token: Token, name: string): Expression {
    if (UNSUPPORTED.includes(name)) this.#fail(`the embedded cloud has no ${name}`, token);
    this.#expect('(');
    if (this.#is('SELECT')) this.#fail('the embedded cloud has no subqueries');
    const parameters = this.#list(')');
    const span = { start: token.start, end: this.#tokens[this.#at - 1]!.end };
    if (AGGREGATES.has(name)) {
      const [operand] = parameters;
      if (!operand || parameters.length > 1) this.#fail(`${name} takes one argument`, token);
      if (aggregatesIn(operand).length > 0) this.#fail(`an aggregate cannot stand inside ${name}`, token);
      return { kind: 'aggregate', name: name as AggregateName, operand, ...span };
    }
    const known = FUNCTIONS[name];
    if (!known || !Object.hasOwn(FUNCTIONS, name))
      this.#fail(`'${token.text}' is not a recognized built-in function name of the embedded cloud`, token);
    if (parameters.length < known.min || parameters.length > known.max)
      this.#fail(
        `${name} takes ${known.min === known.max ? known.min : `${known.min} to ${known.max}`} arguments`,
        token,
      );
    return { kind: 'call', name, parameters, ...span };
  }
}

/** Parses a query. Throws 400 with line and column for what is wrong or not supported. */
export function parseQuery(source: string): Query {
  return new Parser(source).parse(false);
}

/** Parses the condition of a patch: `FROM c WHERE …`. */
export function parseCondition(source: string): Query {
  return new Parser(source).parse(true);
}
