import {
  app as functionApp,
  type HttpHandler,
  type HttpRequest,
  type HttpResponseInit,
} from '@azure/functions';
import type {
  JsonRouteName,
  RouteInput,
  RouteResult,
  StreamRouteName,
} from '../../shared/contract/routeTypes.js';
import { ROUTES, type RouteName, type RouteSpec } from '../../shared/contract/routes.js';
import { viewOf } from '../../shared/contract/view.js';
import type { Caller } from '../operations/caller.js';
import type { Deps } from '../operations/deps.js';
import { app } from './app.js';
import { needsToken, requireAccess } from './auth.js';
import { logTo } from './log.js';
import { problemResponse } from './problem.js';
import { parseRequest } from './request.js';

// Logs are streamed. With this on a handler that throws would leave its answer open for ever, so none may.
functionApp.setup({ enableHttpStream: true });

/** What an operation's trigger gets besides the parsed input. */
interface Call<N extends RouteName> {
  readonly deps: Deps;
  readonly caller: Caller;
  readonly input: RouteInput<N>;
  readonly request: HttpRequest;
}

/**
 * Registers the HTTP function of a route, as the route table has it: who may call, what comes in, what goes out.
 * @param operate calls the operation with what was parsed
 * @param status of the answer where it depends on the result; otherwise that of the table
 * @returns the handler, for tests
 */
export function route<N extends JsonRouteName>(
  name: N,
  operate: (call: Call<N>) => Promise<RouteResult<N>>,
  status?: (result: RouteResult<N>) => number,
): HttpHandler {
  const spec: RouteSpec = ROUTES[name];
  return register(name, async (call: Call<N>) => {
    const result = await operate(call);
    return {
      status: status?.(result) ?? spec.status ?? 200,
      headers: { 'cache-control': 'no-store' },
      jsonBody: viewOf(result),
    };
  });
}

/** As `route`, for a route that answers with server-sent events. */
export function streamRoute<N extends StreamRouteName>(
  name: N,
  operate: (call: Call<N>) => Promise<AsyncIterable<Uint8Array>>,
): HttpHandler {
  return register(name, async (call: Call<N>) => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    body: await operate(call),
  }));
}

function register<N extends RouteName>(
  name: N,
  answer: (call: Call<N>) => Promise<HttpResponseInit>,
): HttpHandler {
  const spec: RouteSpec = ROUTES[name];
  const handler: HttpHandler = async (request, context) => {
    const log = logTo(context);
    try {
      const { authenticate, standing, deps } = await app();
      const authorization = request.headers.get('authorization');
      const caller: Caller = needsToken(spec.access, authorization)
        ? await authenticate(authorization)
        : { kind: 'anonymous' };
      requireAccess(caller, spec.access);
      if (caller.kind === 'factory') await standing.require(deps(log), caller);
      const input = (await parseRequest(spec, request)) as RouteInput<N>;
      return await answer({ deps: deps(log), caller, input, request });
    } catch (error) {
      return problemResponse(error, log);
    }
  };
  functionApp.http(name, { methods: [spec.method], route: spec.path, authLevel: 'anonymous', handler });
  return handler;
}
