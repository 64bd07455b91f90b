// host.json: the options that this host obeys, with the defaults of the real one. What it does not know it names
// in the log, so that nobody believes an ignored option to be in force.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Settings } from './settings.js';
import type { LogLevel } from './worker/protocol.js';
import os from 'node:os';

export interface HostConfig {
  /** ms; undefined = no limit ("-1"). Default 30 min, as on Flex Consumption and Premium. */
  functionTimeout: number | undefined;
  logLevels: Record<string, LogLevel>;
  http: { routePrefix: string; customHeaders: Record<string, string>; maxOutstandingRequests: number };
  serviceBus: {
    maxConcurrentCalls: number;
    maxConcurrentSessions: number;
    autoCompleteMessages: boolean;
    /** ms */
    maxAutoLockRenewalDuration: number;
    maxMessageBatchSize: number;
    /** ms; default = the client's own wait for a message, 1 min */
    sessionIdleTimeout: number;
  };
  /** ms; the locks that let one instance alone run a timer */
  singleton: { listenerLockPeriod: number; listenerLockRecoveryPollingInterval: number };
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** What a host.json may hold without being obeyed here: it concerns Azure's own machinery. */
const SILENT = new Set([
  'version',
  'extensionbundle',
  'logging:applicationinsights',
  'logging:filelogmode',
  'logging:console',
  'telemetrymode',
  'watchdirectories',
  'watchfiles',
  'healthmonitor',
  'concurrency',
]);

/**
 * Reads host.json, then applies `AzureFunctionsJobHost__a__b` settings, then `overrides`.
 * @throws Error when host.json is missing, is no JSON, or a value has the wrong form
 */
export function readHostJson(
  appDir: string,
  settings: Settings,
  overrides: JsonObject,
  warn: (message: string) => void,
): HostConfig {
  const file = path.join(appDir, 'host.json');
  if (!existsSync(file)) throw new Error(`${appDir} has no host.json, so it is no function app.`);
  const values = new Map<string, Json>();
  flatten(JSON.parse(readFileSync(file, 'utf8')) as Json, '', values);
  for (const [keys, value] of settings.section('AzureFunctionsJobHost')) values.set(keys.join(':'), value);
  flatten(overrides, '', values);

  const take = (name: string): Json | undefined => {
    const key = name.toLowerCase();
    const value = values.get(key);
    values.delete(key);
    return value;
  };
  const text = (name: string, fallback: string): string => {
    const value = take(name) ?? fallback;
    if (typeof value === 'object') throw new Error(`host.json: ${name} must be a single value.`);
    return `${value}`;
  };
  const number = (name: string, fallback: number): number => {
    const value = take(name);
    if (value === undefined) return fallback;
    const parsed = Number(value);
    if (!Number.isFinite(parsed)) throw new Error(`host.json: ${name} must be a number.`);
    return parsed;
  };
  const duration = (name: string, fallback: number): number => {
    const value = text(name, '');
    return value === '' ? fallback : parseTimeSpan(value, name);
  };
  const section = <T extends Json>(prefix: string): Record<string, T> => {
    const start = `${prefix.toLowerCase()}:`;
    const keys = [...values.keys()].filter((key) => key.startsWith(start));
    return Object.fromEntries(keys.map((key) => [key.slice(start.length), take(key) as T]));
  };

  const timeout = text('functionTimeout', '00:30:00');
  const bus = 'extensions:serviceBus';
  const config: HostConfig = {
    functionTimeout: timeout === '-1' ? undefined : parseTimeSpan(timeout, 'functionTimeout'),
    logLevels: lowerCaseValues(section<string>('logging:logLevel')),
    http: {
      routePrefix: text('extensions:http:routePrefix', 'api').replaceAll(/^\/+|\/+$/g, ''),
      customHeaders: section<string>('extensions:http:customHeaders'),
      maxOutstandingRequests: number('extensions:http:maxOutstandingRequests', -1),
    },
    serviceBus: {
      maxConcurrentCalls: number(`${bus}:maxConcurrentCalls`, 16 * os.availableParallelism()),
      maxConcurrentSessions: number(`${bus}:maxConcurrentSessions`, 8),
      autoCompleteMessages: text(`${bus}:autoCompleteMessages`, 'true') === 'true',
      maxAutoLockRenewalDuration: duration(`${bus}:maxAutoLockRenewalDuration`, 5 * 60_000),
      maxMessageBatchSize: number(`${bus}:maxMessageBatchSize`, 1_000),
      sessionIdleTimeout: duration(`${bus}:sessionIdleTimeout`, 60_000),
    },
    singleton: {
      listenerLockPeriod: duration('singleton:listenerLockPeriod', 60_000),
      listenerLockRecoveryPollingInterval: duration('singleton:listenerLockRecoveryPollingInterval', 60_000),
    },
  };
  for (const key of values.keys())
    if (![...SILENT].some((known) => key === known || key.startsWith(`${known}:`)))
      warn(`host.json: this host does not know ${key.replaceAll(':', '.')} and ignores it.`);
  return config;
}

function flatten(value: Json, prefix: string, into: Map<string, Json>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    into.set(prefix, value);
    return;
  }
  for (const [key, inner] of Object.entries(value))
    flatten(inner, prefix ? `${prefix}:${key.toLowerCase()}` : key.toLowerCase(), into);
}

const lowerCaseValues = (levels: Record<string, string>): Record<string, LogLevel> =>
  Object.fromEntries(
    Object.entries(levels).map(([key, level]) => [key, String(level).toLowerCase() as LogLevel]),
  );

/** @returns ms of a .NET time span, `[d.]hh:mm:ss[.fff]`. @throws Error naming the option */
export function parseTimeSpan(text: string, option: string): number {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?$/.exec(text.trim());
  if (!match) throw new Error(`${option} must be a time span such as "00:05:00", not "${text}".`);
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1_000;
}
