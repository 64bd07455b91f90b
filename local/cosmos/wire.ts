// Bytes to requests and replies to bytes.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MINIMUM_CHARGE } from './charge.js';
import { badRequest, tooLarge, type CosmosError } from './errors.js';
import type { Reply } from './http.js';
import type { Json, Value } from './json.js';

/** Longest body read: an item or batch of 2 MiB, with room for the escapes of its JSON. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Reads a whole body. One that is too long is read to its end, so that the client hears why, but not kept. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw tooLarge();
  return Buffer.concat(chunks);
}

/** A body as JSON; undefined for none. Throws 400. */
export function parseBody(bytes: Buffer): Value {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as Json;
  } catch {
    throw badRequest('The request payload is invalid. Ensure to provide a valid request payload.');
  }
}

/** The path, decoded. Throws 400. */
export function parseSegments(url: string): string[] {
  try {
    const [path = ''] = url.split('?');
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw badRequest('The request path is not well-formed.');
  }
}

export function send(response: ServerResponse, { status, headers, body }: Reply): void {
  // 204 and 304 have no body, and the client takes any other empty body for an error.
  const payload = status === 204 || status === 304 ? '' : JSON.stringify(body ?? null);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
    'x-ms-activity-id': randomUUID(),
    'x-ms-version': '2020-07-15',
    ...headers,
  });
  response.end(payload);
}

/** An error as the service's answer. */
export function errorReply(error: CosmosError): Reply {
  const { substatus, retryAfterMs, additionalErrorInfo } = error.details;
  return {
    status: error.status,
    headers: {
      'x-ms-request-charge': String(MINIMUM_CHARGE),
      ...(substatus === undefined ? {} : { 'x-ms-substatus': String(substatus) }),
      ...(retryAfterMs === undefined ? {} : { 'x-ms-retry-after-ms': String(retryAfterMs) }),
    },
    body: {
      code: error.code,
      message: error.message,
      ...(additionalErrorInfo === undefined ? {} : { additionalErrorInfo }),
    },
  };
}
