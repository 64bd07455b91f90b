/** What the factory is told by its environment and its command line. */
import { mkdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { serviceSetting, SettingsError, type ServiceSetting } from '../shared/cloud/settings.js';
import { proxyFor } from '../shared/client/proxyFetch.js';
import { ProductIdSchema } from '../shared/contract/job.js';
import { FactoryIdSchema } from '../shared/contract/fleet.js';
import { readConfig, type FactoryConfig } from './capabilities/config.js';

export const API = 'GIGAFACTORY_API';
export const ENROLMENT = 'GIGAFACTORY_ENROLMENT';
export const FLEET = 'AQ_FLEET';
export const ROUTE = 'AQ_FLEET_ROUTE';
export const SHADOW = 'AQ_FLEET_SHADOW';
export const DISK = 'GIGAFACTORY_DISK_GB';
export const AUDIENCE = 'GIGAFACTORY_AUDIENCE';

/** As the contract takes them. */
const MAX_STATIONS = 64;

export interface FactoryOptions {
  readonly name?: string;
  readonly stations?: number;
  readonly once?: boolean;
  /** Seconds without work after which it goes away. */
  readonly idleExit?: number;
  readonly data?: string;
  /** Another configuration file than the one in the data folder. */
  readonly config?: string;
  /** A folder queue: work comes from its inbox. */
  readonly folder?: string;
  /** The product of a folder's jobs. */
  readonly product?: string;
}

/** Where work comes from: tickets on the bus, claims over HTTP at intervals, or a folder. */
const ROUTES_OF_WORK = ['bus', 'poll', 'folder'] as const;
export type WorkRoute = (typeof ROUTES_OF_WORK)[number];

export interface FactorySettings {
  readonly name: string;
  readonly stations: number;
  readonly once: boolean;
  readonly idleExitSeconds: number | undefined;
  /** Absolute; made when it is not there. */
  readonly dataDir: string;
  /** Up to and with `/api`. */
  readonly apiUrl: string;
  /** One-time token; only needed when there is no stored one that still holds. */
  readonly enrolmentToken: string | undefined;
  /** Who tokens of this machine's Azure identity are for; with it no one-time token is needed. */
  readonly audience: string | undefined;
  readonly route: WorkRoute;
  /** Absolute. With the route `folder` all work comes from it; with another one only while the control plane is away. */
  readonly folder: string | undefined;
  readonly productId: string;
  /** Compare the folder's choices with the control plane's. */
  readonly shadow: boolean;
  /** The bus would have been the route, and can only be reached through a proxy: AMQP goes through none. */
  readonly isBusBehindProxy: boolean;
  /** With the route `bus`. */
  readonly serviceBus: ServiceSetting | undefined;
  /** What the data folder may take (bytes). */
  readonly diskBytes: number;
  readonly agentVersion: string;
  readonly config: FactoryConfig;
}

/**
 * Reads everything once and takes the enrolment token out of the environment, so that no child can see it.
 * @throws SettingsError with what is missing and how to give it
 */
export function readSettings(options: FactoryOptions, env: NodeJS.ProcessEnv): FactorySettings {
  const enrolmentToken = env[ENROLMENT] || undefined;
  delete env[ENROLMENT];
  const asked = routeOf(options, env);
  const isBusBehindProxy = asked === 'bus' && !env[ROUTE] && busHasProxy(env);
  const route = isBusBehindProxy ? 'poll' : asked;
  const folder = options.folder === undefined ? undefined : path.resolve(options.folder);
  if (route === 'folder' && folder === undefined)
    throw new SettingsError('the work comes from a folder, and none is named: give one with --folder');
  if (route !== 'folder' && folder !== undefined && options.product === undefined)
    throw new SettingsError(
      'what is done in the folder is handed over to the control plane: name the product with --product',
    );
  const shadow = isOn(env, SHADOW, false);
  if (shadow && route !== 'folder')
    throw new SettingsError(`${SHADOW} compares a folder with the control plane: it needs --folder`);
  const productId = options.product ?? 'local';
  if (!ProductIdSchema.safeParse(productId).success)
    throw new SettingsError(`--product is "${productId}": expected lower-case letters, digits and dashes`);
  const alone = route === 'folder' && !shadow;
  const apiUrl = alone && folder !== undefined ? pathToFileURL(folder).href : env[API];
  if (!apiUrl || !URL.canParse(apiUrl)) {
    throw new SettingsError(
      `${API} is ${apiUrl ? `"${apiUrl}", which is no URL` : 'not set'}: set it to the control plane's address, such as http://127.0.0.1:7071/api`,
    );
  }
  const name = nameOf(options);
  const stations = options.once ? 1 : (options.stations ?? 1);
  if (!Number.isInteger(stations) || stations < 1 || stations > MAX_STATIONS) {
    throw new SettingsError(`--stations takes a whole number from 1 to ${MAX_STATIONS}`);
  }
  const dataDir = dataDirOf(options);
  mkdirSync(dataDir, { recursive: true });
  const config = readConfig(dataDir, options.config);
  return {
    name,
    stations,
    once: options.once ?? false,
    idleExitSeconds: options.idleExit,
    dataDir,
    apiUrl,
    enrolmentToken,
    audience: env[AUDIENCE] || undefined,
    route,
    folder,
    productId,
    shadow,
    isBusBehindProxy,
    serviceBus: route === 'bus' ? serviceSetting(env, 'SERVICE_BUS') : undefined,
    agentVersion: packageVersion(),
    config,
    diskBytes: (diskGigabytesOf(env) ?? config.diskGigabytes) * 1e9,
  };
}

/** @throws SettingsError when it is no name for a factory */
function nameOf(options: FactoryOptions): string {
  const name = options.name ?? nameOfHost(os.hostname());
  const valid = FactoryIdSchema.safeParse(name);
  if (!valid.success) throw new SettingsError(`"${name}": ${valid.error.issues[0]?.message}`);
  return name;
}

/** Where a factory keeps its things, absolute; it need not be there. @throws SettingsError for a name that is none */
export const dataDirOf = (options: FactoryOptions): string =>
  path.resolve(options.data ?? path.join(os.homedir(), '.gigafactory', 'factories', nameOf(options)));

const isOn = (env: NodeJS.ProcessEnv, name: string, otherwise: boolean): boolean => {
  const value = env[name]?.toLowerCase() ?? '';
  if (value === '') return otherwise;
  if (['1', 'on', 'true'].includes(value)) return true;
  if (['0', 'off', 'false'].includes(value)) return false;
  throw new SettingsError(`${name} is "${env[name]}": expected on or off`);
};

function diskGigabytesOf(env: NodeJS.ProcessEnv): number | undefined {
  const text = env[DISK] || undefined;
  if (text !== undefined && !(Number(text) > 0))
    throw new SettingsError(`${DISK} is "${text}": expected gigabytes, such as 20`);
  return text === undefined ? undefined : Number(text);
}

/** Is the bus an address that a proxy stands before? */
function busHasProxy(env: NodeJS.ProcessEnv): boolean {
  const { kind, value } = serviceSetting(env, 'SERVICE_BUS');
  const host = kind === 'endpoint' ? value : /Endpoint=sb:\/\/([^/;]+)/i.exec(value)?.[1];
  return host !== undefined && proxyFor(new URL(`https://${host}`), env) !== undefined;
}

/** The route that is named; else the folder where there is one or the fleet is off; else the bus. */
function routeOf({ folder }: FactoryOptions, env: NodeJS.ProcessEnv): WorkRoute {
  const named = env[ROUTE] || undefined;
  const route = ROUTES_OF_WORK.find((one) => one === named);
  if (named !== undefined && route === undefined)
    throw new SettingsError(`${ROUTE} is "${named}": expected one of ${ROUTES_OF_WORK.join(', ')}`);
  if (!isOn(env, FLEET, true)) return 'folder';
  return route ?? (folder === undefined ? 'bus' : 'folder');
}

/** A host's name as a factory's: `Annas-Mac.local` becomes `annas-mac`. */
export function nameOfHost(host: string): string {
  const name = (host.split('.')[0] ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return FactoryIdSchema.safeParse(name).success ? name : 'factory';
}

/** The version of the package that this file belongs to, built or not. */
function packageVersion(): string {
  for (const up of ['..', '../..']) {
    try {
      const text = readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8');
      const { version } = JSON.parse(text) as { version?: string };
      if (version) return version;
    } catch {
      // not here
    }
  }
  return '0.0.0';
}

/** A connection string and the key in it; an endpoint holds no secret. */
export const busSecrets = (setting: string): string[] => {
  const key = /SharedAccessKey=([^;]+)/.exec(setting)?.[1];
  return key === undefined ? [] : [setting, key];
};
