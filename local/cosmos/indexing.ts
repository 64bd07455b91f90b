// What a container's indexing policy means for queries: which ORDER BY the service would refuse.
import { badRequest } from './errors.js';
import { isObject, member, type Json, type JsonObject, type Path, type Value } from './json.js';
import { parsePath } from './partitionKey.js';
import type { OrderItem } from './sql/ast.js';

interface PathRule {
  steps: string[];
  /** How many steps it names: the most precise rule decides. */
  precision: number;
  included: boolean;
}

export interface IndexingPolicy {
  /** The policy as clients see it, completed. */
  resource: JsonObject;
  indexed: boolean;
  rules: PathRule[];
  composites: { path: string[]; descending: boolean }[][];
}

const DEFAULT_POLICY: JsonObject = {
  indexingMode: 'consistent',
  automatic: true,
  includedPaths: [{ path: '/*' }],
  excludedPaths: [{ path: '/"_etag"/?' }],
};

function list(policy: JsonObject, name: string): Json[] {
  const value = policy[name];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw badRequest(`The indexing policy's ${name} must be an array.`);
  return value;
}

function rule(entry: Json, included: boolean): PathRule {
  const text = member(entry, 'path');
  if (typeof text !== 'string' || !/(\/\*|\/\?)$/.test(text))
    throw badRequest(
      `The indexing path ${JSON.stringify(text)} could not be accepted: it must end in /* or /?.`,
    );
  const stem = text.slice(0, -2);
  const steps = stem === '' ? [] : parsePath(stem);
  return { steps, precision: steps.length * 2 + (text.endsWith('/?') ? 1 : 0), included };
}

/** Reads an `indexingPolicy`; the service's default where there is none. Throws 400. */
export function parseIndexingPolicy(policy: Value): IndexingPolicy {
  if (policy !== undefined && !isObject(policy)) throw badRequest('The indexing policy must be an object.');
  const given = policy ?? {};
  const mode = given['indexingMode'] ?? 'consistent';
  const indexed = JSON.stringify(mode).toLowerCase() !== '"none"';
  const resource: JsonObject = { ...DEFAULT_POLICY, ...given };
  if (indexed && given['includedPaths'] === undefined)
    resource['includedPaths'] = DEFAULT_POLICY['includedPaths']!;
  const composites = list(resource, 'compositeIndexes').map((composite) => {
    if (!Array.isArray(composite) || composite.length < 2)
      throw badRequest('A composite index must have at least two paths.');
    return composite.map((column) => ({
      path: parsePath(member(column, 'path')),
      descending: /^"descending"$/i.test(JSON.stringify(member(column, 'order') ?? null)),
    }));
  });
  const rules = [
    ...list(resource, 'includedPaths').map((entry) => rule(entry, true)),
    ...list(resource, 'excludedPaths').map((entry) => rule(entry, false)),
  ];
  return { resource, indexed, rules, composites };
}

function isIncluded({ indexed, rules }: IndexingPolicy, path: Path): boolean {
  if (!indexed) return false;
  let best: PathRule | undefined;
  for (const candidate of rules) {
    const exact = candidate.precision % 2 === 1;
    if (exact ? candidate.steps.length !== path.length : candidate.steps.length > path.length) continue;
    if (!candidate.steps.every((step, at) => step === String(path[at]))) continue;
    if (!best || candidate.precision > best.precision) best = candidate;
  }
  return best?.included ?? false;
}

const same = (a: Path, b: Path): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Refuses (400) an ORDER BY that the policy's indexes cannot serve, as the service does. */
export function checkOrderBy(policy: IndexingPolicy, orderBy: readonly OrderItem[]): void {
  if (orderBy.length === 1 && orderBy[0] && !isIncluded(policy, orderBy[0].path))
    throw badRequest('The index path corresponding to the specified order-by item is excluded.');
  if (orderBy.length < 2) return;
  const served = policy.composites.some(
    (composite) =>
      composite.length === orderBy.length &&
      orderBy.every(({ path }, at) => same(composite[at]?.path ?? [], path)) &&
      // All directions as in the index, or all turned round.
      new Set(orderBy.map(({ descending }, at) => descending === composite[at]?.descending)).size === 1,
  );
  if (!served)
    throw badRequest(
      'The order by query does not have a corresponding composite index that it can be served from.',
    );
}
