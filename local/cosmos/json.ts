// JSON values as the database sees them: `undefined` is a value of its own, and all values have one total order.

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}
/** What an expression yields: JSON, or undefined where a property is missing or an operator does not apply. */
export type Value = Json | undefined;

/** Deepest nesting of an item. Source: "Azure Cosmos DB service quotas", maximum level of nesting. */
export const MAX_NESTING = 128;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property or array element; undefined for anything else, inherited names included. */
export function member(of: Value, key: Value): Value {
  if (typeof of !== 'object' || of === null) return undefined;
  if (Array.isArray(of)) return typeof key === 'number' ? of[key] : undefined;
  return typeof key === 'string' && Object.hasOwn(of, key) ? of[key] : undefined;
}

export type Path = readonly (string | number)[];

export function valueAt(of: Value, path: Path): Value {
  let value = of;
  for (const step of path) value = member(value, step);
  return value;
}

/** Order of types in an index: undefined, null, boolean, number, string, array, object. */
export function typeRank(value: Value): number {
  if (value === undefined) return 0;
  if (value === null) return 1;
  if (typeof value === 'boolean') return 2;
  if (typeof value === 'number') return 3;
  if (typeof value === 'string') return 4;
  return Array.isArray(value) ? 5 : 6;
}

/** The total order of ORDER BY and of the indexes: by type, then by value. */
export function compareValues(a: Value, b: Value): number {
  const rank = typeRank(a) - typeRank(b);
  if (rank !== 0) return rank;
  if (a === undefined || b === undefined || a === null || b === null) return 0;
  if (typeof a === 'object' || typeof b === 'object') {
    const left = canonical(a);
    const right = canonical(b);
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Deep equality; the order of an object's properties does not matter. */
export function equalValues(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return canonical(a) === canonical(b);
}

/** One string per value, the same for equal values: a key for DISTINCT, GROUP BY and unique keys. */
export function canonical(value: Value): string {
  if (value === undefined) return '';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

/** Whether a value stays within `levels` of nesting; never recurses deeper than that. */
export function isWithinNesting(value: Json, levels = MAX_NESTING): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  return Object.values(value).every((child) => isWithinNesting(child, levels - 1));
}

/** A property that is text; empty otherwise. */
export function textAt(of: JsonObject, name: string): string {
  const value = of[name];
  return typeof value === 'string' ? value : '';
}
