/** The API's description in OpenAPI 3.1, derived from the route table: what it says is what the boundary checks. */
import { z } from 'zod';
import * as api from './contract/api.js';
import * as budget from './contract/budget.js';
import * as event from './contract/event.js';
import * as explanation from './contract/explanation.js';
import * as fleet from './contract/fleet.js';
import * as job from './contract/job.js';
import { ROLES, ROUTES } from './contract/routes.js';
import type { Access, RouteSpec } from './contract/routes.js';
import * as switches from './contract/switches.js';
import * as view from './contract/view.js';

type Json = Record<string, unknown>;

const REFERENCE = '#/components/schemas/';
const PEOPLE: readonly Access[] = ROLES;

/** Schemas that have a name of their own in the contract. */
function namedSchemas(): Map<z.ZodType, string> {
  const names = new Map<z.ZodType, string>();
  for (const module of [job, event, explanation, fleet, budget, switches, view, api])
    for (const [name, value] of Object.entries(module))
      if (value instanceof z.ZodType && name.endsWith('Schema') && !names.has(value))
        names.set(value, name.slice(0, -'Schema'.length));
  return names;
}

/** What an input must look like: before units are read and defaults filled in. */
const inputSchema = (schema: z.ZodType): Json => withoutDialect(z.toJSONSchema(schema, { io: 'input' }));

const withoutDialect = ({ $schema: _dialect, $id: _id, ...schema }: Json): Json => schema;

/** @param version of the product */
export function openApi(version: string): Json {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of namedSchemas()) registry.add(schema, { id });
  const routes: [string, RouteSpec][] = Object.entries(ROUTES);
  for (const [name, { result }] of routes)
    if (result !== 'events' && !registry.has(result)) registry.add(result, { id: `${name}Result` });
  const { schemas } = z.toJSONSchema(registry, {
    io: 'output',
    uri: (id) => REFERENCE + id,
    // A unit that was read has no schema of its own.
    unrepresentable: 'any',
  });

  const paths: Record<string, Json> = {};
  for (const [name, route] of routes) {
    const path = `/api/${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route, registry) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'gigafactory', version, license: { name: 'MIT', identifier: 'MIT' } },
    paths,
    components: {
      schemas: reachable(paths, schemas as Record<string, Json>),
      securitySchemes: {
        operator: { type: 'http', scheme: 'bearer', description: 'A token of the configured issuer.' },
        factory: { type: 'http', scheme: 'bearer', description: 'The token that enrolment gave.' },
      },
    },
  };
}

/** The schemas that the routes answer with and what those are made of: how documents are stored is nobody's business. */
function reachable(paths: Json, schemas: Readonly<Record<string, Json>>): Record<string, Json> {
  const found = new Set<string>();
  const follow = (from: unknown): void => {
    for (const [, id = ''] of JSON.stringify(from).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (found.has(id)) continue;
      found.add(id);
      follow(schemas[id]);
    }
  };
  follow(paths);
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([id]) => found.has(id))
      .map(([id, schema]) => [id, withoutDialect(schema)]),
  );
}

type Registry = ReturnType<typeof z.registry<{ id: string }>>;

function operation(name: string, route: RouteSpec, registry: Registry): Json {
  const { access, body, result, status = 200 } = route;
  return {
    operationId: name,
    summary: route.summary,
    description: `For: ${access.join(', ')}.`,
    security: securityOf(access),
    parameters: [...parametersOf('path', route.params), ...parametersOf('query', route.query)],
    ...(body !== undefined && { requestBody: { required: true, content: bodyOf(body) } }),
    responses: {
      [status]: { description: 'Done.', content: resultOf(result, registry) },
      default: {
        description: 'A problem (RFC 9457) with its code; an invalid request names every problem.',
        content: { 'application/problem+json': { schema: { type: 'object' } } },
      },
    },
  };
}

function securityOf(access: readonly Access[]): Json[] {
  const people = access.some((who) => PEOPLE.includes(who));
  return [...(people ? [{ operator: [] }] : []), ...(access.includes('factory') ? [{ factory: [] }] : [])];
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = inputSchema(schema) as {
    properties?: Json;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

const bodyOf = (body: z.ZodType | 'bytes'): Json =>
  body === 'bytes'
    ? { 'application/octet-stream': {} }
    : { 'application/json': { schema: inputSchema(body) } };

const resultOf = (result: z.ZodType | 'events', registry: Registry): Json =>
  result === 'events'
    ? { 'text/event-stream': {} }
    : { 'application/json': { schema: { $ref: `${REFERENCE}${registry.get(result)?.id}` } } };
