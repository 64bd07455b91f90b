import {
  SettingsError,
  serviceSetting,
  type Environment,
  type ServiceSetting,
} from '../../shared/cloud/settings.js';
import { SEAL_KEY_BYTES } from '../operations/auditSeal.js';
import { DEFAULT_LEASE_SECONDS } from '../../shared/rules/leases.js';

/** HS256 wants a key at least as long as its hash (RFC 7518). */
const MIN_KEY_BYTES = 32;
/** The Functions default for the change feed. */
const DEFAULT_FEED_POLL_MS = 5000;

/** All settings of the function app; see local.settings.sample.json. */
export interface Settings {
  readonly cosmos: ServiceSetting;
  readonly serviceBus: ServiceSetting;
  readonly blobs: ServiceSetting;
  readonly operator: { readonly issuer: string; readonly audience: string; readonly jwksUrl: URL };
  readonly factoryTokenKey: Uint8Array;
  /** Signs the audit's checkpoints: 32 bytes. */
  readonly auditKey: Uint8Array;
  readonly leaseSeconds: number;
  /** May critical work take stations from less urgent work? Off unless PREEMPTION is `on`. */
  readonly preemption: boolean;
  /** Secrets that products name: webhook secrets, tracker tokens. */
  readonly secret: (name: string) => string | undefined;
}

/** @throws SettingsError that names every setting that is missing or wrong */
export function readSettings(env: Environment): Settings {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const cosmos = attempt(() => serviceSetting(env, 'COSMOS'));
  const serviceBus = attempt(() => serviceSetting(env, 'SERVICE_BUS'));
  const blobs = attempt(() => serviceSetting(env, 'BLOBS'));
  const issuer = attempt(() => required(env, 'OPERATOR_ISSUER'));
  const audience = attempt(() => required(env, 'OPERATOR_AUDIENCE'));
  const jwksUrl = attempt(() => url(env, 'OPERATOR_JWKS_URL'));
  const factoryTokenKey = attempt(() => key(env, 'FACTORY_TOKEN_KEY'));
  const auditKey = attempt(() => sealKey(env, 'AUDIT_KEY'));
  const leaseSeconds = attempt(() => positive(env, 'LEASE_SECONDS', DEFAULT_LEASE_SECONDS));
  attempt(() => feedPollMs(env));
  const preemption = attempt(() => onOrOff(env, 'PREEMPTION'));
  if (
    !cosmos ||
    !serviceBus ||
    !blobs ||
    !issuer ||
    !audience ||
    !jwksUrl ||
    !factoryTokenKey ||
    !auditKey ||
    !leaseSeconds
  )
    throw new SettingsError(problems.join('; '));
  if (problems.length > 0) throw new SettingsError(problems.join('; '));
  return {
    cosmos,
    serviceBus,
    blobs,
    operator: { issuer, audience, jwksUrl },
    factoryTokenKey,
    auditKey,
    leaseSeconds,
    preemption: preemption ?? false,
    secret: (name) => env[name],
  };
}

/** How often the change feed is asked (ms); read while the functions register, before anything else is needed. */
export const feedPollMs = (env: Environment): number => positive(env, 'FEED_POLL_MS', DEFAULT_FEED_POLL_MS);

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value) return value;
  throw new SettingsError(`${name} is not set`);
}

function url(env: Environment, name: string): URL {
  const value = required(env, name);
  if (URL.canParse(value)) return new URL(value);
  throw new SettingsError(`${name} is "${value}"; expected a URL`);
}

function onOrOff(env: Environment, name: string): boolean {
  const value = env[name] ?? 'off';
  if (value === 'on' || value === 'off') return value === 'on';
  throw new SettingsError(`${name} is "${value}"; expected on or off`);
}

function positive(env: Environment, name: string, fallback: number): number {
  const value = env[name];
  if (!value) return fallback;
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new SettingsError(`${name} is "${value}"; expected a number above 0`);
}

function key(env: Environment, name: string): Uint8Array {
  const bytes = Buffer.from(required(env, name), 'base64');
  if (bytes.length >= MIN_KEY_BYTES) return bytes;
  throw new SettingsError(
    `${name} holds ${bytes.length} bytes; expected base64 of at least ${MIN_KEY_BYTES}`,
  );
}

function sealKey(env: Environment, name: string): Uint8Array {
  const bytes = Buffer.from(required(env, name), 'base64');
  if (bytes.length === SEAL_KEY_BYTES) return bytes;
  throw new SettingsError(`${name} holds ${bytes.length} bytes; expected base64 of ${SEAL_KEY_BYTES}`);
}
