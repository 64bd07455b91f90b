// HTTP streaming: the request goes to the HTTP server that the library runs inside the worker, and its answer
// comes back as it is written. The invocation itself travels beside it, over the worker's own channel.
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';

/** Headers that concern one connection only (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The worker's server closes a connection that was idle for five seconds, Node's default: a request could meet that. */
const IDLE_MS = 4_000;

/** The host's connections to its worker. An idle one is given up before the worker gives it up. */
export const workerAgent = (): http.Agent => new http.Agent({ keepAlive: true, timeout: IDLE_MS });

export interface Forwarding {
  /** Ends when the answer has been written or the client has gone. Never rejects. */
  done: Promise<'answered' | 'clientGone' | 'workerGone' | 'tooLarge'>;
  abort(): void;
}

/**
 * @param streamUrl the library's server in the worker
 * @param limit bytes of request body; more is answered with 413
 */
export function forward(options: {
  request: IncomingMessage;
  response: ServerResponse;
  streamUrl: string;
  invocationId: string;
  agent: http.Agent;
  limit: number;
}): Forwarding {
  const { request, response, streamUrl, invocationId, agent, limit } = options;
  const { port } = new URL(streamUrl);
  const headers: http.OutgoingHttpHeaders = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name)),
  );
  headers['x-ms-invocation-id'] = invocationId;
  headers['x-forwarded-host'] = request.headers.host ?? 'localhost';
  headers['x-forwarded-proto'] = 'http';
  if (request.headers['transfer-encoding']) headers['transfer-encoding'] = 'chunked';
  const proxied = http.request({
    host: '127.0.0.1',
    port,
    agent,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
  });

  // The library answers an invocation only once its request has come in, so even one whose client is already
  // gone has to arrive before it is cut.
  const abort = (): void => {
    const cut = (): void => void setImmediate(() => proxied.destroy());
    const { socket } = proxied;
    if (socket && !socket.connecting) cut();
    else proxied.once('socket', (opened) => (opened.connecting ? opened.once('connect', cut) : cut()));
  };

  let size = 0;
  let tooLarge = false;
  const meter = new Transform({
    transform(chunk: Buffer, _, next) {
      size += chunk.length;
      if (size <= limit) return next(null, chunk);
      tooLarge = true;
      proxied.destroy();
      next();
    },
  });

  const done = new Promise<Awaited<Forwarding['done']>>((resolve) => {
    proxied.on('response', (answer) => {
      for (const [name, value] of Object.entries(answer.headers))
        if (value !== undefined && !HOP_BY_HOP.has(name) && name !== 'x-ms-invocation-id')
          response.setHeader(name, value);
      response.writeHead(answer.statusCode ?? 200);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
      answer.on('aborted', () => response.destroy());
    });
    proxied.on('error', () => resolve(tooLarge ? 'tooLarge' : 'workerGone'));
    response.on('close', () => {
      if (response.writableFinished) return resolve('answered');
      abort();
      resolve('clientGone');
    });
  });
  proxied.flushHeaders();
  request.pipe(meter).pipe(proxied);
  return { done, abort };
}
