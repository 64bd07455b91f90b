// Partial document update. Rules: "Partial document update in Azure Cosmos DB" (learn.microsoft.com/azure/cosmos-db).
import { badRequest } from './errors.js';
import { isObject, member, type Json, type JsonObject, type Value } from './json.js';
import type { PartitionKeyDefinition } from './partitionKey.js';

/** Operations in one patch. Source: the page above, limits. */
const MAX_OPERATIONS = 10;
const SYSTEM_PROPERTIES = ['id', '_rid', '_self', '_etag', '_ts', '_attachments'];

export interface PatchOperation {
  op: 'add' | 'set' | 'replace' | 'remove' | 'incr' | 'move';
  path: string[];
  from: string[];
  value: Value;
}

export interface PatchRequest {
  operations: PatchOperation[];
  /** `FROM c WHERE …`: the patch applies only if the item matches. */
  condition: string | undefined;
}

function parsePointer(pointer: Value, definition: PartitionKeyDefinition): string[] {
  if (typeof pointer !== 'string' || !pointer.startsWith('/') || pointer === '/')
    throw badRequest(`Invalid path ${JSON.stringify(pointer)} in a patch operation.`);
  const steps = pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (SYSTEM_PROPERTIES.includes(steps[0] ?? ''))
    throw badRequest(`Cannot patch system-generated property or id '${pointer}'.`);
  const isKey = definition.paths.some((path) =>
    path.every((step, at) => at >= steps.length || steps[at] === step),
  );
  if (isKey) throw badRequest(`Cannot patch partition key '${pointer}'.`);
  return steps;
}

/** Reads a patch: an array of operations, or `{operations, condition}`. Throws 400. */
export function parsePatch(body: Value, definition: PartitionKeyDefinition): PatchRequest {
  const operations = Array.isArray(body) ? body : member(body, 'operations');
  const condition = member(body, 'condition');
  if (!Array.isArray(operations) || operations.length === 0)
    throw badRequest('A patch must hold an array of operations.');
  if (operations.length > MAX_OPERATIONS)
    throw badRequest(
      `The number of patch operations can't exceed '${MAX_OPERATIONS}'. Learn more: https://aka.ms/cosmosdbpatchdocs.`,
    );
  if (condition !== undefined && typeof condition !== 'string')
    throw badRequest('The condition of a patch must be a string.');
  return {
    condition,
    operations: operations.map((operation): PatchOperation => {
      const op = member(operation, 'op');
      const value = member(operation, 'value');
      const path = parsePointer(member(operation, 'path'), definition);
      switch (op) {
        case 'add':
        case 'set':
        case 'replace':
          if (value === undefined) throw badRequest(`Patch operation '${op}' needs a value.`);
          return { op, path, from: [], value };
        case 'incr':
          if (typeof value !== 'number') throw badRequest("Patch operation 'incr' needs a number.");
          return { op, path, from: [], value };
        case 'remove':
          return { op, path, from: [], value: undefined };
        case 'move':
          return { op, path, from: parsePointer(member(operation, 'from'), definition), value: undefined };
        default:
          throw badRequest(
            `Patch operation ${JSON.stringify(op)} is not one of add, set, replace, remove, incr, move.`,
          );
      }
    }),
  };
}

function failed(number: number, why: string): Error {
  return badRequest(`For Operation(${number}): ${why}. Learn more: https://aka.ms/cosmosdbpatchdocs`);
}

type Parent = { array: Json[]; at: number } | { object: JsonObject; name: string };

/** The parent of a path with the place in it; throws if a step on the way is missing. */
function locate(document: JsonObject, path: readonly string[], number: number): Parent {
  let parent: Value = document;
  for (const step of path.slice(0, -1))
    parent = Array.isArray(parent)
      ? /^\d+$/.test(step)
        ? parent[Number(step)]
        : undefined
      : member(parent, step);
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) {
    if (last !== '-' && !/^\d+$/.test(last)) throw failed(number, `'${last}' is not an array index`);
    return { array: parent, at: last === '-' ? parent.length : Number(last) };
  }
  if (isObject(parent)) return { object: parent, name: last };
  throw failed(number, `The parent of path '/${path.join('/')}' does not exist`);
}

const read = (at: Parent): Value => ('array' in at ? at.array[at.at] : member(at.object, at.name));

function define(object: JsonObject, name: string, value: Json): void {
  // An assignment to `__proto__` would not make a property.
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function add(at: Parent, value: Json, insert: boolean, number: number): void {
  if (!('array' in at)) define(at.object, at.name, value);
  else if (at.at > at.array.length) throw failed(number, 'The array index is out of bounds');
  else at.array.splice(at.at, insert || at.at === at.array.length ? 0 : 1, value);
}

function remove(at: Parent): void {
  if ('array' in at) at.array.splice(at.at, 1);
  else delete at.object[at.name];
}

/** The patched copy of a document. Throws 400 naming the first operation that cannot be done. */
export function applyPatch(document: JsonObject, operations: readonly PatchOperation[]): JsonObject {
  const copy = structuredClone(document);
  operations.forEach((operation, index) => {
    const number = index + 1;
    const at = locate(copy, operation.path, number);
    const old = read(at);
    const value = structuredClone(operation.value);
    switch (operation.op) {
      case 'add':
      case 'set':
        if (value !== undefined) add(at, value, operation.op === 'add', number);
        break;
      case 'replace':
        if (old === undefined)
          throw failed(number, 'Replace Operation can only be performed on existing path');
        if (value !== undefined) add(at, value, false, number);
        break;
      case 'remove':
        if (old === undefined)
          throw failed(number, 'Remove Operation can only be performed on existing path');
        remove(at);
        break;
      case 'incr':
        if (old !== undefined && typeof old !== 'number')
          throw failed(number, 'Increment Operation can only be performed on a number');
        add(at, (old ?? 0) + Number(value), false, number);
        break;
      case 'move': {
        const source = locate(copy, operation.from, number);
        const moved = read(source);
        if (moved === undefined) throw failed(number, 'Move Operation needs an existing path to move from');
        remove(source);
        add(locate(copy, operation.path, number), moved, false, number);
        break;
      }
    }
  });
  return copy;
}
