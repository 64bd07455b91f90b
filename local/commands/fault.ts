import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CONNECTIONS_FILE } from '../cloud.js';
import { cosmosFaults, serviceBusFaults, type FaultRequest } from '../faultRequest.js';
import { UsageError } from '../usageError.js';

export const FAULT_SERVICES = ['servicebus', 'cosmos', 'host'] as const;

export interface FaultCommand {
  /** Of the running installation. */
  readonly dataDir: string;
  readonly service: string;
  /** JSON. */
  readonly fault: string;
}

/** @throws UsageError when the folder has no such file: nothing runs there, or not with that service */
function readIn(dataDir: string, ...names: string[]): Readonly<Record<string, unknown>> {
  const file = path.join(dataDir, ...names);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read: start the gigafactory or the embedded cloud first, or name its folder with --data.`,
      { cause: error },
    );
  }
}

/** Where a fault of that service goes, and by what right. */
function target({ dataDir, service }: FaultCommand): FaultRequest {
  switch (service) {
    case 'servicebus': {
      const { serviceBus } = readIn(dataDir, 'cloud', CONNECTIONS_FILE);
      return serviceBusFaults(String(serviceBus));
    }
    case 'cosmos': {
      const { cosmos } = readIn(dataDir, 'cloud', CONNECTIONS_FILE);
      return cosmosFaults(String(cosmos));
    }
    case 'host': {
      const { apiUrl } = readIn(dataDir, 'connection.json');
      const { Host } = readIn(dataDir, 'settings.json') as { Host?: { MasterKey?: string } };
      return {
        url: new URL('/admin/faults', String(apiUrl)).href,
        headers: { 'x-functions-key': Host?.MasterKey ?? '' },
      };
    }
    default:
      throw new UsageError(`There is no service "${service}": expected one of ${FAULT_SERVICES.join(', ')}.`);
  }
}

/** The sentence in a refusal, which each service wraps in its own way. */
function sentenceIn(refusal: string): string {
  const detail = /<Detail>(.*)<\/Detail>/s.exec(refusal)?.[1];
  if (detail !== undefined)
    return detail.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
  try {
    const { message, error } = JSON.parse(refusal) as { message?: unknown; error?: unknown };
    const [, errors] = /^Message: (\{.*\})/s.exec(String(message)) ?? [];
    if (errors === undefined) return [message, error].find((one) => typeof one === 'string') ?? refusal;
    return (JSON.parse(errors) as { Errors: string[] }).Errors.join(' ');
  } catch {
    return refusal;
  }
}

/**
 * Puts a fault in force on a running service and prints its answer.
 * @throws UsageError for what is no fault of that service, Error when the service cannot be reached
 */
export async function runFault(command: FaultCommand): Promise<void> {
  try {
    JSON.parse(command.fault);
  } catch (error) {
    throw new UsageError(`The fault is not JSON: ${command.fault}`, { cause: error });
  }
  const { url, headers } = target(command);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: command.fault,
  }).catch((error: unknown) => {
    throw new Error(`${command.service} does not answer at ${url}: is it running?`, { cause: error });
  });
  const text = await answer.text();
  if (answer.status === 400) throw new UsageError(sentenceIn(text));
  if (!answer.ok) throw new Error(`${command.service} answered ${answer.status}: ${sentenceIn(text)}`);
  process.stdout.write(`${text}\n`);
}
