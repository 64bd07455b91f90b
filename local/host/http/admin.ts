// The admin endpoints: the host's state, its functions, and running one by hand. All but the ping need the
// master key.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HostedFunction } from '../functions.js';
import type { Input } from '../invoker.js';
import type { TypedData } from '../worker/protocol.js';
import { isMaster, keyOf } from './access.js';
import type { Keys } from './access.js';
import type { Admin } from './front.js';
import { BodyTooLarge, readBody } from '../../httpServer.js';

/** Bytes; a hand-made trigger input is small. Our own limit. */
const MAX_INPUT = 1_048_576;

export interface AdminOptions {
  keys: Keys;
  hostId: string;
  state(): 'Starting' | 'Running' | 'Error' | 'Stopping';
  functions(): readonly HostedFunction[];
  routePrefix(): string;
  /** Undefined where the app runs in the host's own process, and between two lives of the worker. */
  workerPid(): number | undefined;
  /** Runs a function in the background, retries included. */
  start(fn: HostedFunction, input: Input): void;
}

export function createAdmin(options: AdminOptions): Admin {
  const startedAt = Date.now();
  return async (request, response, url) => {
    if (url.pathname === '/admin/host/ping') return json(response, 200, {});
    if (!isMaster(options.keys, keyOf(request, url))) {
      response.writeHead(401).end();
      return true;
    }
    if (url.pathname === '/admin/host/status')
      return json(response, 200, {
        id: options.hostId,
        state: options.state(),
        version: '4.0.0',
        processUptime: Date.now() - startedAt,
      });
    if (url.pathname === FAULTS && request.method === 'POST') return breakWorker(request, response, options);
    const origin = url.origin;
    if (url.pathname === '/admin/functions' && request.method === 'GET')
      return json(
        response,
        200,
        options.functions().map((fn) => describe(fn, origin, options.routePrefix())),
      );
    const [, , , name, part] = url.pathname.split('/').map(decoded);
    const fn = options.functions().find((candidate) => candidate.name.toLowerCase() === name?.toLowerCase());
    if (!url.pathname.startsWith('/admin/functions/') || !fn) return false;
    if (request.method === 'GET' && part === undefined)
      return json(response, 200, describe(fn, origin, options.routePrefix()));
    if (request.method === 'GET' && part === 'status')
      return json(response, 200, { isDisabled: fn.disabled });
    if (request.method !== 'POST' || part !== undefined) return false;
    let body: Buffer;
    try {
      body = await readBody(request, MAX_INPUT);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      response.writeHead(413, { connection: 'close' }).end();
      return true;
    }
    const input = parseInput(body);
    if (input === undefined)
      return json(response, 400, { error: 'The body must be JSON such as {"input":"…"}.' });
    if (fn.trigger.kind === 'http')
      return json(response, 400, {
        error: `"${fn.name}" is an HTTP function: call its route (${invokeUrl(fn, origin, options.routePrefix())}).`,
      });
    options.start(fn, { data: byHand(fn, input), reason: 'This function was started by hand.' });
    response.writeHead(202).end();
    return true;
  };
}

/** Not of the real host: the embedded cloud breaks on purpose. */
const FAULTS = '/admin/faults';
const WHAT =
  'A fault is {"kind":"killWorker"} or {"kind":"pauseWorker","ms":1000}, and the app runs in a worker.';

/** Kills the worker, or stops it for a while, as a crash or a machine that has too much to do would. */
async function breakWorker(
  request: IncomingMessage,
  response: ServerResponse,
  options: AdminOptions,
): Promise<true> {
  const { kind, ms } = parseFault((await readBody(request, MAX_INPUT)).toString('utf8'));
  const pid = options.workerPid();
  if (kind === 'killWorker' && pid !== undefined) process.kill(pid, 'SIGKILL');
  else if (kind === 'pauseWorker' && pid !== undefined && typeof ms === 'number' && ms > 0) {
    process.kill(pid, 'SIGSTOP');
    setTimeout(() => {
      // It may have been killed meanwhile.
      if (options.workerPid() === pid) process.kill(pid, 'SIGCONT');
    }, ms);
  } else return json(response, 400, { error: WHAT });
  return json(response, 200, { pid });
}

function parseFault(body: string): { kind?: unknown; ms?: unknown } {
  try {
    const fault: unknown = JSON.parse(body);
    return typeof fault === 'object' && fault !== null ? fault : {};
  } catch {
    return {};
  }
}

/** A segment of a path; one with a broken escape names nothing. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** @returns the trigger's data made from the text that the caller gave */
function byHand(fn: HostedFunction, input: string): TypedData {
  switch (fn.trigger.kind) {
    case 'timer':
      return {
        json: JSON.stringify({ Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false }),
      };
    case 'serviceBus':
      return fn.trigger.cardinality === 'many'
        ? { collectionString: { string: [input] } }
        : { string: input };
    case 'cosmos':
    case 'http':
      return { string: input };
  }
}

function parseInput(body: Buffer): string | undefined {
  if (body.length === 0) return '';
  try {
    const { input } = JSON.parse(body.toString('utf8')) as { input?: unknown };
    return typeof input === 'string' ? input : input === undefined ? '' : JSON.stringify(input);
  } catch {
    return undefined;
  }
}

function describe(fn: HostedFunction, origin: string, prefix: string): object {
  return {
    name: fn.name,
    language: 'node',
    href: `${origin}/admin/functions/${fn.name}`,
    isDisabled: fn.disabled,
    config: {
      bindings: Object.entries(fn.metadata.bindings).map(([name, binding]) => ({ ...binding, name })),
    },
    ...(fn.trigger.kind === 'http' ? { invoke_url_template: invokeUrl(fn, origin, prefix) } : {}),
  };
}

const invokeUrl = (fn: HostedFunction, origin: string, prefix: string): string =>
  fn.trigger.kind === 'http' ? `${origin}/${prefix ? `${prefix}/` : ''}${fn.trigger.route}` : '';

function json(response: ServerResponse, status: number, body: object): true {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(text);
  return true;
}
