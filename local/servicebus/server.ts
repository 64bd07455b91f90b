import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { realClock, SkewedClock, type Clock } from '../clock.js';
import { adminHandler } from './admin.js';
import type { SasKey, VerifyJwt } from './auth.js';
import type { Broker } from './broker.js';
import { Client } from './client.js';
import { Engine } from './engine.js';
import { Faults } from './faults.js';
import { settingsOf, type QueueSpec } from './spec.js';
import { openStore } from './store.js';

const DEFAULT_KEY_NAME = 'RootManageSharedAccessKey';
/** First byte of `AMQP`; an HTTP method never starts with it. */
const AMQP_FIRST_BYTE = 0x41;

export interface ServiceBusOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  host?: string;
  /** Made if missing; those in the data directory keep their messages and take these settings. */
  queues: readonly QueueSpec[];
  /** Where the journal lives; without, all is in memory. */
  dataDir?: string;
  /** By default, a random value, or the one kept in the data directory. */
  key?: SasKey;
  verifyJwt?: VerifyJwt;
  clock?: Clock;
  log?: (line: string) => void;
  /** In [0, 1): for faults with a probability. */
  random?: () => number;
}

export interface ServiceBus {
  readonly port: number;
  /** For `ServiceBusClient`, and over plain HTTP for the administration client. */
  readonly connectionString: string;
  readonly engine: Engine;
  readonly faults: Faults;
  /** Cuts all connections, stores what is left, and frees the port. */
  close(): Promise<void>;
}

/**
 * Starts a Service Bus namespace on a port of this machine: AMQP 1.0 and the administration's HTTP, told apart by
 * the first byte of a connection.
 * @throws ServiceBusError `InvalidArgument` for a wrong spec; Error naming the port if it is taken
 */
export async function startServiceBus(options: ServiceBusOptions): Promise<ServiceBus> {
  const { port = 0, host = '127.0.0.1', queues, dataDir, log = () => {} } = options;
  const clock = new SkewedClock(options.clock ?? realClock);
  for (const spec of queues) settingsOf(spec);
  const engine = new Engine({ clock });
  const store = dataDir === undefined ? undefined : await openStore(dataDir, engine, log);
  const key = options.key ?? {
    name: DEFAULT_KEY_NAME,
    value: store?.keyValue ?? randomBytes(32).toString('base64'),
  };
  for (const spec of queues) {
    if (engine.has(spec.name)) engine.updateQueue(spec);
    else engine.createQueue(spec);
  }

  const sockets = new Set<Socket>();
  const clients = new Set<Client>();
  const dropAll = (): void => {
    // The clients first, so that their locks are free when this returns; a socket closes a moment later.
    for (const client of clients) client.connection.destroy();
    for (const socket of sockets) socket.destroy();
  };
  const dropOne = (choice: number): void => {
    const all = [...clients];
    all[Math.floor(choice * all.length)]?.connection.destroy();
  };
  const skewClock = (ms: number): void => clock.skew(ms);
  const faults = new Faults(engine, { dropAll, dropOne, skewClock }, options.random);
  const { verifyJwt } = options;
  const broker: Broker = { engine, faults, clock, key, verifyJwt, flushed: () => store?.flushed(), log };
  const http = createHttpServer(adminHandler(broker));
  const server = createServer({ noDelay: true }, (socket) => {
    if (faults.isRefusing) return socket.destroy();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const { delayMs } = faults.draw('connect');
    if (delayMs > 0) clock.schedule(clock.now() + delayMs, () => greet(socket));
    else greet(socket);
  });
  const greet = (socket: Socket): void => {
    socket.once('data', (first: Buffer) => {
      socket.pause();
      if (first[0] === AMQP_FIRST_BYTE) {
        const client = new Client(broker, socket, () => clients.delete(client));
        clients.add(client);
      } else http.emit('connection', socket);
      socket.unshift(first);
      socket.resume();
    });
  };
  try {
    await listen(server, port, host);
  } catch (error) {
    engine.dispose();
    await store?.close();
    throw error;
  }
  const bound = (server.address() as AddressInfo).port;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    dropAll();
    http.close();
    await closed;
    engine.dispose();
    await store?.close();
  };
  return {
    port: bound,
    connectionString: `Endpoint=sb://${host}:${bound};SharedAccessKeyName=${key.name};SharedAccessKey=${key.value};UseDevelopmentEmulator=true`,
    engine,
    faults,
    close: () => (closing ??= close()),
  };
}

function listen(server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${port} on ${host} is taken. Stop what listens there, or choose another port; 0 takes a free one.`,
              { cause: error },
            )
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
}
