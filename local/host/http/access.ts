// Who may call: function keys as the Functions host checks them, and CORS as App Service answers it.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpTrigger } from '../functions.js';

export interface Keys {
  /** Opens everything, and alone opens the admin endpoints and functions of level `admin`. */
  master: string;
  /** Open every function of level `function`. */
  host: readonly string[];
  /** Function name → keys that open it alone. */
  functions: Readonly<Record<string, readonly string[]>>;
}

/** @returns the key of a request; the header wins over the query, even when its value is wrong */
export function keyOf(request: IncomingMessage, url: URL): string | undefined {
  const header = request.headers['x-functions-key'];
  return (Array.isArray(header) ? header[0] : header) ?? url.searchParams.get('code') ?? undefined;
}

export function isMaster(keys: Keys, key: string | undefined): boolean {
  return key !== undefined && same(key, keys.master);
}

/** @returns whether the key opens this function */
export function mayCall(
  keys: Keys,
  name: string,
  level: HttpTrigger['authLevel'],
  key: string | undefined,
): boolean {
  switch (level) {
    case 'anonymous':
      return true;
    case 'admin':
      return isMaster(keys, key);
    case 'function':
      return (
        isMaster(keys, key) ||
        (key !== undefined &&
          [...keys.host, ...(keys.functions[name] ?? [])].some((known) => same(key, known)))
      );
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const same = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));

export interface Cors {
  /** Exact origins, or `*`. */
  origins: readonly string[];
  credentials: boolean;
}

/**
 * Sets the CORS headers of an answer, and answers a preflight itself: it never reaches a function.
 * @returns true when the request has been answered
 */
export function applyCors(
  cors: Cors | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const origin = request.headers.origin;
  if (!cors || !origin) return false;
  const any = cors.origins.includes('*');
  const allowed = any || cors.origins.includes(origin);
  if (allowed) {
    response.setHeader('access-control-allow-origin', any && !cors.credentials ? '*' : origin);
    if (cors.credentials) response.setHeader('access-control-allow-credentials', 'true');
    response.setHeader('vary', 'Origin');
  }
  const method = request.headers['access-control-request-method'];
  if (request.method !== 'OPTIONS' || !method) return false;
  if (allowed) {
    response.setHeader('access-control-allow-methods', method);
    const headers = request.headers['access-control-request-headers'];
    if (headers) response.setHeader('access-control-allow-headers', headers);
  }
  response.writeHead(204).end();
  return true;
}
