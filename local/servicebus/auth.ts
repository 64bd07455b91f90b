import { createHmac, timingSafeEqual } from 'node:crypto';
import { ServiceBusError } from './errors.js';

/** A shared access key: all rights on the whole namespace. */
export interface SasKey {
  readonly name: string;
  readonly value: string;
}

/** Checks a JSON web token for a resource; throws to refuse it. */
export type VerifyJwt = (token: string, resource: string) => Promise<void>;

/**
 * Checks a shared access signature, `SharedAccessSignature sr=…&sig=…&se=…&skn=…`.
 * @param resource URL of what it shall open; the token's own resource must be it or above it
 * @returns when it expires (ms)
 * @throws ServiceBusError `Unauthorized`
 */
export function verifySas(token: string, key: SasKey, resource: string, nowMs: number): number {
  const refuse = (why: string): never => {
    throw new ServiceBusError('Unauthorized', `Unauthorized access to '${resource}': ${why}.`);
  };
  const [scheme, list = ''] = token.split(' ', 2);
  if (scheme !== 'SharedAccessSignature') refuse('the token is no shared access signature');
  const fields = new Map(list.split('&').map((pair): [string, string] => splitAt(pair, pair.indexOf('='))));
  const [scope = '', signature = '', expiry = '', name = ''] = ['sr', 'sig', 'se', 'skn'].map((field) =>
    fields.get(field),
  );
  if (name !== key.name) refuse(`there is no key named '${name}'`);
  const wanted = sign(key, `${scope}\n${expiry}`);
  const given = Buffer.from(decode(signature), 'base64');
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) refuse('the signature is wrong');
  const expiresAt = Number(expiry) * 1_000;
  if (!(expiresAt > nowMs)) refuse('the token is expired');
  if (!covers(pathOf(decode(scope)), pathOf(resource))) refuse('the token is for another resource');
  return expiresAt;
}

/** Makes a shared access signature for a resource (a URL), valid until `expiresAt` (ms). */
export function signSas(key: SasKey, resource: string, expiresAt: number): string {
  const scope = encodeURIComponent(resource);
  const expiry = Math.ceil(expiresAt / 1_000);
  const signature = encodeURIComponent(sign(key, `${scope}\n${expiry}`).toString('base64'));
  return `SharedAccessSignature sr=${scope}&sig=${signature}&se=${expiry}&skn=${key.name}`;
}

/** The path of an entity's URL, in lower case and without query: `sb://host/Queue/` → `queue`. */
export function pathOf(url: string): string {
  return url
    .replace(/^[a-z]+:\/\/[^/]*/i, '')
    .replace(/\?.*$/s, '')
    .replace(/^\/+|\/+$/g, '')
    .toLowerCase();
}

/** True if access to one path gives access to another: the same, or below it. */
export function covers(path: string, wanted: string): boolean {
  return path === '' || wanted === path || wanted.startsWith(`${path}/`);
}

function sign(key: SasKey, text: string): Buffer {
  return createHmac('sha256', key.value).update(text).digest();
}

function splitAt(text: string, at: number): [string, string] {
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
