// What a route gets and gives, and the headers both sides of the API share.
import type { IncomingHttpHeaders } from 'node:http';
import type { Engine } from './engine.js';
import { badRequest } from './errors.js';
import { isObject, type Json, type JsonObject, type Value } from './json.js';

export interface Call {
  engine: Engine;
  method: string;
  /** The decoded path: `['dbs', 'a', 'colls', 'b', …]`. */
  segments: readonly string[];
  headers: IncomingHttpHeaders;
  /** The parsed body; undefined without one. */
  body: Value;
  /** Scheme, host and port by which the client came. */
  origin: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: Json;
}

/** A header as text; undefined if absent. */
export function header(call: Call, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export const isSet = (call: Call, name: string): boolean => header(call, name)?.toLowerCase() === 'true';

/** `x-ms-max-item-count`; -1 leaves it to the service. Throws 400. */
export function pageSize(call: Call): number | undefined {
  const text = header(call, 'x-ms-max-item-count');
  if (text === undefined || text === '-1') return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw badRequest(`The page size '${text.slice(0, 20)}' is invalid.`);
  return Number(text);
}

/** Text and parameters of a query's body. Throws 400. */
export function queryBody(body: Value): { text: string; parameters: Map<string, Value> } {
  const text = isObject(body) ? body['query'] : undefined;
  const list = isObject(body) ? (body['parameters'] ?? []) : [];
  if (typeof text !== 'string' || !Array.isArray(list))
    throw badRequest('A query needs a body {"query": text, "parameters": [{"name", "value"}]}.');
  const parameters = new Map<string, Value>();
  for (const parameter of list) {
    const name = isObject(parameter) ? parameter['name'] : undefined;
    if (!isObject(parameter) || typeof name !== 'string') throw badRequest('A query parameter needs a name.');
    parameters.set(name, parameter['value']);
  }
  return { text, parameters };
}

/** The body of a feed: the list under its name, with its count. */
export function feed(rid: string, name: string, list: Json[]): JsonObject {
  return { _rid: rid, [name]: list, _count: list.length };
}
