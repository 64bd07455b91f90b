// The local Azure Functions host: runs a built `@azure/functions` v4 app, unmodified, and knows nothing else.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { Clients } from './clients.js';
import { readFunction } from './functions.js';
import type { HostedFunction } from './functions.js';
import { readHostJson } from './hostJson.js';
import type { HostConfig, JsonObject } from './hostJson.js';
import { createAdmin } from './http/admin.js';
import type { Cors, Keys } from './http/access.js';
import { HttpFront } from './http/front.js';
import { Invoker } from './invoker.js';
import type { InvocationStats } from './invoker.js';
import { createListeners } from './listeners.js';
import type { Listener } from './listeners.js';
import { createLog } from './log.js';
import type { Log, LogEntry } from './log.js';
import { Settings } from './settings.js';
import { sendOutputs } from './servicebus/output.js';
import { watchApp } from './watch.js';
import { ForkedWorker, InProcessWorker } from './worker.js';
import type { Worker } from './worker.js';
import type { LoadedApp, WorkerLog } from './worker/protocol.js';

/** ms that running invocations get when the host closes. */
const GRACE = 2_000;
/** ms that the app's terminate hooks get then, and after them the clients' connections. */
const WORKER_GRACE = 150;
const CLIENTS_GRACE = 150;
/** Bytes; Azure's default, `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` changes it. */
const BODY_LIMIT = 104_857_600;

export interface HostOptions {
  /** Folder of the app: package.json, host.json and the built output. */
  appDir: string;
  /** 0, the default, takes a free one. */
  port?: number;
  host?: string;
  /** Application settings; the app sees them in its environment. */
  settings: Readonly<Record<string, string>>;
  /** Laid over host.json. */
  hostJson?: JsonObject;
  /** Opens the admin endpoints and every function; random when not given. */
  masterKey?: string;
  /** Open functions of level `function`. */
  hostKeys?: readonly string[];
  functionKeys?: Readonly<Record<string, readonly string[]>>;
  cors?: Cors;
  /** Runs the app in this process: nothing of it can be killed, so for tests only. */
  inProcess?: boolean;
  /** Loads the app again when its built output changes. */
  watch?: boolean;
  log?: (entry: LogEntry) => void;
}

export interface FunctionSummary {
  name: string;
  trigger: HostedFunction['trigger']['kind'];
  route?: string;
  methods?: string[];
}

export interface Host {
  readonly port: number;
  readonly url: string;
  readonly masterKey: string;
  readonly functions: FunctionSummary[];
  readonly workerPid: number | undefined;
  readonly stats: InvocationStats & { workerRestarts: number };
  close(): Promise<void>;
}

/**
 * Starts the host and the app; ready when HTTP answers and every listener listens.
 * @throws Error when the app cannot be loaded, uses what this host lacks, or the port is taken
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const host = new LocalHost(options);
  try {
    return await host.start();
  } catch (error) {
    await host.close();
    throw error;
  }
}

class LocalHost implements Host {
  port = 0;
  url = '';
  readonly #options: HostOptions;
  readonly #appDir: string;
  readonly #settings: Settings;
  readonly #keys: Keys;
  readonly #log: Log;
  readonly #clients: Clients;
  /** Names this app's blobs and locks: stable over restarts, different for different apps. */
  readonly #hostId: string;
  /** A host that is started again under the same id takes over its own locks and leases at once. */
  readonly #instanceId: string;
  readonly #worker: Worker;
  readonly #invoker: Invoker;
  readonly #front: HttpFront;
  #config: HostConfig;
  #functions: HostedFunction[] = [];
  #listeners: Listener[] = [];
  #state: 'Starting' | 'Running' | 'Error' | 'Stopping' = 'Starting';
  readonly #stop = new AbortController();
  #reloading: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #unwatch: () => void = () => undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#appDir = path.resolve(options.appDir);
    this.#settings = new Settings(options.settings);
    this.#clients = new Clients(this.#settings);
    this.#hostId =
      this.#settings.get('AzureFunctionsWebHost__hostid') ??
      createHash('sha256').update(this.#appDir).digest('hex').slice(0, 32);
    this.#instanceId = this.#settings.get('WEBSITE_INSTANCE_ID') ?? randomUUID();
    this.#keys = {
      master: options.masterKey ?? randomBytes(24).toString('base64url'),
      host: options.hostKeys ?? [],
      functions: options.functionKeys ?? {},
    };
    this.#log = createLog(() => this.#config.logLevels, options.log ?? (() => undefined));
    this.#config = this.#readConfig();
    const workerOptions = {
      appDir: this.#appDir,
      settings: options.settings,
      log: (entry: WorkerLog) => this.#log(entry.level, category(entry), entry.message, entry.invocationId),
      print: (line: string, stream: 'stdout' | 'stderr') =>
        this.#log(stream === 'stderr' ? 'warning' : 'information', 'Host.Function.Console', line),
    };
    this.#worker = options.inProcess ? new InProcessWorker(workerOptions) : new ForkedWorker(workerOptions);
    this.#invoker = new Invoker({
      worker: this.#worker,
      log: this.#log,
      timeout: () => this.#config.functionTimeout,
      bindOutputs: (fn, response) => sendOutputs(fn, response, this.#clients),
    });
    this.#front = new HttpFront({
      worker: this.#worker,
      invoker: this.#invoker,
      log: this.#log,
      keys: this.#keys,
      cors: options.cors,
      bodyLimit: Number(this.#settings.get('FUNCTIONS_REQUEST_BODY_SIZE_LIMIT') ?? BODY_LIMIT),
      admin: createAdmin({
        keys: this.#keys,
        hostId: this.#hostId,
        state: () => this.#state,
        functions: () => this.#functions,
        workerPid: () => this.#worker.pid,
        routePrefix: () => this.#config.http.routePrefix,
        start: (fn, input) => {
          this.#invoker.runWithRetries(fn, input, this.#stop.signal).catch(() => undefined);
        },
      }),
    });
  }

  async start(): Promise<Host> {
    const { port = 0, host = '127.0.0.1' } = this.#options;
    const [listening] = await Promise.all([
      this.#front.listen(port, host),
      this.#worker.start().then((app) => this.#serve(app)),
    ]);
    if (this.#options.watch) this.#unwatch = watchApp(this.#appDir, () => this.#reload());
    this.port = listening;
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${listening}`;
    return this;
  }

  get masterKey(): string {
    return this.#keys.master;
  }

  get functions(): FunctionSummary[] {
    return this.#functions.map(summary);
  }

  get workerPid(): number | undefined {
    return this.#worker.pid;
  }

  get stats(): Host['stats'] {
    return { ...this.#invoker.stats, workerRestarts: this.#worker.restarts };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Ends within three seconds, whatever functions, brokers and storage do. */
  async #close(): Promise<void> {
    this.#state = 'Stopping';
    this.#stop.abort();
    this.#unwatch();
    const drained = Promise.allSettled([this.#front.close(GRACE), this.#stopListeners()]);
    await within(GRACE, drained);
    await this.#worker.close(WORKER_GRACE);
    await within(
      CLIENTS_GRACE,
      drained.then(() => this.#clients.close()),
    );
  }

  async #stopListeners(): Promise<void> {
    const stopping = this.#listeners.map((listener) => listener.stop());
    this.#listeners = [];
    await Promise.allSettled(stopping);
  }

  /** Loads the app again. Until it is loaded requests wait; when it cannot be, 503 answers until the next try. */
  #reload(): void {
    this.#reloading = this.#reloading.then(async () => {
      if (this.#state === 'Stopping') return;
      this.#log('information', 'Host.Startup', 'The app has changed; loading it again.');
      try {
        const stopped = this.#stopListeners();
        this.#config = this.#readConfig();
        const app = await this.#worker.restart('The app has changed.', true);
        await within(GRACE, stopped);
        await this.#serve(app);
      } catch (error) {
        this.#state = 'Error';
        this.#front.serve(undefined);
        await within(GRACE, this.#stopListeners());
        this.#log('error', 'Host.Startup', `The app cannot be loaded: ${(error as Error).message}`);
      }
    });
  }

  async #serve(app: LoadedApp): Promise<void> {
    this.#functions = app.functions.map((metadata) => readFunction(metadata, this.#settings));
    this.#listeners = await createListeners(this.#functions, {
      settings: this.#settings,
      clients: this.#clients,
      config: this.#config,
      invoker: this.#invoker,
      log: this.#log,
      hostId: this.#hostId,
      instanceId: this.#instanceId,
    });
    const { routePrefix, customHeaders, maxOutstandingRequests } = this.#config.http;
    this.#front.serve({ functions: this.#functions, routePrefix, customHeaders, maxOutstandingRequests });
    await Promise.all(this.#listeners.map((listener) => listener.start()));
    this.#state = 'Running';
    this.#log('information', 'Host.Startup', `Job host started with ${this.#functions.length} functions.`);
  }

  #readConfig(): HostConfig {
    const { hostJson = {} } = this.#options;
    return readHostJson(this.#appDir, this.#settings, hostJson, (message) =>
      this.#options.log?.({ level: 'warning', category: 'Host.Configuration', message, at: new Date() }),
    );
  }
}

const category = (entry: WorkerLog): string => {
  if (!entry.functionName) return 'Host.Worker';
  return `Function.${entry.functionName}${entry.category === 'user' ? '.User' : ''}`;
};

const summary = ({ name, trigger }: HostedFunction): FunctionSummary =>
  trigger.kind === 'http'
    ? { name, trigger: trigger.kind, route: trigger.route, methods: trigger.methods }
    : { name, trigger: trigger.kind };

/** Waits for the work, but no longer than so many ms. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
