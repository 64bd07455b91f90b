// `aq` in front of the real thing: the function app's own HTTP functions on the embedded Cosmos DB, Service Bus and
// Blob Storage, tokens by the local issuer, factories through the typed client. Only the Functions host is left out:
// its place has a bare HTTP server that follows the route table.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpRequest, InvocationContext, type HttpHandler } from '@azure/functions';
import { runCli } from '../../cli/run.js';
import type { Io } from '../../cli/io.js';
import { startIdentity } from '../../local/identity/server.js';
import { createClient, type Client } from '../../shared/client.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { ROUTES, type RouteName } from '../../shared/contract/routes.js';
import { startTestCloud } from '../support/cloud.js';

const AUDIENCE = 'api://gigafactory';
export const PRODUCT = 'shop';

export interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}
export interface AqOptions {
  stdin?: string;
  tty?: boolean;
  env?: Record<string, string>;
  cwd?: string;
  fetch?: typeof fetch;
}

export interface CliSystem {
  apiUrl: string;
  /** Working directory of `aq`; its connection file is there. */
  folder: string;
  /** The installation's admin. */
  admin: Client;
  aq(args: readonly string[], options?: AqOptions): Promise<Answer>;
  /** A file in the working directory. @returns its name */
  file(name: string, text: string): Promise<string>;
  close(): Promise<void>;
}

export async function startCliSystem(): Promise<CliSystem> {
  const secret = randomBytes(16).toString('hex');
  const [cloud, identity, folder] = await Promise.all([
    startTestCloud({ blobs: true }),
    startIdentity({
      audience: AUDIENCE,
      clients: [{ clientId: 'aq', clientSecret: secret, roles: ['admin'], name: 'Ada' }],
    }),
    mkdtemp(path.join(tmpdir(), 'aq-')),
  ]);
  Object.assign(process.env, cloud.env, {
    OPERATOR_ISSUER: identity.issuer,
    OPERATOR_AUDIENCE: AUDIENCE,
    OPERATOR_JWKS_URL: identity.jwksUrl,
    FACTORY_TOKEN_KEY: randomBytes(32).toString('base64'),
    AUDIT_KEY: randomBytes(32).toString('base64'),
  });
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  const connection = {
    apiUrl,
    tokenUrl: identity.tokenUrl,
    clientId: 'aq',
    clientSecret: secret,
    product: PRODUCT,
  };
  await writeFile(path.join(folder, 'connection.json'), JSON.stringify(connection));

  const token = async (): Promise<string> => {
    const answer = await fetch(identity.tokenUrl, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'aq', client_secret: secret }),
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const admin = createClient({ baseUrl: apiUrl, token });
  await admin.putProduct({
    params: { productId: PRODUCT },
    body: { name: 'Shop', defaults: { repo: '/r/shop.git', engine: 'shell', verify: 'npm test' } },
  });
  return {
    apiUrl,
    folder,
    admin,
    aq: (args, options = {}) =>
      aq(args, {
        cwd: folder,
        ...options,
        env: { GIGAFACTORY_CONNECTION: path.join(folder, 'connection.json'), ...options.env },
      }),
    async file(name, text) {
      await writeFile(path.join(folder, name), text);
      return name;
    },
    async close() {
      const { app } = await import('../../functions/lib/app.js');
      server.close();
      server.closeAllConnections();
      await (await app()).close();
      await Promise.all([identity.close(), cloud.close(), rm(folder, { recursive: true, force: true })]);
    },
  };
}

/** Runs one command line in this process. */
export async function aq(args: readonly string[], options: AqOptions = {}): Promise<Answer> {
  const out = { stdout: '', stderr: '' };
  const sinkFor = (name: keyof typeof out): Io['stdout'] => ({
    write: (text) => (out[name] += text),
    isTTY: options.tty ?? false,
    columns: 200,
  });
  const io: Io = {
    stdout: sinkFor('stdout'),
    stderr: sinkFor('stderr'),
    readStdin: () => Promise.resolve(options.stdin ?? ''),
    env: options.env ?? {},
    cwd: options.cwd ?? tmpdir(),
    now: Date.now,
    // Waiting is the API's part; here only the turns between looks.
    sleep: () => delay(10),
    fetch: options.fetch ?? fetch,
  };
  return { code: await runCli(args, io), ...out };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const found = routeOf(request.method ?? '', url.pathname);
  if (!found) {
    response.writeHead(404).end();
    return;
  }
  const { handler } = (await import(`../../functions/http/${found.name}.ts`)) as { handler: HttpHandler };
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const init = await handler(
    new HttpRequest({
      method: request.method ?? 'GET',
      url: url.href,
      headers: Object.fromEntries(
        Object.entries(request.headers).flatMap(([name, value]) =>
          typeof value === 'string' ? [[name, value]] : [],
        ),
      ),
      query: Object.fromEntries(url.searchParams),
      params: found.params,
      ...(chunks.length > 0 ? { body: { bytes: Buffer.concat(chunks) } } : {}),
    }),
    new InvocationContext({ functionName: found.name, logHandler: () => {} }),
  );
  if (!init || !('status' in init)) throw new Error(`${found.name} gave no answer`);
  const { jsonBody, body } = init as { jsonBody?: unknown; body?: unknown };
  response.writeHead(init.status ?? 200, {
    'content-type': 'application/json',
    ...(init.headers as Record<string, string>),
  });
  if (jsonBody !== undefined) response.end(JSON.stringify(jsonBody));
  else if (typeof body === 'object' && body !== null) {
    const parts = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    response.on('close', () => void parts.return?.());
    for (let part = await parts.next(); !part.done; part = await parts.next()) response.write(part.value);
    response.end();
  } else response.end(body);
}

function routeOf(
  method: string,
  pathname: string,
): { name: RouteName; params: Record<string, string> } | undefined {
  for (const [name, spec] of Object.entries(ROUTES)) {
    const pattern = `^/api/${spec.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`;
    const match = spec.method === method ? new RegExp(pattern).exec(pathname) : null;
    if (match) return { name: name as RouteName, params: { ...match.groups } };
  }
  return undefined;
}

type Claim = RouteResult<'claimJobs'>['claims'][number];

/** A factory as the API sees one. It runs nothing: a test says what it reports. */
export interface TestFactory {
  id: string;
  claim(): Promise<Claim>;
  started(claim: Claim): Promise<void>;
  /** Appends to the run's log; `end` closes it. */
  log(claim: Claim, text: string, end?: boolean): Promise<void>;
  finished(claim: Claim): Promise<void>;
  verified(claim: Claim, passed?: boolean): Promise<void>;
  failed(
    claim: Claim,
    reason: 'engine_failed' | 'merge_conflict' | 'no_change',
    message: string,
  ): Promise<void>;
  landed(claim: Claim): Promise<void>;
}

export async function enrolTestFactory(system: CliSystem, name: string): Promise<TestFactory> {
  const { enrolmentToken } = await system.admin.createEnrolment({ body: { products: [PRODUCT] } });
  const { factoryId, token, pools } = await createClient({ baseUrl: system.apiUrl }).enrolFactory({
    body: {
      enrolmentToken,
      descriptor: { name, advertises: ['os:linux', 'engine:shell'], stations: 4, agentVersion: '1' },
    },
  });
  const api = createClient({ baseUrl: system.apiUrl, token });
  const params = ({ job, run }: Claim): { jobId: string; epoch: number } => ({
    jobId: job.jobId,
    epoch: run.epoch,
  });
  type Report = Parameters<Client['reportRun']>[0]['body'];
  const report = async (claim: Claim, body: Report): Promise<void> => {
    await api.reportRun({ params: params(claim), body });
  };
  const offsets = new Map<string, number>();
  return {
    id: factoryId,
    async claim() {
      for (;;) {
        for (const pool of pools) {
          const { claims } = await api.claimJobs({ body: { pool, stations: 1, running: 0 } });
          if (claims[0]) return claims[0];
        }
        await delay(10);
      }
    },
    started: (claim) => report(claim, { kind: 'started', engineVersion: 'sh 1' }),
    async log(claim, text, end = false) {
      const offset = offsets.get(`${claim.job.jobId} ${claim.run.epoch}`) ?? 0;
      const { nextOffset } = await api.appendLog({
        params: params(claim),
        query: { offset, end },
        body: new TextEncoder().encode(text),
      });
      offsets.set(`${claim.job.jobId} ${claim.run.epoch}`, nextOffset);
    },
    finished: (claim) =>
      report(claim, {
        kind: 'finished',
        change: {
          branch: `aq/${claim.job.jobId}`,
          commit: 'c0ffee0123',
          baseCommit: 'ba5e',
          filesChanged: ['src/a.js', 'src/b.js'],
          insertions: 30,
          deletions: 1,
        },
        usage: { wallSeconds: 2, tokens: 100, usd: 0.25, accuracy: 'exact' },
      }),
    verified: (claim, passed = true) =>
      report(claim, {
        kind: 'verified',
        verify: {
          command: 'npm test',
          passed,
          exitCode: passed ? 0 : 1,
          durationMs: 1234,
          tail: 'the last line',
        },
      }),
    failed: (claim, reason, message) => report(claim, { kind: 'failed', reason, message, exitCode: 1 }),
    landed: (claim) => report(claim, { kind: 'landed', mergeCommit: 'feedbeef01', baseBranch: 'main' }),
  };
}
