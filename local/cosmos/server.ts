// The emulator as a server: HTTP in front, the engine inside, a journal behind.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { realClock, type Clock } from '../clock.js';
import { authorize, WELL_KNOWN_KEY, type VerifyJwt } from './auth.js';
import { MINIMUM_CHARGE } from './charge.js';
import { Engine } from './engine.js';
import { badRequest, CosmosError, tooLarge } from './errors.js';
import { Faults, parseFault } from './faults.js';
import type { Call, Reply } from './http.js';
import { isWrite } from './itemRoutes.js';
import { type Json, type JsonObject, type Value, textAt } from './json.js';
import { Persistence } from './persistence.js';
import { dispatch } from './routes.js';

/** Longest body read: an item or batch of 2 MiB, with room for the escapes of its JSON. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Longer than clients keep idle connections, so that none is closed under a request. */
const KEEP_ALIVE_MS = 120_000;
const FAULTS_PATH = '$faults';

export interface DatabaseSpec {
  id: string;
  /** Container definitions as the API takes them. */
  containers?: JsonObject[];
}

export interface CosmosOptions {
  /** 0 (the default) chooses a free one. */
  port?: number;
  host?: string;
  /** Where the journal is kept; without, everything is in memory. */
  dataDir?: string;
  /** Master key, base64; by default the one of Microsoft's emulator. */
  key?: string;
  /** Made at the start where they do not exist. */
  databases?: readonly DatabaseSpec[];
  /** Request units a second of each container; without, no request is throttled. */
  ruPerSecond?: number;
  /** Physical partitions of new containers. */
  partitions?: number;
  clock?: Clock;
  /** Accepts or refuses an Entra token; without, all are refused. */
  verifyJwt?: VerifyJwt;
  log?: (message: string) => void;
}

export interface CosmosServer {
  port: number;
  endpoint: string;
  key: string;
  connectionString: string;
  engine: Engine;
  faults: Faults;
  /** Ends open connections, writes what is left and closes the journal. */
  close(): Promise<void>;
}

/** Reads a whole body. One that is too long is read to its end, so that the client hears why, but not kept. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw tooLarge();
  return Buffer.concat(chunks);
}

function parseBody(bytes: Buffer): Value {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as Json;
  } catch {
    throw badRequest('The request payload is invalid. Ensure to provide a valid request payload.');
  }
}

function parseSegments(url: string): string[] {
  try {
    const [path = ''] = url.split('?');
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest('The request path is not well-formed.');
  }
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  // 204 and 304 have no body, and the client takes any other empty body for an error.
  const payload = status === 204 || status === 304 ? '' : JSON.stringify(body ?? null);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
    'x-ms-activity-id': randomUUID(),
    'x-ms-version': '2020-07-15',
    ...headers,
  });
  response.end(payload);
}

function errorReply(error: CosmosError): Reply {
  const { substatus, retryAfterMs, additionalErrorInfo } = error.details;
  return {
    status: error.status,
    headers: {
      'x-ms-request-charge': String(MINIMUM_CHARGE),
      ...(substatus === undefined ? {} : { 'x-ms-substatus': String(substatus) }),
      ...(retryAfterMs === undefined ? {} : { 'x-ms-retry-after-ms': String(retryAfterMs) }),
    },
    body: {
      code: error.code,
      message: error.message,
      ...(additionalErrorInfo === undefined ? {} : { additionalErrorInfo }),
    },
  };
}

/** Listens; a taken port is an error that names it and the cure. */
function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        taken
          ? new Error(`port ${port} is taken: stop what listens there, or choose another (0 for any)`)
          : error,
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/**
 * Starts the Cosmos DB emulator.
 * @throws if the port is taken or the data directory cannot be read
 */
export async function startCosmos(options: CosmosOptions = {}): Promise<CosmosServer> {
  const { host = '127.0.0.1', key = WELL_KNOWN_KEY, clock = realClock, log = () => {} } = options;
  const secret = Buffer.from(key, 'base64');
  const faults = new Faults();
  const persistence = new Persistence(log);
  const engine = new Engine({
    clock,
    random: Math.random,
    partitions: options.partitions,
    ruPerSecond: options.ruPerSecond,
    onRecord: (record) => persistence.append(record),
  });
  if (options.dataDir !== undefined) await persistence.open(options.dataDir, engine);
  for (const { id, containers = [] } of options.databases ?? []) {
    const database = engine.databases.get(id) ?? engine.createDatabase({ id });
    for (const container of containers)
      if (!database.containers.has(textAt(container, 'id'))) engine.createContainer(id, container);
  }
  await persistence.flushed(engine);

  const controlFaults = (method: string, body: Value): Reply => {
    if (method === 'POST') faults.add(parseFault(body));
    else if (method === 'DELETE') faults.clear();
    return { status: 200, body: JSON.parse(JSON.stringify({ faults: faults.active })) as Json };
  };

  const answer = async (request: IncomingMessage): Promise<Reply | 'drop'> => {
    const { method = 'GET', headers } = request;
    const segments = parseSegments(request.url ?? '/');
    const body = parseBody(await readBody(request));
    // A browser must ask before it sends JSON, and gets no leave: a web page cannot inject faults.
    if (segments[0] === FAULTS_PATH && (method !== 'POST' || headers['content-type'] === 'application/json'))
      return controlFaults(method, body);
    const verdict = faults.judge({ isWrite: isWrite({ method, headers }), container: segments[3] });
    if (segments.length > 0) {
      if (verdict.delayMs > 0)
        await new Promise<void>((resolve) => void clock.schedule(clock.now() + verdict.delayMs, resolve));
      if (verdict.drop) return 'drop';
    }
    await authorize({ method, segments, headers }, secret, options.verifyJwt);
    if (verdict.refusal) throw verdict.refusal;
    await persistence.ready();
    const origin = `http://${headers.host ?? `${host}:${server.address() ? (server.address() as AddressInfo).port : 0}`}`;
    const call: Call = { engine, method, segments, headers, body, origin };
    let reply: Reply;
    try {
      reply = dispatch(call);
    } catch (error) {
      if (!(error instanceof CosmosError)) throw error;
      reply = errorReply(error);
    }
    // Reads wait too: what they saw must not be gone after a crash.
    await persistence.flushed(engine);
    return verdict.loseAck ? 'drop' : reply;
  };

  const server = createServer((request, response) => {
    const { socket } = request;
    answer(request)
      .catch((error: unknown): Reply => {
        if (error instanceof CosmosError) return errorReply(error);
        if (socket.destroyed) return errorReply(new CosmosError(408, 'The client went away.'));
        log(`${request.method} ${request.url}: ${error instanceof Error ? error.stack : String(error)}`);
        const isDisk = typeof (error as NodeJS.ErrnoException).syscall === 'string';
        return errorReply(
          new CosmosError(isDisk ? 503 : 500, error instanceof Error ? error.message : String(error)),
        );
      })
      .then((reply) => {
        if (reply === 'drop') socket.destroy();
        else send(response, reply);
      })
      .catch((error: unknown) => {
        log(String(error));
        socket.destroy();
      });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const port = await listen(server, options.port ?? 0, host).catch(async (error: unknown) => {
    await persistence.close();
    throw error;
  });
  const endpoint = `http://${host}:${port}/`;
  return {
    port,
    endpoint,
    key,
    engine,
    faults,
    connectionString: `AccountEndpoint=${endpoint};AccountKey=${key};`,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
      await persistence.close();
    },
  };
}
