// The query engine against a naive evaluation: random documents, random queries, every page size.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.js';
import type { Container } from '../../../../local/cosmos/container.js';
import { Engine } from '../../../../local/cosmos/engine.js';
import type { ItemScope } from '../../../../local/cosmos/scope.js';
import type { Json, JsonObject, Value } from '../../../../local/cosmos/json.js';

const FIELDS = ['a', 'b', 'c'] as const;
type Field = (typeof FIELDS)[number];

/** Few values, so that equal ones meet; all types that can be compared, and missing properties. */
const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('', 'a', 'ab', 'b', 'é'),
  fc.boolean(),
  fc.constant(null),
);
const document = fc.record(
  { a: scalar, b: scalar, c: fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })) },
  { requiredKeys: [] },
);

interface Condition {
  sql: string;
  test(document: JsonObject): Value;
}

const rank = (value: Value): number =>
  value === undefined
    ? 0
    : value === null
      ? 1
      : { boolean: 2, number: 3, string: 4, object: 5 }[typeof value as 'string'];

const compare = (x: Value, y: Value): number => {
  if (rank(x) !== rank(y)) return rank(x) - rank(y);
  if (Array.isArray(x) || Array.isArray(y))
    return JSON.stringify(x) < JSON.stringify(y) ? -1 : JSON.stringify(x) > JSON.stringify(y) ? 1 : 0;
  return x === y ? 0 : (x as string) < (y as string) ? -1 : 1;
};

const relation = (operator: string, x: Value, y: Value): Value => {
  if (x === undefined || y === undefined) return undefined;
  const same = JSON.stringify(x) === JSON.stringify(y);
  if (operator === '=') return same;
  if (operator === '!=') return !same;
  if (rank(x) !== rank(y) || x === null || typeof x === 'object')
    return x === null && y === null ? operator.includes('=') : undefined;
  const order = compare(x, y);
  return { '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[operator];
};

const FLIPPED: Record<string, string> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

const literal = (value: Json): string => JSON.stringify(value);

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...FIELDS), fc.constantFrom('=', '!=', '<', '<=', '>', '>='), scalar, fc.boolean())
    .map(([field, operator, value, turned]): Condition => {
      const flipped = FLIPPED[operator] ?? operator;
      return {
        sql: turned ? `${literal(value)} ${flipped} d.${field}` : `d.${field} ${operator} ${literal(value)}`,
        test: (doc) => relation(operator, doc[field], value),
      };
    }),
  fc
    .tuple(fc.constantFrom(...FIELDS), fc.array(scalar, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([field, values, negated]): Condition => ({
      sql: `d.${field} ${negated ? 'NOT ' : ''}IN (${values.map(literal).join(', ')})`,
      test: (doc) => {
        if (doc[field] === undefined) return undefined;
        const found = values.some((value) => relation('=', doc[field], value) === true);
        return found !== negated;
      },
    })),
  fc
    .tuple(fc.constantFrom(...FIELDS), fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 }))
    .map(([field, low, high]): Condition => ({
      sql: `d.${field} BETWEEN ${low} AND ${high}`,
      test: (doc) => {
        const value = doc[field];
        return typeof value === 'number' ? value >= low && value <= high : undefined;
      },
    })),
  fc
    .constantFrom(...FIELDS)
    .map((field): Condition => ({ sql: `IS_DEFINED(d.${field})`, test: (doc) => doc[field] !== undefined })),
  fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom('', 'a', 'ab')).map(([field, start]): Condition => ({
    sql: `STARTSWITH(d.${field}, ${literal(start)})`,
    test: (doc) => (typeof doc[field] === 'string' ? doc[field].startsWith(start) : undefined),
  })),
  scalar.map((value): Condition => ({
    sql: `ARRAY_CONTAINS(d.c, ${literal(value)})`,
    test: (doc) => (Array.isArray(doc['c']) ? doc['c'].includes(value) : undefined),
  })),
);

const condition: fc.Arbitrary<Condition> = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc
      .tuple(tie('tree'), tie('tree'), fc.constantFrom('AND', 'AND', 'OR'))
      .map(([left, right, operator]): Condition => ({
        sql: `(${left.sql} ${operator} ${right.sql})`,
        test: (doc) => {
          const values = [left.test(doc), right.test(doc)];
          const decisive = operator === 'OR';
          if (values.includes(decisive)) return decisive;
          return values.includes(undefined) ? undefined : !decisive;
        },
      })),
    tie('tree').map((inner): Condition => ({
      sql: `NOT (${inner.sql})`,
      test: (doc) => {
        const value = inner.test(doc);
        return value === undefined ? undefined : !value;
      },
    })),
  ),
})).tree;

const orderBy = fc.uniqueArray(fc.tuple(fc.constantFrom<Field>('a', 'b'), fc.boolean()), {
  maxLength: 2,
  selector: ([field]) => field,
});

/** Every order over a and b has its composite index. */
const COMPOSITES = [
  ['a', 'b'],
  ['b', 'a'],
].flatMap(([first, second]) =>
  ['ascending', 'descending'].map((order) => [
    { path: `/${first}`, order: 'ascending' },
    { path: `/${second}`, order },
  ]),
);

function containerOf(documents: readonly JsonObject[]): { container: Container; stored: JsonObject[] } {
  const engine = new Engine({ clock: new VirtualClock(), random: () => 0.5 });
  engine.createDatabase({ id: 'db' });
  const container = engine.createContainer('db', {
    id: 'c',
    partitionKey: { paths: ['/pk', '/sub'], kind: 'MultiHash' },
    indexingPolicy: { compositeIndexes: COMPOSITES },
  });
  const stored = documents.map((doc, at) => {
    const key = ['p', at % 2 === 0 ? 'even' : 'odd'];
    const { item } = container.execute(key, {
      kind: 'create',
      body: { ...doc, id: `${at}`, pk: key[0]!, sub: key[1]! },
    });
    return item!.body;
  });
  return { container, stored };
}

/** All rows, page by page. */
function run(container: Container, text: string, pageSize: number, scope: ItemScope): Json[] {
  const rows: Json[] = [];
  let continuation: string | undefined;
  do {
    const page = container.query({ text, scope, continuation, pageSize });
    expect(page.rows.length).toBeLessThanOrEqual(pageSize);
    rows.push(...page.rows);
    ({ continuation } = page);
  } while (continuation !== undefined);
  return rows;
}

const PREFIX: ItemScope = { kind: 'key', key: ['p'] };
const EVEN: ItemScope = { kind: 'key', key: ['p', 'even'] };

/** Enough documents for real indexes in half of the runs, and few enough for sorting in the other. */
const documents = fc.oneof(
  fc.array(document, { minLength: 130, maxLength: 160 }),
  fc.array(document, { maxLength: 40 }),
) as fc.Arbitrary<JsonObject[]>;

describe('a query in one partition', () => {
  it('gives what a naive evaluation gives, in its order, whatever the page size', () => {
    fc.assert(
      fc.property(
        documents,
        fc.array(fc.tuple(condition, orderBy), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        (docs, queries, pageSize, whole) => {
          const { container, stored } = containerOf(docs);
          const inScope = whole ? stored : stored.filter((doc) => doc['sub'] === 'even');
          for (const [where, order] of queries) {
            const clause = order
              .map(([field, descending]) => `d.${field} ${descending ? 'DESC' : 'ASC'}`)
              .join(', ');
            const text = `SELECT VALUE d.id FROM d WHERE ${where.sql}${clause && ` ORDER BY ${clause}`}`;
            const rows = run(container, text, pageSize, whole ? PREFIX : EVEN);
            const matching = inScope.filter((doc) => where.test(doc) === true);
            const byId = new Map(inScope.map((doc) => [doc['id'], doc]));
            expect({ text, rows: new Set(rows) }).toEqual({
              text,
              rows: new Set(matching.map((doc) => doc['id'])),
            });
            expect(rows).toHaveLength(matching.length);
            const keys = rows.map((id) => order.map(([field]) => byId.get(id)?.[field]));
            keys.slice(1).forEach((key, at) => {
              const steps = order.map(
                ([, descending], column) => compare(keys[at]![column], key[column]) * (descending ? -1 : 1),
              );
              expect(steps.find((step) => step !== 0) ?? 0).toBeLessThanOrEqual(0);
            });
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('skips and limits as slicing the whole answer would', () => {
    fc.assert(
      fc.property(
        documents,
        condition,
        orderBy,
        fc.nat(20),
        fc.nat(20),
        fc.integer({ min: 1, max: 30 }),
        (docs, where, order, offset, limit, pageSize) => {
          const { container } = containerOf(docs);
          const clause = order
            .map(([field, descending]) => `d.${field} ${descending ? 'DESC' : 'ASC'}`)
            .join(', ');
          const rest = `FROM d WHERE ${where.sql}${clause && ` ORDER BY ${clause}`}`;
          const all = run(container, `SELECT VALUE d.id ${rest}`, 1000, EVEN);
          expect(
            run(container, `SELECT VALUE d.id ${rest} OFFSET ${offset} LIMIT ${limit}`, pageSize, EVEN),
          ).toEqual(all.slice(offset, offset + limit));
          expect(run(container, `SELECT TOP ${limit} VALUE d.id ${rest}`, pageSize, EVEN)).toEqual(
            all.slice(0, limit),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('groups and aggregates as a loop would', () => {
    fc.assert(
      fc.property(documents, condition, fc.integer({ min: 1, max: 5 }), (docs, where, pageSize) => {
        const { container, stored } = containerOf(docs);
        const matching = stored.filter((doc) => where.test(doc) === true);
        const groups = new Map<string, JsonObject[]>();
        for (const doc of matching) {
          const key = doc['a'] === undefined ? 'none' : JSON.stringify(doc['a']);
          groups.set(key, [...(groups.get(key) ?? []), doc]);
        }
        const expected = [...groups.values()].map((members) => {
          const values = members.map((doc) => doc['b']).filter((value) => value !== undefined);
          const numbers = values.filter((value) => typeof value === 'number');
          const numeric = numbers.length === values.length;
          const sum = numbers.reduce((total, value) => total + value, 0);
          const sorted = values.toSorted(compare);
          return {
            ...(members[0]!['a'] === undefined ? {} : { a: members[0]!['a'] }),
            n: values.length,
            ...(numeric ? { sum } : {}),
            ...(numeric && values.length > 0 ? { avg: sum / values.length } : {}),
            ...(values.length > 0 ? { min: sorted[0], max: sorted.at(-1) } : {}),
          };
        });
        const text =
          'SELECT d.a, COUNT(d.b) AS n, SUM(d.b) AS sum, AVG(d.b) AS avg, MIN(d.b) AS min, MAX(d.b) AS max ' +
          `FROM d WHERE ${where.sql} GROUP BY d.a`;
        const rows = run(container, text, pageSize, PREFIX);
        const sortRows = (list: unknown[]): string[] => list.map((row) => JSON.stringify(row)).sort();
        expect({ text, rows: sortRows(rows) }).toEqual({ text, rows: sortRows(expected) });
        const distinct = run(container, `SELECT DISTINCT d.a FROM d WHERE ${where.sql}`, pageSize, PREFIX);
        expect(distinct.length).toBe(groups.size);
      }),
      { numRuns: 60 },
    );
  });

  it('neither repeats nor loses what does not change while it is paged through', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(79), fc.constantFrom('insert', 'delete', 'move')), { maxLength: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (writes, pageSize, descending) => {
          const { container, stored } = containerOf(
            Array.from({ length: 160 }, (_, at) => ({ a: at % 7, n: at })),
          );
          const touched = new Set<Json>();
          const rows: Json[] = [];
          let continuation: string | undefined;
          const text = `SELECT VALUE d.id FROM d ORDER BY d.a ${descending ? 'DESC' : 'ASC'}`;
          const pending = [...writes];
          do {
            const page = container.query({ text, scope: EVEN, continuation, pageSize });
            rows.push(...page.rows);
            ({ continuation } = page);
            const [at, kind] = pending.pop() ?? [0, undefined];
            const id = `${at * 2}`;
            const key = ['p', 'even'];
            if (kind === 'insert')
              container.execute(key, {
                kind: 'upsert',
                body: { id: `new${at}`, pk: 'p', sub: 'even', a: at % 7 },
              });
            else if (kind && !touched.has(id)) {
              touched.add(id);
              if (kind === 'delete') container.execute(key, { kind: 'delete', id });
              else
                container.execute(key, {
                  kind: 'patch',
                  id,
                  body: [{ op: 'set', path: '/a', value: (at + 3) % 7 }],
                });
            }
          } while (continuation !== undefined);
          const untouched = stored
            .filter((doc) => doc['sub'] === 'even' && !touched.has(doc['id']!))
            .map((doc) => doc['id']);
          for (const id of untouched) expect(rows.filter((row) => row === id)).toHaveLength(1);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('an index', () => {
  it('answers a query over 10,000 documents of one partition by looking at its matches only', () => {
    const { container } = containerOf(
      Array.from({ length: 20_000 }, (_, at) => ({ a: at % 1000, b: at, c: `s${at % 50}` })),
    );
    const loaded = (text: string, pageSize = 10): number =>
      container.query({ text, scope: EVEN, pageSize }).loaded;
    expect(loaded('SELECT * FROM d WHERE d.a = 4', 1000)).toBe(20);
    expect(loaded('SELECT * FROM d WHERE d.a = 4 AND d.b > 15000', 1000)).toBe(5);
    expect(loaded('SELECT * FROM d WHERE d.a IN (4, 6)', 1000)).toBe(40);
    expect(loaded('SELECT TOP 10 * FROM d ORDER BY d.b DESC')).toBe(10);
    expect(loaded('SELECT * FROM d ORDER BY d.a ASC, d.b DESC')).toBeLessThanOrEqual(11);
    expect(loaded("SELECT * FROM d WHERE d.c = 's2' ORDER BY d.b DESC OFFSET 5 LIMIT 10")).toBe(15);
    expect(loaded("SELECT * FROM d WHERE STARTSWITH(d.c, 's48')", 1000)).toBe(400);
    expect(loaded('SELECT * FROM d WHERE d.b BETWEEN 100 AND 120', 1000)).toBe(11);
  });
});
