// What the embedded cloud's small HTTP servers share: listening with a clear error, bodies with a limit, and
// closing at once.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stackOf } from './errorText.js';

/** Everything here is for this machine alone. */
export const LOOPBACK = '127.0.0.1';

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

export interface Listening {
  port: number;
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  url: string;
  /** Stops listening and cuts every connection, kept-alive and streaming ones too. */
  close: () => Promise<void>;
}

/**
 * Starts a server. An error that a handler lets through is answered with 500 and told to `log`.
 * @param what the server's name for people, as in "the tracker"
 * @param port 0 chooses a free one
 * @throws Error naming the port when it is taken (its `cause` is the system's error)
 */
export async function listen(
  what: string,
  { port = 0, host = LOOPBACK, log }: { port?: number; host?: string; log?: (line: string) => void },
  handler: Handler,
): Promise<Listening> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const target = request.url ?? '/';
      // A target that starts with two slashes would name another host.
      const base = `http://${LOOPBACK}`;
      if (target.startsWith('/') && URL.canParse(base + target))
        await handler(request, response, new URL(base + target));
      else send(response, 400, 'text/plain; charset=utf-8', 'That is not a path.\n');
    };
    answer().catch((error: unknown) => {
      log?.(`${what}: ${request.method} ${request.url}: ${stackOf(error)}`);
      if (response.headersSent) response.destroy();
      else send(response, 500, 'text/plain; charset=utf-8', 'Something went wrong; the log says what.\n');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`Port ${port} for ${what} is taken: stop what listens there, or choose another port.`, {
              cause: error,
            })
          : error,
      ),
    );
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A body larger than the server takes. */
export class BodyTooLarge extends Error {
  constructor(limit: number) {
    super(`The body is larger than ${limit} bytes.`);
  }
}

/** Reads a whole body. @throws BodyTooLarge above `limit` bytes; Error when the client goes away */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new BodyTooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new BodyTooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body), headers);
}

export function sendHtml(response: ServerResponse, status: number, body: string): void {
  // Nothing of these pages comes from elsewhere, and no other page may put them into a frame.
  send(response, status, 'text/html; charset=utf-8', body, {
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for any place in HTML, attributes in quotes included. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
