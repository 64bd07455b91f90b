// The REST API on one screen: which resource, which verb, what it does.
import { MINIMUM_CHARGE } from './charge.js';
import { CosmosError, notFound, unsupported } from './errors.js';
import { feed, header, isSet, queryBody, type Call, type Reply } from './http.js';
import { deleteItem, listItems, patchItem, postItems, readItem, replaceItem } from './itemRoutes.js';
import { type Json, type JsonObject, textAt } from './json.js';
import { compile } from './sql/evaluate.js';
import { parseQuery } from './sql/parser.js';

const charged = { 'x-ms-request-charge': String(MINIMUM_CHARGE) };

const found = (body: JsonObject, status = 200): Reply => ({
  status,
  headers: { ...charged, etag: textAt(body, '_etag') },
  body,
});

const list = (name: string, resources: readonly JsonObject[], rid = ''): Reply => ({
  status: 200,
  headers: { ...charged, 'x-ms-item-count': String(resources.length) },
  body: feed(rid, name, [...resources]),
});

/** A feed of databases or containers, all of it or what a query's WHERE lets through. */
function listed(call: Call, name: string, resources: JsonObject[], rid?: string): Reply {
  if (!isSet(call, 'x-ms-documentdb-isquery')) return list(name, resources, rid);
  const { text, parameters } = queryBody(call.body);
  const { where } = parseQuery(text);
  const test = where && compile(where, { parameters, now: Date.now() });
  return list(name, test ? resources.filter((resource) => test(resource) === true) : resources, rid);
}

const database = ({ engine, segments }: Call) => engine.database(segments[1] ?? '');
const container = ({ engine, segments }: Call) => engine.container(segments[1] ?? '', segments[3] ?? '');

function databases(call: Call): Reply {
  return listed(
    call,
    'Databases',
    [...call.engine.databases.values()].map(({ resource }) => resource),
  );
}

function containers(call: Call): Reply {
  const { rid, containers: all } = database(call);
  return listed(
    call,
    'DocumentCollections',
    [...all.values()].map(({ resource }) => resource),
    rid,
  );
}

/** The account. Its id must not be "localhost": the client would then read it again before each call. */
function account({ origin }: Call): Reply {
  const location = [{ name: 'Local', databaseAccountEndpoint: `${origin}/` }];
  return found({
    id: 'embedded',
    _rid: 'embedded',
    _self: '',
    _etag: '"embedded"',
    _dbs: '//dbs/',
    media: '//media/',
    addresses: '//addresses/',
    writableLocations: location,
    readableLocations: location,
    enableMultipleWriteLocations: false,
    enablePerPartitionFailoverBehavior: false,
    userReplicationPolicy: { asyncReplication: false, minReplicaSetSize: 1, maxReplicasetSize: 1 },
    userConsistencyPolicy: { defaultConsistencyLevel: 'Session' },
    queryEngineConfiguration: '{}',
  });
}

/** The session token that container reads give: every physical partition's. */
function containerReply(call: Call, status = 200): Reply {
  const { resource, ranges } = container(call);
  const reply = found(resource, status);
  return {
    ...reply,
    headers: {
      ...reply.headers,
      'x-ms-session-token': ranges.map(({ sessionToken }) => sessionToken).join(),
    },
  };
}

function partitionKeyRanges(call: Call): Reply {
  const { rid, ranges, resource } = container(call);
  const etag = textAt(resource, '_etag');
  // Ranges never split here, so a client that has them needs no second copy.
  if (header(call, 'if-none-match') === etag) return { status: 304, headers: { ...charged, etag } };
  const resources = ranges.map(({ id, min, max }): Json => ({
    id,
    minInclusive: min,
    maxExclusive: max,
    ridPrefix: Number(id),
    throughputFraction: 1 / ranges.length,
    status: 'online',
    parents: [],
    _rid: rid,
    _self: `${textAt(resource, '_self')}pkranges/${id}/`,
  }));
  return { status: 200, headers: { ...charged, etag }, body: feed(rid, 'PartitionKeyRanges', resources) };
}

type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Route = (call: Call) => Reply;

const nothing = { status: 204, headers: charged };

const isQuery = (call: Call): boolean => isSet(call, 'x-ms-documentdb-isquery');

const ROUTES: Record<string, Partial<Record<Verb, Route>>> = {
  '': { GET: account },
  dbs: {
    GET: databases,
    POST: (call) =>
      isQuery(call) ? databases(call) : found(call.engine.createDatabase(call.body).resource, 201),
  },
  'dbs/*': {
    GET: (call) => found(database(call).resource),
    DELETE: (call) => {
      call.engine.deleteDatabase(call.segments[1] ?? '');
      return nothing;
    },
  },
  'dbs/*/colls': {
    GET: containers,
    POST: (call) =>
      isQuery(call)
        ? containers(call)
        : found(call.engine.createContainer(call.segments[1] ?? '', call.body).resource, 201),
  },
  'dbs/*/colls/*': {
    GET: containerReply,
    PUT: (call) =>
      found(call.engine.replaceContainer(call.segments[1] ?? '', call.segments[3] ?? '', call.body).resource),
    DELETE: (call) => {
      call.engine.deleteContainer(call.segments[1] ?? '', call.segments[3] ?? '');
      return nothing;
    },
  },
  'dbs/*/colls/*/pkranges': { GET: partitionKeyRanges },
  'dbs/*/colls/*/docs': { GET: listItems, POST: postItems },
  'dbs/*/colls/*/docs/*': { GET: readItem, PUT: replaceItem, PATCH: patchItem, DELETE: deleteItem },
  // A serverless account: no throughput to read or set.
  offers: { GET: () => list('Offers', []), POST: () => list('Offers', []) },
};

/** What the service has and this has not, by the last type of the path. */
const ABSENT: Record<string, string> = {
  sprocs: 'stored procedures',
  triggers: 'triggers',
  udfs: 'user-defined functions',
  users: 'users',
  permissions: 'permissions',
  conflicts: 'conflict feed',
  attachments: 'attachments',
  clientencryptionkeys: 'client encryption keys',
};

/** Runs a request. Throws what the service would answer: 404 for no such path, 405 for no such verb. */
export function dispatch(call: Call): Reply {
  const { segments, method } = call;
  const pattern = segments.map((segment, at) => (at % 2 === 0 ? segment : '*')).join('/');
  const verbs = Object.hasOwn(ROUTES, pattern) ? ROUTES[pattern] : undefined;
  if (!verbs) {
    const type = segments.findLast((_, at) => at % 2 === 0) ?? '';
    if (Object.hasOwn(ABSENT, type)) throw unsupported(ABSENT[type] ?? type);
    throw notFound();
  }
  const route = verbs[method as Verb];
  if (!route || !Object.hasOwn(verbs, method))
    throw new CosmosError(405, `The verb ${method} is not allowed here.`);
  return route(call);
}
