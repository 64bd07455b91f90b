// `/dbs/{db}/colls/{container}/docs`: items, batches, queries and the change feed.
import { MINIMUM_CHARGE } from './charge.js';
import type { BatchOutcome, Container } from './container.js';
import { badRequest, CosmosError, tooLarge, unsupported } from './errors.js';
import { feed, header, isSet, pageSize, queryBody, type Call, type Reply } from './http.js';
import { member, type Json, type JsonObject, type Value } from './json.js';
import { parseKey, type PartitionKey } from './partitionKey.js';
import type { PartitionRange } from './range.js';
import type { ItemScope } from './scope.js';
import { MAX_ITEM_BYTES, refusal, type Operation } from './transaction.js';

const INCREMENTAL_FEED = 'Incremental Feed';

function containerOf({ engine, segments }: Call): Container {
  return engine.container(segments[1] ?? '', segments[3] ?? '');
}

function keyOf(call: Call, container: Container): PartitionKey {
  const text = header(call, 'x-ms-documentdb-partitionkey');
  if (text === undefined) throw badRequest('PartitionKey value must be supplied for this operation.');
  return parseKey(text, container.partitionKey.paths.length);
}

/** Headers of every answer about items. */
function headers(
  call: Call,
  container: Container,
  range: PartitionRange,
  charge: number,
): Record<string, string> {
  return {
    'x-ms-request-charge': String(charge),
    'x-ms-session-token': range.sessionToken,
    'x-ms-alt-content-path': call.segments.slice(0, 4).join('/'),
    'x-ms-content-path': container.rid,
    lsn: String(range.lsn),
  };
}

function checkSession(call: Call, range: PartitionRange): void {
  const token = header(call, 'x-ms-session-token');
  if (token) range.checkSession(token);
}

const isMinimal = (call: Call): boolean => header(call, 'prefer')?.toLowerCase() === 'return=minimal';

function single(call: Call, kind: Operation['kind']): Reply {
  const container = containerOf(call);
  const key = keyOf(call, container);
  const range = container.rangeOf(key);
  if (kind === 'read') checkSession(call, range);
  const { status, item, etag, charge } = container.execute(key, {
    kind,
    id: call.segments[5],
    body: call.body,
    ifMatch: header(call, 'if-match'),
    ifNoneMatch: header(call, 'if-none-match'),
  });
  return {
    status,
    headers: { ...headers(call, container, range, charge), ...(etag ? { etag } : {}) },
    ...(item && !(kind !== 'read' && isMinimal(call)) ? { body: item.body } : {}),
  };
}

export const readItem = (call: Call): Reply => single(call, 'read');
export const replaceItem = (call: Call): Reply => single(call, 'replace');
export const patchItem = (call: Call): Reply => single(call, 'patch');
export const deleteItem = (call: Call): Reply => single(call, 'delete');

const isQuery = (call: Call): boolean =>
  isSet(call, 'x-ms-documentdb-isquery') ||
  Boolean(header(call, 'content-type')?.startsWith('application/query+json'));

/** POST means five things; headers tell which. */
export function postItems(call: Call): Reply {
  if (isSet(call, 'x-ms-cosmos-is-query-plan-request')) return queryPlan(call);
  if (isQuery(call)) return query(call);
  if (isSet(call, 'x-ms-cosmos-is-batch-request'))
    return isSet(call, 'x-ms-cosmos-batch-atomic') ? batch(call) : bulk(call);
  return single(call, isSet(call, 'x-ms-documentdb-is-upsert') ? 'upsert' : 'create');
}

function queryPlan(call: Call): Reply {
  const { text, parameters } = queryBody(call.body);
  const body = containerOf(call).plan(text, parameters);
  return { status: 200, headers: { 'x-ms-request-charge': String(MINIMUM_CHARGE) }, body };
}

function scopeOf(call: Call, container: Container): ItemScope {
  const key = header(call, 'x-ms-documentdb-partitionkey');
  const id = header(call, 'x-ms-documentdb-partitionkeyrangeid');
  if (key !== undefined)
    return { kind: 'key', key: parseKey(key, container.partitionKey.paths.length, true) };
  if (id === undefined) return { kind: 'all' };
  // A client may name the range as `<container rid>,<id>`.
  const min = header(call, 'x-ms-start-epk');
  const max = header(call, 'x-ms-end-epk');
  return { kind: 'range', id: id.split(',').at(-1) ?? '', min, max };
}

function query(call: Call): Reply {
  const container = containerOf(call);
  const scope = scopeOf(call, container);
  if (scope.kind === 'all' && !isSet(call, 'x-ms-documentdb-query-enablecrosspartition'))
    throw badRequest(
      'Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition to true.',
    );
  const { text, parameters } = queryBody(call.body);
  return page(
    call,
    container,
    container.query({
      text,
      parameters,
      scope,
      continuation: header(call, 'x-ms-continuation'),
      pageSize: pageSize(call),
    }),
  );
}

function page(
  call: Call,
  container: Container,
  result: { rows: Json[]; continuation: string | undefined; charge: number; range: PartitionRange },
): Reply {
  const { rows, continuation, charge, range } = result;
  checkSession(call, range);
  return {
    status: 200,
    headers: {
      ...headers(call, container, range, charge),
      'x-ms-item-count': String(rows.length),
      ...(continuation === undefined ? {} : { 'x-ms-continuation': continuation }),
    },
    body: feed(container.rid, 'Documents', rows),
  };
}

/** GET on the feed: the change feed, or all items. */
export function listItems(call: Call): Reply {
  const mode = header(call, 'a-im');
  const container = containerOf(call);
  const scope = scopeOf(call, container);
  if (mode === undefined)
    return page(
      call,
      container,
      container.query({
        text: 'SELECT * FROM c',
        scope,
        continuation: header(call, 'x-ms-continuation'),
        pageSize: pageSize(call),
      }),
    );
  if (mode !== INCREMENTAL_FEED) throw unsupported(`change feed mode '${mode.slice(0, 50)}'`);
  const from = header(call, 'if-none-match');
  const since = header(call, 'if-modified-since');
  const sinceMs = since === undefined ? 0 : Date.parse(since);
  if (Number.isNaN(sinceMs))
    throw badRequest(`The If-Modified-Since date '${since?.slice(0, 50)}' is invalid.`);
  const { documents, etag, charge, range } = container.changes(scope, {
    from: from === '*' ? 'now' : from,
    since: sinceMs,
    pageSize: pageSize(call),
  });
  checkSession(call, range);
  const common = { ...headers(call, container, range, charge), etag };
  if (documents.length === 0) return { status: 304, headers: common };
  return {
    status: 200,
    headers: { ...common, 'x-ms-item-count': String(documents.length) },
    body: feed(container.rid, 'Documents', documents),
  };
}

const KINDS: Record<string, Operation['kind']> = {
  Create: 'create',
  Read: 'read',
  Upsert: 'upsert',
  Replace: 'replace',
  Delete: 'delete',
  Patch: 'patch',
};

const textOf = (value: Value): string | undefined => (typeof value === 'string' ? value : undefined);

function operations(call: Call): { operation: Operation; key: string | undefined }[] {
  if (!Array.isArray(call.body)) throw badRequest('A batch must be an array of operations.');
  if (Buffer.byteLength(JSON.stringify(call.body)) > MAX_ITEM_BYTES) throw tooLarge();
  return call.body.map((given) => {
    const type = textOf(member(given, 'operationType')) ?? '';
    const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
    if (!kind) throw badRequest(`Batch operation type '${type.slice(0, 50)}' is invalid.`);
    const body = member(given, 'resourceBody');
    const operation: Operation = {
      kind,
      body,
      id: textOf(member(given, 'id')) ?? textOf(member(body, 'id')),
      ifMatch: textOf(member(given, 'ifMatch')),
      ifNoneMatch: textOf(member(given, 'ifNoneMatch')),
    };
    return { operation, key: textOf(member(given, 'partitionKey')) };
  });
}

/** The body of a batch's answer: one entry an operation. */
function entries(
  call: Call,
  list: readonly { operation: Operation }[],
  results: BatchOutcome['results'],
): JsonObject[] {
  return results.map(({ status, outcome, error }, at) => {
    const isBodyWanted = !isMinimal(call) || list[at]?.operation.kind === 'read';
    return {
      statusCode: status,
      requestCharge: outcome?.charge ?? 0,
      ...(outcome?.etag ? { eTag: outcome.etag } : {}),
      ...(outcome?.item && isBodyWanted ? { resourceBody: outcome.item.body } : {}),
      ...(error ? { message: error.message, subStatusCode: error.details.substatus ?? 0 } : {}),
      ...(error?.details.retryAfterMs ? { retryAfterMilliseconds: error.details.retryAfterMs } : {}),
    };
  });
}

function batch(call: Call): Reply {
  const container = containerOf(call);
  const key = keyOf(call, container);
  const list = operations(call);
  const { status, results, charge } = container.batch(
    key,
    list.map(({ operation }) => operation),
  );
  return {
    status,
    headers: headers(call, container, container.rangeOf(key), charge),
    body: entries(call, list, results),
  };
}

/** Many operations of one physical partition, each for itself. */
function bulk(call: Call): Reply {
  const container = containerOf(call);
  const range = container.range(header(call, 'x-ms-documentdb-partitionkeyrangeid') ?? '');
  const goOn = header(call, 'x-ms-cosmos-batch-continue-on-error')?.toLowerCase() !== 'false';
  const results: BatchOutcome['results'] = [];
  let stopped = false;
  const list = operations(call);
  for (const { operation, key } of list) {
    if (stopped) {
      results.push({ status: 424 });
      continue;
    }
    try {
      const parsed = parseKey(key ?? '', container.partitionKey.paths.length);
      if (container.rangeOf(parsed) !== range)
        throw new CosmosError(410, 'The operation belongs to another physical partition.', {
          substatus: 1002,
        });
      const outcome = container.execute(parsed, operation);
      results.push({ status: outcome.status, outcome });
    } catch (error) {
      const refused = refusal(error);
      results.push({ status: refused.status, error: refused });
      stopped = !goOn;
    }
  }
  const charge = results.reduce((sum, { outcome }) => sum + (outcome?.charge ?? 0), 0);
  return {
    status: results.every(({ status }) => status < 400) ? 200 : 207,
    headers: headers(call, container, range, charge),
    body: entries(call, list, results),
  };
}

/** Whether an application asked for this: about items, and no plan that its client fetches for itself. */
export function isItemRequest(call: Call): boolean {
  return call.segments[4] === 'docs' && !isSet(call, 'x-ms-cosmos-is-query-plan-request');
}

/** Whether a request about items changes something. */
export function isWrite(call: Call): boolean {
  return call.method === 'POST' ? !isQuery(call) : call.method !== 'GET';
}
