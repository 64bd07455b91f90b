// The function app's own code inside the test's process: every trigger file registered with the host's core, its
// settings those of a started cloud, tokens from the local issuer. Requests go straight to the handlers.
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HttpRequest, InvocationContext, type HttpHandler, type HttpResponseInit } from '@azure/functions';
import { installCore, AppRegistry } from '../../local/host/worker/core.js';
import { startIdentity } from '../../local/identity/server.js';
import { ROUTES, type RouteName, type RouteSpec } from '../../shared/contract/routes.js';
import { startTestCloud, type TestCloud } from './cloud.js';

const AUDIENCE = 'api://test';
const SECRET = 'local secret';
const TRIGGER_KINDS = ['http', 'queue', 'feed', 'timer'] as const;

export type TriggerKind = (typeof TRIGGER_KINDS)[number];

export interface TestRequest {
  readonly params?: Record<string, string | number>;
  readonly query?: Record<string, string | number | boolean>;
  readonly body?: string | Uint8Array | object;
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

export interface TestApp {
  readonly cloud: TestCloud;
  readonly registry: AppRegistry;
  /** Names of the trigger files, by kind. */
  readonly triggers: ReadonlyMap<TriggerKind, readonly string[]>;
  /** An operator's token with these roles, such as `admin` or `viewer.shop`. */
  token(...roles: string[]): Promise<string>;
  /** Calls a route and holds what it answers against the route table. */
  call(route: RouteName, request?: TestRequest): Promise<HttpResponseInit & { json(): unknown }>;
  /** The handler that a trigger file registered. */
  handler(name: string): (input: unknown, context: InvocationContext) => Promise<unknown>;
  close(): Promise<void>;
}

/** @param roles every set of roles that the test will ask tokens for */
export async function startTestApp(roles: readonly (readonly string[])[]): Promise<TestApp> {
  const [cloud, identity] = await Promise.all([
    startTestCloud({ blobs: true }),
    startIdentity({
      audience: AUDIENCE,
      clients: roles.map((names) => ({
        clientId: names.join(','),
        clientSecret: SECRET,
        roles: [...names],
        name: names.join(','),
      })),
    }),
  ]);
  Object.assign(process.env, cloud.env, {
    OPERATOR_ISSUER: identity.issuer,
    OPERATOR_AUDIENCE: AUDIENCE,
    OPERATOR_JWKS_URL: identity.jwksUrl,
    FACTORY_TOKEN_KEY: randomBytes(32).toString('base64'),
    AUDIT_KEY: randomBytes(32).toString('base64'),
    TEST_HOOK_SECRET: 'hook secret',
    TEST_TRACKER_TOKEN: 'tracker-token',
  });
  const registry = new AppRegistry(() => {});
  installCore(registry);
  const triggers = await loadTriggers();
  const { app } = await import('../../functions/lib/app.js');
  const tokens = new Map<string, Promise<string>>();

  return {
    cloud,
    registry,
    triggers,
    token(...names) {
      const clientId = names.join(',');
      const known = tokens.get(clientId) ?? fetchToken(identity.tokenUrl, clientId);
      tokens.set(clientId, known);
      return known;
    },
    async call(route, request = {}) {
      const handler = registry.functions.get(route)?.handler as HttpHandler | undefined;
      if (!handler) throw new Error(`no function ${route}`);
      const response = (await handler(
        httpRequest(ROUTES[route], request),
        context(route),
      )) as HttpResponseInit;
      const { result } = ROUTES[route];
      if ((response.status ?? 0) < 400 && typeof result !== 'string') result.parse(response.jsonBody);
      return {
        ...response,
        json: () =>
          (response.jsonBody as unknown) ?? (JSON.parse(String(response.body as string)) as unknown),
      };
    },
    handler(name) {
      const found = registry.functions.get(name);
      if (!found) throw new Error(`no function ${name}`);
      return found.handler as (input: unknown, context: InvocationContext) => Promise<unknown>;
    },
    async close() {
      await (await app()).close();
      await Promise.all([identity.close(), cloud.close()]);
    },
  };
}

/** An invocation's context, without a host behind it. */
export const context = (functionName: string, retryCount = 0): InvocationContext =>
  new InvocationContext({
    functionName,
    logHandler: () => {},
    retryContext: { retryCount, maxRetryCount: -1 },
  });

const functionsDir = fileURLToPath(new URL('../../functions/', import.meta.url));

async function loadTriggers(): Promise<Map<TriggerKind, string[]>> {
  const triggers = new Map<TriggerKind, string[]>();
  for (const kind of TRIGGER_KINDS) {
    const files = readdirSync(path.join(functionsDir, kind)).filter((file) => file.endsWith('.ts'));
    for (const file of files) await import(pathToFileURL(path.join(functionsDir, kind, file)).href);
    triggers.set(
      kind,
      files.map((file) => path.basename(file, '.ts')),
    );
  }
  return triggers;
}

async function fetchToken(tokenUrl: string, clientId: string): Promise<string> {
  const response = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: SECRET,
    }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

function httpRequest(spec: RouteSpec, request: TestRequest): HttpRequest {
  const { body } = request;
  const text = (values: TestRequest['query'] = {}): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  return new HttpRequest({
    method: spec.method,
    url: `http://localhost/api/${spec.path}`,
    params: text(request.params),
    query: text(request.query),
    headers: { ...(request.token ? { authorization: `Bearer ${request.token}` } : {}), ...request.headers },
    ...(body === undefined
      ? {}
      : {
          body:
            typeof body === 'string'
              ? { string: body }
              : { bytes: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)) },
        }),
  });
}
