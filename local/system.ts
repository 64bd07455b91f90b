// The whole product on one machine: the embedded cloud, the built function app in the local host, a token issuer, a
// tracker stand-in with a sample repository, the console, and factories as processes of their own. It knows the
// product only from outside, as a deployer does: settings, HTTP routes, the factory's command line.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BLOB_CONTAINERS, CONTAINERS, DATABASE, QUEUES } from '../shared/topology.js';
import { adminApi } from './adminApi.js';
import { DEFAULT_CLOUD_PORTS, provision, startCloud, withPort, type CloudPorts } from './cloud.js';
import { startConsole } from './console.js';
import { claimDataDir } from './dataDir.js';
import { keepIdentity, retire, retireOthers } from './factoryIdentities.js';
import { startIdentity } from './identity/server.js';
import { withPortCure } from './portCure.js';
import { startProcess, type ProcessSpec, type RunningProcess } from './processes.js';
import { prepareSample } from './sample/repository.js';
import { sampleIssue } from './sample/issue.js';
import { loadSecrets } from './secrets.js';
import { startTracker } from './tracker/server.js';

export interface SystemPorts extends CloudPorts {
  readonly api: number;
  readonly console: number;
  readonly tracker: number;
  readonly identity: number;
}

export const DEFAULT_PORTS: SystemPorts = {
  ...DEFAULT_CLOUD_PORTS,
  api: 7071,
  console: 4280,
  tracker: 4290,
  identity: 4291,
};

/** Every port free to choose: for tests and for a second system beside a running one. */
export const FREE_PORTS: SystemPorts = {
  serviceBus: 0,
  cosmos: 0,
  blob: 0,
  api: 0,
  console: 0,
  tracker: 0,
  identity: 0,
};

export interface SystemOptions {
  /** Ours, new or empty: a folder with other files is refused. */
  readonly dataDir: string;
  /** Throw away what it holds first. */
  readonly reset?: boolean;
  readonly ports: SystemPorts;
  /** Factory processes to start. */
  readonly factories: number;
  /** Lease length for the whole fleet; a lost factory's job is free again after it. */
  readonly leaseSeconds: number;
  /** May critical work take stations from less urgent work? Not by default. */
  readonly preemption?: boolean;
  /** How often the change feed is asked (ms). Dispatch does not wait for it; the echo to the tracker does. */
  readonly feedPollMs: number;
  /** Restart the function app when its built files change. */
  readonly watch: boolean;
  /** File the sample item when the tracker has none yet. */
  readonly sample: boolean;
  /** As of ProcessSpec, for every part: who kills parts on purpose does not want to wait longer each time. */
  readonly restartDelaysMs?: ProcessSpec['restartDelaysMs'];
  /** Aborted while it starts: what was started until then is stopped and the reason thrown. */
  readonly signal: AbortSignal;
  /** One finished step of the start. */
  readonly onStep: (step: string) => void;
  /** What the parts print; for a log file. */
  readonly onLog: (source: string, line: string) => void;
  /** Something a person should know: a part died and was started again. */
  readonly onNotice: (message: string) => void;
}

/** How a factory is started, where it differs from the others. */
export interface FactoryPlace {
  /** Its own ways to the control plane and to the bus. */
  readonly apiUrl?: string;
  readonly serviceBus?: string;
  readonly stations?: number;
}

export interface System {
  readonly apiUrl: string;
  readonly consoleUrl: string;
  readonly trackerUrl: string;
  /** REST base of the tracker stand-in and its token, for those who look at items as a program would. */
  readonly tracker: { readonly apiUrl: string; readonly token: string; readonly repository: string };
  /** What `aq` needs to talk to this system. */
  readonly connectionFile: string;
  readonly sampleRepository: string;
  readonly factories: readonly RunningProcess[];
  /** For those who kill, pause and break them. */
  readonly parts: {
    readonly host: RunningProcess;
    readonly serviceBus: RunningProcess;
    readonly cosmos: RunningProcess;
  };
  /** Connection strings. */
  readonly cloud: { readonly serviceBus: string; readonly cosmos: string };
  /** A call to the API as the installation's admin. */
  api(method: string, route: string, body?: unknown): Promise<unknown>;
  startFactory(name: string, place?: FactoryPlace): Promise<RunningProcess>;
  stop(): Promise<void>;
}

export const PRODUCT = 'sample';
const REPOSITORY = 'acme/calculator';
const AUDIENCE = 'api://gigafactory';
const ADMIN_CLIENT = 'aq';
const CONSOLE_CLIENT = 'console';
const dist = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const appDir = path.dirname(dist);

type Close = () => Promise<unknown>;

/**
 * Starts everything and resolves when the first factory waits for work.
 * @throws the first part's own words when one cannot start; everything started until then is stopped
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const closers: Close[] = [claimDataDir(options.dataDir, { reset: options.reset ?? false })];
  // Last started, first stopped: factories give their work back while there is still somebody to tell.
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    return await startParts(options, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: SystemOptions,
  closers: Close[],
  stop: () => Promise<void>,
): Promise<System> {
  const { dataDir, ports, signal, restartDelaysMs } = options;
  const supervised = restartDelaysMs ? { restartDelaysMs } : {};
  const onStep = (step: string): void => {
    signal.throwIfAborted();
    options.onStep(step);
  };
  const inData = (...names: string[]): string => path.join(dataDir, ...names);
  const secrets = loadSecrets(dataDir);

  /** Waits for a part; once it runs it is stopped with the rest, whatever becomes of the parts beside it. */
  const part = async <T>(start: Promise<T>, close: (running: T) => Close): Promise<T> => {
    const running = await start;
    closers.push(close(running));
    return running;
  };

  const consoleConfig: Record<string, string> = {};
  const site = await part(
    withPortCure(
      'the console',
      '--console-port',
      startConsole({ port: ports.console, root: path.join(dist, 'web'), config: consoleConfig }),
    ),
    (running) => () => running.close(),
  );
  const identityStart = startIdentity({
    port: ports.identity,
    dataDir: inData('identity'),
    audience: AUDIENCE,
    clients: [
      { clientId: ADMIN_CLIENT, clientSecret: secrets.adminSecret, roles: ['admin'], name: 'Admin' },
      {
        clientId: CONSOLE_CLIENT,
        redirectUris: [site.url, `${site.url}/`],
        roles: ['admin', 'reviewer', 'operator', 'viewer'],
        name: 'Console',
      },
    ],
  });
  const sideBySide = [
    part(
      withPortCure('the token issuer', '--identity-port', identityStart),
      (running) => () => running.close(),
    ),
    part(
      startCloud({
        dataDir: inData('cloud'),
        ports,
        queues: QUEUES,
        log: (line) => options.onLog('cloud', line),
        onCrash: options.onNotice,
        ...supervised,
      }),
      (running) => () => running.stop(),
    ),
    prepareSample({ dir: inData('sample') }),
  ] as const;
  await Promise.allSettled(sideBySide);
  const [identity, cloud, sample] = await Promise.all(sideBySide);
  onStep('cloud: Service Bus, Cosmos DB, Blob Storage');
  await provision(cloud, { database: DATABASE, containers: CONTAINERS, blobContainers: BLOB_CONTAINERS });

  const settingsFile = inData('settings.json');
  const settings = {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    // A name that stays: a host that was killed takes its own leases and timers over at once.
    WEBSITE_INSTANCE_ID: 'local',
    AzureWebJobsStorage: cloud.blob,
    COSMOS: cloud.cosmos,
    SERVICE_BUS: cloud.serviceBus,
    BLOBS: cloud.blob,
    OPERATOR_ISSUER: identity.issuer,
    OPERATOR_AUDIENCE: AUDIENCE,
    OPERATOR_JWKS_URL: identity.jwksUrl,
    FACTORY_TOKEN_KEY: secrets.factoryTokenKey,
    AUDIT_KEY: secrets.auditKey,
    LEASE_SECONDS: String(options.leaseSeconds),
    PREEMPTION: options.preemption ? 'on' : 'off',
    FEED_POLL_MS: String(options.feedPollMs),
    SAMPLE_WEBHOOK_SECRET: secrets.webhookSecret,
    SAMPLE_TRACKER_TOKEN: secrets.trackerToken,
  };
  writeFileSync(
    settingsFile,
    JSON.stringify(
      {
        IsEncrypted: false,
        Values: settings,
        Host: { CORS: site.url, MasterKey: secrets.hostMasterKey },
      },
      undefined,
      2,
    ),
    {
      mode: 0o600,
    },
  );
  const watch = options.watch ? ['--watch'] : [];
  const hostArgs = ['--app', appDir, '--port', String(ports.api), '--settings', settingsFile, ...watch];
  const hostStart = startProcess({
    ...supervised,
    name: 'Functions host',
    module: path.join(dist, 'local', 'host', 'main.js'),
    args: hostArgs,
    restartArgs: (ready) => withPort(hostArgs, ready.port),
    onLine: (line) => options.onLog('functions', line),
    onCrash: options.onNotice,
  });
  const host = await part(
    withPortCure('the API', '--api-port', hostStart),
    (running) => () => running.stop(),
  );
  const apiUrl = `http://127.0.0.1:${String(host.ready.port)}/api`;
  onStep('function app');

  const trackerStart = startTracker({
    port: ports.tracker,
    dataDir: inData('tracker'),
    repository: REPOSITORY,
    cloneUrl: sample.bareRepo,
    token: secrets.trackerToken,
    webhook: { url: `${apiUrl}/fleet/webhooks/github/${PRODUCT}`, secret: secrets.webhookSecret },
    log: (line: string) => options.onLog('tracker', line),
  });
  const tracker = await part(
    withPortCure('the tracker', '--tracker-port', trackerStart),
    (running) => () => running.close(),
  );

  const connection = {
    apiUrl,
    tokenUrl: identity.tokenUrl,
    clientId: ADMIN_CLIENT,
    clientSecret: secrets.adminSecret,
    product: PRODUCT,
  };
  const connectionFile = inData('connection.json');
  writeFileSync(connectionFile, JSON.stringify(connection, undefined, 2) + '\n', { mode: 0o600 });
  Object.assign(consoleConfig, {
    apiUrl,
    issuer: identity.issuer,
    clientId: CONSOLE_CLIENT,
    scope: 'openid profile',
    loginHint: 'admin',
  });

  const api = adminApi(connection);
  await api('PUT', `products/${PRODUCT}`, {
    name: 'Sample product',
    tracker: {
      kind: 'github',
      repository: REPOSITORY,
      apiUrl: tracker.apiUrl,
      webhookSecretSetting: 'SAMPLE_WEBHOOK_SECRET',
      tokenSetting: 'SAMPLE_TRACKER_TOKEN',
      // The shell engine runs what an item says. The sample product allows it; no product does by default.
      engines: ['shell'],
    },
    defaults: { repo: sample.bareRepo, baseBranch: 'main', verify: 'node --test --test-reporter=spec' },
  });
  onStep(`console, tracker stand-in, product "${PRODUCT}"`);

  const factories: RunningProcess[] = [];
  const startFactory = async (name: string, place: FactoryPlace = {}): Promise<RunningProcess> => {
    const enrolment = (await api('POST', 'enrolments', { products: ['*'] })) as { enrolmentToken: string };
    const folder = inData('factories', name);
    const before = keepIdentity(folder, place.apiUrl ?? apiUrl);
    const factory = await startProcess({
      name,
      module: path.join(dist, 'factory', 'main.js'),
      ...supervised,
      args: ['--name', name, '--data', folder, '--stations', String(place.stations ?? 1)],
      env: {
        GIGAFACTORY_API: place.apiUrl ?? apiUrl,
        GIGAFACTORY_ENROLMENT: enrolment.enrolmentToken,
        SERVICE_BUS: place.serviceBus ?? cloud.serviceBus,
      },
      onLine: (line) => options.onLog(name, line),
      onCrash: options.onNotice,
    });
    factories.push(factory);
    const id = factory.ready['factoryId'];
    // It enrolled anew, since the machine has changed: the one that it was does not come back.
    if (before !== undefined && before !== id) await retire(api, before, `enrolled anew as ${String(id)}`);
    return factory;
  };
  closers.push(() => Promise.all(factories.map((factory) => factory.stop())));
  const names = Array.from({ length: options.factories }, (_, at) => `factory-${at + 1}`);
  await retireOthers(api, inData('factories'), names);
  await Promise.all(names.map((name) => startFactory(name)));
  onStep(options.factories === 1 ? 'one factory' : `${options.factories} factories`);

  if (options.sample && tracker.deliveries().length === 0) {
    await tracker.fileIssue(sampleIssue);
    onStep(`tracker item "${sampleIssue.title}" filed`);
  }
  return {
    apiUrl,
    consoleUrl: site.url,
    trackerUrl: tracker.url,
    tracker: { apiUrl: tracker.apiUrl, token: secrets.trackerToken, repository: REPOSITORY },
    connectionFile,
    sampleRepository: sample.bareRepo,
    factories,
    parts: { host, ...cloud.processes },
    cloud: { serviceBus: cloud.serviceBus, cosmos: cloud.cosmos },
    api,
    startFactory,
    stop,
  };
}
