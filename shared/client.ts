/**
 * The typed HTTP client for factories, `aq` and the console; runs in Node and in browsers. It takes types alone from
 * the contract, so that a bundle carries no schemas.
 */
import { problemOf, unreachable } from './client/problems.js';
import { followLog, type LogCall, type LogPart } from './client/logStream.js';
import type { JsonRouteName, RouteCall, RouteResult } from './contract/routeTypes.js';
import type { ROUTES, RouteName } from './contract/routes.js';
import { AppError } from './errors.js';

export type { LogCall, LogPart } from './client/logStream.js';

type Endpoint<N extends RouteName> = `${(typeof ROUTES)[N]['method']} ${(typeof ROUTES)[N]['path']}`;

/** Method and path of every route; the compiler holds them against the route table. */
const ENDPOINTS: { readonly [N in RouteName]: Endpoint<N> } = {
  getHealth: 'GET fleet/health',
  verifyAudit: 'GET fleet/audit',
  getOpenApi: 'GET fleet/openapi.json',
  getManifestSchema: 'GET fleet/schemas/manifest',
  getPlanSchema: 'GET fleet/schemas/plan',
  submitJob: 'POST fleet/jobs',
  listJobs: 'GET fleet/jobs',
  getJob: 'GET fleet/jobs/{jobId}',
  explainJob: 'GET fleet/jobs/{jobId}/explanation',
  getDag: 'GET fleet/jobs/{jobId}/dag',
  addChildren: 'POST fleet/jobs/{jobId}/children',
  shipJob: 'POST fleet/jobs/{jobId}/ship',
  cancelJob: 'POST fleet/jobs/{jobId}/cancel',
  requeueJob: 'POST fleet/jobs/{jobId}/requeue',
  approveJob: 'POST fleet/jobs/{jobId}/approve',
  rejectJob: 'POST fleet/jobs/{jobId}/reject',
  promoteJob: 'POST fleet/jobs/{jobId}/promote',
  overrideJob: 'POST fleet/jobs/{jobId}/override',
  holdJob: 'POST fleet/jobs/{jobId}/hold',
  pauseJob: 'POST fleet/jobs/{jobId}/pause',
  resumeJob: 'POST fleet/jobs/{jobId}/resume',
  streamLog: 'GET fleet/jobs/{jobId}/runs/{epoch}/log',
  claimJobs: 'POST fleet/claim',
  renewLease: 'POST fleet/jobs/{jobId}/runs/{epoch}/renew',
  reportRun: 'POST fleet/jobs/{jobId}/runs/{epoch}/report',
  appendLog: 'POST fleet/jobs/{jobId}/runs/{epoch}/log',
  putArtifact: 'PUT fleet/jobs/{jobId}/runs/{epoch}/artifact',
  getArtifact: 'GET fleet/jobs/{jobId}/runs/{epoch}/artifact',
  createEnrolment: 'POST fleet/enrolments',
  enrolFactory: 'POST fleet/factories',
  listFactories: 'GET fleet/factories',
  rotateToken: 'POST fleet/factories/token',
  leaveFleet: 'POST fleet/factories/leave',
  handOverJob: 'POST fleet/products/{productId}/handover',
  drainFactory: 'POST fleet/factories/{factoryId}/drain',
  revokeFactory: 'POST fleet/factories/{factoryId}/revoke',
  listProducts: 'GET fleet/products',
  getProduct: 'GET fleet/products/{productId}',
  putProduct: 'PUT fleet/products/{productId}',
  pauseProduct: 'POST fleet/products/{productId}/pause',
  resumeProduct: 'POST fleet/products/{productId}/resume',
  getBudget: 'GET fleet/products/{productId}/budget',
  putBudget: 'PUT fleet/products/{productId}/budget',
  listProfiles: 'GET fleet/profiles/{owner}',
  getProfileHistory: 'GET fleet/profiles/{owner}/{name}',
  getProfileForRun: 'GET fleet/products/{productId}/profiles/{name}',
  putProfile: 'PUT fleet/profiles/{owner}/{name}',
  listSwitches: 'GET fleet/switches',
  listSwitchRecords: 'GET fleet/switches/records',
  halt: 'POST fleet/halt',
  resume: 'POST fleet/resume',
  getBurndown: 'GET fleet/products/{productId}/burndown',
  listParked: 'GET fleet/parked',
  retryParkedNow: 'POST fleet/parked/retry',
  receiveWebhook: 'POST fleet/webhooks/github/{productId}',
};

/** A GET is tried this often while the service is away or busy. */
const MAX_TRIES = 4;
const RETRY_BASE_MS = 100;
const RETRY_CAP_MS = 5000;

export interface ClientOptions {
  /** Up to and with `/api`. */
  readonly baseUrl: string;
  /** Bearer token, or where to get one for each call. Left out or empty, none is sent (enrolment, health). */
  readonly token?: string | (() => Promise<string>);
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A route without any required input may be called without an argument. */
type CallArguments<N extends RouteName> =
  object extends RouteCall<N>
    ? [call?: RouteCall<N>, options?: CallOptions]
    : [call: RouteCall<N>, options?: CallOptions];

export type Client = {
  readonly [N in JsonRouteName]: (...call: CallArguments<N>) => Promise<RouteResult<N>>;
} & {
  /** The log of a run, live and resumed by itself until it ends; stops when `signal` is aborted. */
  readonly streamLog: (call: LogCall) => AsyncIterable<LogPart>;
};

interface Input {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** Every call throws AppError: the service's own, rebuilt from problem+json, or `unavailable` when it is away. */
export function createClient(options: ClientOptions): Client {
  const send = options.fetch ?? fetch;

  const call = async (name: JsonRouteName, input: Input, signal?: AbortSignal): Promise<unknown> => {
    const [method, path] = endpointOf(name);
    const url = urlOf(options.baseUrl, path, input);
    for (let tries = 1; ; tries += 1) {
      try {
        const response = await reach(send, url, {
          method,
          headers: { ...(await authorization(options.token)), ...contentType(input.body) },
          ...(input.body === undefined ? {} : { body: bodyOf(input.body) }),
          ...(signal ? { signal } : {}),
        });
        if (!response.ok) throw await problemOf(response);
        return await response.json();
      } catch (error) {
        const again = method === 'GET' && error instanceof AppError && error.code === 'unavailable';
        if (!again || tries === MAX_TRIES) throw error;
        await pause(Math.random() * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 3 ** tries), signal);
      }
    }
  };

  const names = Object.keys(ENDPOINTS).filter((name): name is JsonRouteName => name !== 'streamLog');
  const methods = Object.fromEntries(
    names.map((name) => [
      name,
      (input: Input = {}, { signal }: CallOptions = {}) => call(name, input, signal),
    ]),
  );
  const streamLog = (log: LogCall): AsyncIterable<LogPart> =>
    followLog(log, async (from, signal) => {
      const [method, path] = endpointOf('streamLog');
      const response = await reach(send, urlOf(options.baseUrl, path, { params: log.params }), {
        method,
        headers: {
          ...(await authorization(options.token)),
          accept: 'text/event-stream',
          ...(from > 0 ? { 'last-event-id': String(from) } : {}),
        },
        signal,
      });
      if (!response.ok) throw await problemOf(response);
      return response;
    });
  // Each method was made for the route of its name; the table's type says what goes in and comes out.
  return { ...methods, streamLog } as unknown as Client;
}

function endpointOf(name: RouteName): [method: string, path: string] {
  const [method = '', path = ''] = ENDPOINTS[name].split(' ');
  return [method, path];
}

function urlOf(baseUrl: string, path: string, input: Input): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(input.params?.[name] ?? '')),
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {}))
    if (value !== undefined) query.set(name, String(value as string | number | boolean));
  const search = query.size > 0 ? `?${query.toString()}` : '';
  return `${baseUrl.replace(/\/+$/, '')}/${filled}${search}`;
}

async function authorization(token: ClientOptions['token']): Promise<Record<string, string>> {
  const bearer = typeof token === 'function' ? await token() : token;
  return bearer ? { authorization: `Bearer ${bearer}` } : {};
}

const contentType = (body: unknown): Record<string, string> => {
  if (body === undefined) return {};
  return { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' };
};

const bodyOf = (body: unknown): NonNullable<RequestInit['body']> =>
  body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body);

async function reach(send: typeof fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await send(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unreachable(url, error);
  }
}

/** Rejects with the signal's reason when that is aborted. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
