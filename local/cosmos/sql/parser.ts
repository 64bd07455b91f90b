// A query's clauses. What the subset lacks is refused by its name and place.
import { aggregatesIn, isGrouped, type Expression, type OrderItem, type Query, type Select } from './ast.js';
import { ExpressionParser } from './expressions.js';

class Parser extends ExpressionParser {
  /** `FROM c [WHERE …]`, as in the condition of a patch; or a whole query. */
  parse(conditionOnly: boolean): Query {
    // The alias is needed to read the select list, which comes before it.
    this.alias = this.#findAlias();
    let distinct = false;
    let top: Expression | undefined;
    let select: Select = { kind: 'all' };
    if (!conditionOnly) {
      this.expect('SELECT');
      distinct = this.accept('DISTINCT');
      top = this.accept('TOP') ? this.primary() : undefined;
      select = this.#select();
    }
    const from = { start: this.token.start, end: this.token.end };
    this.expect('FROM');
    this.name('a container');
    if (this.is('.') || this.is('[')) this.fail('the embedded cloud has no FROM over a property');
    if (this.accept('AS') || this.isName()) this.name('an alias');
    if (this.is('IN')) this.fail('the embedded cloud has no FROM … IN');
    from.end = this.end;
    const where = this.accept('WHERE') ? this.expression() : undefined;
    if (where && aggregatesIn(where).length > 0) this.fail('an aggregate cannot stand in WHERE');
    const groupBy = !conditionOnly && this.accept('GROUP') ? this.#groupBy() : [];
    const orderBy = !conditionOnly && this.accept('ORDER') ? this.#orderBy() : [];
    let offset: Expression | undefined;
    let limit: Expression | undefined;
    if (!conditionOnly && this.accept('OFFSET')) {
      offset = this.primary();
      this.expect('LIMIT');
      limit = this.primary();
    }
    if (this.token.kind !== 'end') this.unexpected('the end of the query');
    const query: Query = {
      source: this.source,
      alias: this.alias,
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
    if (groupBy.some((item) => aggregatesIn(item).length > 0))
      this.fail('an aggregate cannot stand in GROUP BY');
    if (top && limit) this.fail('TOP cannot be combined with OFFSET LIMIT');
    if (isGrouped(query) && orderBy.length > 0)
      this.fail('ORDER BY cannot be combined with GROUP BY or an aggregate');
    if (isGrouped(query) && select.kind === 'all') this.fail("'SELECT *' cannot be combined with GROUP BY");
    return query;
  }

  #findAlias(): string {
    let depth = 0;
    for (const [at, token] of this.tokens.entries()) {
      const word = this.word(token);
      if (['(', '[', '{'].includes(word)) depth++;
      else if ([')', ']', '}'].includes(word)) depth--;
      else if (word === 'FROM' && depth === 0 && this.tokens[at - 1]?.text !== '.') {
        const next = this.tokens[at + 2];
        const after = next && this.word(next) === 'AS' ? this.tokens[at + 3] : next;
        return (this.isName(after) ? after : this.tokens[at + 1])?.text ?? '';
      }
    }
    return '';
  }

  #select(): Select {
    if (this.accept('*')) return { kind: 'all' };
    if (this.accept('VALUE')) return { kind: 'value', expression: this.expression() };
    const items: { name: string; expression: Expression }[] = [];
    let unnamed = 0;
    do {
      const expression = this.expression();
      let name = this.accept('AS') ? this.name('an alias') : undefined;
      if (name === undefined && this.isName()) name = this.name('an alias');
      if (name === undefined && expression.kind === 'path') {
        const last = expression.steps.at(-1) ?? this.alias;
        name = typeof last === 'string' ? last : undefined;
      }
      name ??= `$${++unnamed}`;
      if (items.some((item) => item.name === name))
        this.fail(`the name '${name}' is used twice in the select list`, {
          ...this.token,
          start: expression.start,
        });
      items.push({ name, expression });
    } while (this.accept(','));
    return { kind: 'list', items };
  }

  #groupBy(): Expression[] {
    this.expect('BY');
    const items: Expression[] = [];
    do items.push(this.expression());
    while (this.accept(','));
    return items;
  }

  #orderBy(): OrderItem[] {
    this.expect('BY');
    const items: OrderItem[] = [];
    do {
      const token = this.token;
      const expression = this.expression();
      if (expression.kind !== 'path' || expression.steps.length === 0)
        this.fail(
          'Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.',
          token,
        );
      const descending = this.accept('DESC');
      if (!descending) this.accept('ASC');
      items.push({ path: expression.steps, descending, expression });
    } while (this.accept(','));
    return items;
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
