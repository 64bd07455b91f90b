// The HTTP face of the host: routes to functions, keys, CORS, limits, and the answers when something is wrong.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isKind } from '../functions.js';
import type { HostedFunction, HttpTrigger } from '../functions.js';
import type { Invoker } from '../invoker.js';
import type { Log } from '../log.js';
import type { Worker } from '../worker.js';
import type { TypedData } from '../worker/protocol.js';
import { FunctionFailed } from '../worker.js';
import { applyCors, keyOf, mayCall } from './access.js';
import type { Cors, Keys } from './access.js';
import { BodyTooLarge, readBody } from '../../httpServer.js';
import { headersOf, queryOf, toHttpData, writeResponse } from './message.js';
import { matchRoute, orderRoutes, parseRoute } from './routes.js';
import type { Route } from './routes.js';
import { forward, workerAgent } from './stream.js';

/** ms that an answer gets to end, once the host closes, when it is already being streamed: an event stream never does. */
const STREAM_GRACE = 200;

/** Answers requests below /admin; @returns false when there is no such endpoint. */
export type Admin = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<boolean>;

export interface FrontOptions {
  worker: Worker;
  invoker: Invoker;
  log: Log;
  keys: Keys;
  cors: Cors | undefined;
  admin: Admin;
  /** Bytes; larger bodies get 413. */
  bodyLimit: number;
}

/** What changes when the app is loaded again. */
export interface Site {
  functions: readonly HostedFunction[];
  routePrefix: string;
  customHeaders: Record<string, string>;
  /** Requests in work above which 429 is answered; -1 = no limit. */
  maxOutstandingRequests: number;
}

type HttpFunction = HostedFunction<HttpTrigger>;

export class HttpFront {
  readonly #options: FrontOptions;
  readonly #server: http.Server;
  readonly #agent = workerAgent();
  #site: (Omit<Site, 'functions'> & { routes: Route<HttpFunction>[] }) | undefined;
  #outstanding = 0;
  readonly #streaming = new Set<ServerResponse>();

  constructor(options: FrontOptions) {
    this.#options = options;
    // A request may stream for longer than Node's default of five minutes.
    this.#server = http.createServer({ requestTimeout: 0 }, (request, response) => {
      // A connection that becomes idle while the server closes would be kept until the client lets go of it.
      response.once('close', () => {
        if (!this.#server.listening) setImmediate(() => this.#server.closeIdleConnections());
      });
      this.#answer(request, response).catch((error: unknown) => {
        options.log('error', 'Host.Http', `${request.method} ${request.url}: ${String(error)}`);
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end();
      });
    });
  }

  /** @returns the port. @throws Error naming a taken port and its cure */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const message = `Port ${port} for the Functions host is taken: stop what listens there, or choose another port.`;
        reject(error.code === 'EADDRINUSE' ? new Error(message, { cause: error }) : error);
      });
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /**
   * From now on these functions answer; with undefined, 503 does.
   * @throws Error for a route template that cannot be used
   */
  serve(site: Site | undefined): void {
    if (!site) {
      this.#site = undefined;
      return;
    }
    const routes = site.functions
      .filter((fn) => isKind('http')(fn))
      .filter((fn) => !fn.disabled)
      .map((fn) => parseRoute(`${site.routePrefix}/${fn.trigger.route}`, fn.trigger.methods, fn));
    this.#site = { ...site, routes: orderRoutes(routes) };
  }

  /** Takes no new requests and gives the running ones `graceMs` to end; those that stream already have less. */
  async close(graceMs: number): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const cutStreams = setTimeout(() => {
      for (const response of this.#streaming) if (response.headersSent) response.destroy();
    }, STREAM_GRACE);
    const cutAll = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cutStreams);
    clearTimeout(cutAll);
    this.#agent.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cors, keys, admin } = this.#options;
    const address = `http://${request.headers.host ?? 'localhost'}${request.url}`;
    if (!request.url?.startsWith('/') || !URL.canParse(address)) return void response.writeHead(400).end();
    const url = new URL(address);
    if (applyCors(cors, request, response)) return;
    if (url.pathname === '/') return void response.writeHead(200).end('The Functions host is running.\n');
    if (url.pathname.startsWith('/admin/')) {
      if (!(await admin(request, response, url))) response.writeHead(404).end();
      return;
    }
    const site = this.#site;
    if (!site) return void response.writeHead(503).end();
    for (const [name, value] of Object.entries(site.customHeaders)) response.setHeader(name, value);
    // A method that no route lists is 404 on Azure, never 405.
    const found = matchRoute(site.routes, request.method ?? 'GET', url.pathname);
    if (!found) return void response.writeHead(404).end();
    const { target: fn, params } = found;
    if (!mayCall(keys, fn.name, fn.trigger.authLevel, keyOf(request, url)))
      return void response.writeHead(401).end();
    if (site.maxOutstandingRequests >= 0 && this.#outstanding >= site.maxOutstandingRequests)
      return void response.writeHead(429).end();
    this.#outstanding++;
    try {
      const { streamUrl } = this.#options.worker;
      if (streamUrl) await this.#stream(fn, params, request, response, url, streamUrl);
      else await this.#buffer(fn, params, request, response, url);
    } finally {
      this.#outstanding--;
    }
  }

  async #buffer(
    fn: HttpFunction,
    params: Record<string, string>,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    let body: Buffer;
    try {
      body = await readBody(request, this.#options.bodyLimit);
    } catch (error) {
      if (error instanceof BodyTooLarge) response.writeHead(413, { connection: 'close' }).end();
      return;
    }
    try {
      const result = await this.#options.invoker.run(fn, {
        data: { http: toHttpData(request, url, params, body) },
        ...trace(request),
        reason: 'This function was programmatically called via the host APIs.',
      });
      const value =
        fn.httpOutput === '$return'
          ? result.returnValue
          : result.outputData?.find(({ name }) => name === fn.httpOutput)?.data;
      writeResponse(response, value?.http);
    } catch {
      // The invoker has logged it; a caller learns nothing of it, as on Azure.
      if (!response.headersSent) response.writeHead(500).end();
    }
  }

  async #stream(
    fn: HttpFunction,
    params: Record<string, string>,
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    streamUrl: string,
  ): Promise<void> {
    const { bodyLimit: limit, invoker, log } = this.#options;
    if (Number(request.headers['content-length'] ?? 0) > limit)
      return void response.writeHead(413, { connection: 'close' }).end();
    const invocationId = randomUUID();
    const metadata: Record<string, TypedData> = {
      Query: { json: JSON.stringify(queryOf(url)) },
      Headers: { json: JSON.stringify(headersOf(request)) },
    };
    // The real host's binding data mixes both, so `request.params` also holds the query here.
    for (const [name, value] of Object.entries({ ...queryOf(url), ...params }))
      metadata[name] = { string: value };
    const forwarding = forward({ request, response, streamUrl, invocationId, agent: this.#agent, limit });
    const input = { data: { http: {} }, metadata, ...trace(request), reason: 'HTTP request, streamed.' };
    invoker.run(fn, input, undefined, invocationId).catch((error: unknown) => {
      if (!(error instanceof FunctionFailed)) return forwarding.abort();
      // azure-functions-nodejs-library#324: nobody answers the proxied request, so the client waits.
      const trap = 'It threw while HTTP streaming is on: as on Azure, its response never completes.';
      log('error', `Function.${fn.name}`, trap, invocationId);
    });
    this.#streaming.add(response);
    response.once('close', () => this.#streaming.delete(response));
    switch (await forwarding.done) {
      case 'answered':
      case 'clientGone':
        return;
      case 'tooLarge':
        if (!response.headersSent) response.writeHead(413, { connection: 'close' }).end();
        return;
      case 'workerGone':
        log('error', `Function.${fn.name}`, 'The connection to the worker broke.', invocationId);
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end();
    }
  }
}

function trace(request: IncomingMessage): { traceParent?: string; traceState?: string } {
  const { traceparent, tracestate } = request.headers;
  return {
    ...(typeof traceparent === 'string' ? { traceParent: traceparent } : {}),
    ...(typeof tracestate === 'string' ? { traceState: tracestate } : {}),
  };
}
