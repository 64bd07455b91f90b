// Between Node's HTTP messages and the shapes that the library reads and writes.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpCookie, HttpData, TypedData } from '../worker/protocol.js';

/** @returns header values as the host hands them over, repeated ones joined */
export function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return headers;
}

/** @returns query values by name; .NET joins the values of a repeated name with a comma */
export function queryOf(url: URL): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of url.searchParams)
    query[name] = name in query ? `${query[name]},${value}` : value;
  return query;
}

export function toHttpData(
  request: IncomingMessage,
  url: URL,
  params: Record<string, string>,
  body: Buffer,
): HttpData {
  return {
    url: url.href,
    method: request.method ?? 'GET',
    nullableHeaders: nullable(headersOf(request)),
    nullableQuery: nullable(queryOf(url)),
    nullableParams: nullable(params),
    ...(body.length > 0 ? { body: { bytes: body } } : {}),
  };
}

const nullable = (values: Record<string, string>): Record<string, { value: string }> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));

/** A function that returned nothing answers 204, as on Azure. */
export function writeResponse(response: ServerResponse, data: HttpData | undefined): void {
  if (!data) {
    response.writeHead(204).end();
    return;
  }
  for (const [name, value] of Object.entries(data.headers ?? {})) response.appendHeader(name, value);
  for (const cookie of data.cookies ?? []) response.appendHeader('set-cookie', writeCookie(cookie));
  const body = bytesOf(data.body);
  response.statusCode = Number(data.statusCode ?? 200);
  if (!response.hasHeader('content-length') && ![204, 304].includes(response.statusCode))
    response.setHeader('content-length', body.length);
  response.end(body);
}

function bytesOf(data: TypedData | undefined): Uint8Array {
  if (!data) return Buffer.alloc(0);
  if (data.bytes) return data.bytes;
  return Buffer.from(data.string ?? data.json ?? String(data.int ?? data.double ?? ''));
}

/** Values are percent-encoded as ASP.NET does; the name is the app's own. */
function writeCookie(cookie: HttpCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  if (cookie.expires)
    parts.push(`expires=${new Date(Number(cookie.expires.value.seconds) * 1_000).toUTCString()}`);
  if (cookie.maxAge) parts.push(`max-age=${cookie.maxAge.value}`);
  if (cookie.domain) parts.push(`domain=${cookie.domain.value}`);
  parts.push(`path=${cookie.path?.value ?? '/'}`);
  if (cookie.secure?.value) parts.push('secure');
  if (cookie.sameSite && cookie.sameSite !== 'none')
    parts.push(`samesite=${cookie.sameSite === 'explicitNone' ? 'none' : cookie.sameSite}`);
  if (cookie.httpOnly?.value) parts.push('httponly');
  return parts.join('; ');
}
