// The emulator as a server: HTTP in front, the engine inside, a journal behind.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { realClock, SkewedClock, type Clock } from '../clock.js';
import { messageOf, stackOf } from '../errorText.js';
import { authorize, WELL_KNOWN_KEY, type VerifyJwt } from './auth.js';
import { Engine } from './engine.js';
import { CosmosError } from './errors.js';
import { Faults, type Verdict } from './faults.js';
import type { Call, Reply } from './http.js';
import { isItemRequest, isWrite } from './itemRoutes.js';
import { type Json, type JsonObject, type Value, textAt } from './json.js';
import { Persistence } from './persistence.js';
import { dispatch } from './routes.js';
import { errorReply, parseBody, parseSegments, readBody, send } from './wire.js';

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

/** The headers of a read of the change feed that begins so many changes earlier. */
function goneBack(headers: IncomingHttpHeaders, changes: number): IncomingHttpHeaders {
  const at = /^"(\d+)"$/.exec(headers['if-none-match'] ?? '')?.[1];
  if (changes === 0 || at === undefined) return headers;
  return { ...headers, 'if-none-match': `"${Math.max(0, Number(at) - changes)}"` };
}

/**
 * Starts the Cosmos DB emulator.
 * @throws if the port is taken or the data directory cannot be read
 */
export async function startCosmos(options: CosmosOptions = {}): Promise<CosmosServer> {
  const { host = '127.0.0.1', key = WELL_KNOWN_KEY, log = () => {} } = options;
  const clock = new SkewedClock(options.clock ?? realClock);
  const secret = Buffer.from(key, 'base64');
  const faults = new Faults((ms) => clock.skew(ms));
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
    if (method === 'POST') faults.inject(body);
    else if (method === 'DELETE') faults.clear();
    return { status: 200, body: JSON.parse(JSON.stringify({ faults: faults.active })) as Json };
  };

  /** What an injected fault does before the work: true if the connection is to be dropped. */
  const suffer = async ({ delayMs, drop, refusal }: Verdict): Promise<boolean> => {
    if (delayMs > 0)
      await new Promise<void>((resolve) => void clock.schedule(clock.now() + delayMs, resolve));
    if (refusal && !drop) throw refusal;
    return drop;
  };

  const answer = async (request: IncomingMessage): Promise<Reply | 'drop'> => {
    const { method = 'GET', headers } = request;
    const segments = parseSegments(request.url ?? '/');
    const bytes = await readBody(request);
    await authorize({ method, segments, headers }, secret, options.verifyJwt);
    if (segments.length === 1 && segments[0] === FAULTS_PATH) return controlFaults(method, parseBody(bytes));
    const origin = `http://${headers.host ?? host}`;
    const call: Call = { engine, method, segments, headers, body: parseBody(bytes), origin };
    const verdict = isItemRequest(call)
      ? faults.judge({
          isWrite: isWrite(call),
          isFeed: headers['a-im'] !== undefined,
          container: segments[3],
        })
      : undefined;
    if (verdict && (await suffer(verdict))) return 'drop';
    if (verdict) call.headers = goneBack(headers, verdict.repeatFeed);
    await persistence.ready();
    let reply: Reply;
    try {
      reply = dispatch(call);
    } catch (error) {
      if (!(error instanceof CosmosError)) throw error;
      reply = errorReply(error);
    }
    // Reads wait too: what they saw must not be gone after a crash.
    await persistence.flushed(engine);
    return verdict?.loseAck ? 'drop' : reply;
  };

  const server = createServer((request, response) => {
    const { socket } = request;
    answer(request)
      .catch((error: unknown): Reply => {
        if (error instanceof CosmosError) return errorReply(error);
        if (socket.destroyed) return errorReply(new CosmosError(408, 'The client went away.'));
        log(`${request.method} ${request.url}: ${stackOf(error)}`);
        const isDisk = typeof (error as NodeJS.ErrnoException).syscall === 'string';
        return errorReply(new CosmosError(isDisk ? 503 : 500, messageOf(error)));
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
