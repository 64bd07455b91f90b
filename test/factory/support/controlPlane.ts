/**
 * A small control plane over real HTTP, for the factory's side of the protocol: it checks every body with the route
 * table's schemas, keeps what was reported, and refuses stale epochs. What it decides, the test says.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, type Client } from '../../../shared/client.js';
import type { Claim, FactoryToken, RunReport } from '../../../shared/contract/api.js';
import type { Directive } from '../../../shared/contract/fleet.js';
import type { Job } from '../../../shared/contract/job.js';
import { ManifestSchema, type Engine, type ManifestInput } from '../../../shared/contract/manifest.js';
import type { ProfileSnapshot } from '../../../shared/contract/profile.js';
import { ROUTES, type RouteName, type RouteSpec } from '../../../shared/contract/routes.js';
import { AppError } from '../../../shared/errors.js';

const AT = '2026-11-21T00:00:00.000Z';

/** What came of one run. */
export class SeenRun {
  readonly reports: RunReport[] = [];
  readonly artifacts = new Map<string, Buffer>();
  logEnded = false;
  logBytes = 0;
  renewals = 0;
  appends = 0;
  private readonly chunks: Buffer[] = [];

  get log(): Buffer {
    return Buffer.concat(this.chunks);
  }

  append(bytes: Buffer): void {
    this.chunks.push(bytes);
    this.logBytes += bytes.length;
  }
}

export class ControlPlane implements AsyncDisposable {
  readonly url: string;
  /** How often a factory said that it goes. */
  left = 0;
  readonly client: Client;
  /** Jobs that the next claims give, by pool. */
  readonly ready: Claim[] = [];
  readonly claimRequests: { readonly pool: string; readonly stations: number; readonly running: number }[] =
    [];
  /** The current epoch of each job: any other is stale. */
  readonly epochs = new Map<string, number>();
  directives: Directive[] = [];
  /** Called before a request is answered; what it throws is the answer. */
  onRequest: (route: RouteName, run: SeenRun | undefined) => void | Promise<void> = () => {};
  /** Tokens that may enrol. */
  readonly enrolments = new Set<string>();
  /** How long a token is used before another one is asked for (ms). */
  rotateMs = 1_800_000;
  /** Tokens that were given. */
  readonly tokens = new Set<string>(['test']);
  pools = ['any'];
  /** By name, whatever the product. */
  readonly profiles = new Map<string, ProfileSnapshot>();
  private readonly runs = new Map<string, SeenRun>();
  private readonly server: ReturnType<typeof createServer>;
  private readonly watchers = new Set<() => void>();

  private constructor(server: ReturnType<typeof createServer>) {
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
    this.client = createClient({ baseUrl: this.url, token: 'test' });
    server.on('request', (request, response) => void this.answer(request, response));
  }

  static async start(): Promise<ControlPlane> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ControlPlane(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private newToken(name: string): FactoryToken {
    const token = `token-of-${name}-${this.tokens.size}`;
    this.tokens.add(token);
    const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
    return { token, issuedAt: inMs(0), tokenExpiresAt: inMs(3_600_000), rotateAt: inMs(this.rotateMs) };
  }

  run(claim: {
    readonly job: { readonly jobId: string };
    readonly run: { readonly epoch: number };
  }): SeenRun {
    return this.runOf(claim.job.jobId, claim.run.epoch);
  }

  /** Resolves when the condition holds; looked at after every request. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
    });
  }

  private runOf(jobId: string, epoch: number): SeenRun {
    const key = `${jobId}.${epoch}`;
    const run = this.runs.get(key) ?? new SeenRun();
    this.runs.set(key, run);
    return run;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes: Buffer[] = [];
    for await (const chunk of request) bytes.push(chunk as Buffer);
    try {
      const result = await this.route(request, Buffer.concat(bytes));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    } catch (error) {
      const { code, message, status, detail } =
        error instanceof AppError ? error : new AppError('internal', String(error));
      const body = JSON.stringify({ ...detail, code, title: message, status });
      response.writeHead(status, { 'content-type': 'application/problem+json' }).end(body);
    }
    for (const look of this.watchers) look();
  }

  private async route(request: IncomingMessage, bytes: Buffer): Promise<unknown> {
    const url = new URL(request.url ?? '', this.url);
    const [name, params] = match(request.method ?? '', url.pathname.replace(/^\/api\//, ''));
    const spec: RouteSpec = ROUTES[name];
    const jobId = params['jobId'] ?? '';
    const epoch = Number(params['epoch']);
    const seen = jobId ? this.runOf(jobId, epoch) : undefined;
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (name !== 'enrolFactory' && !this.tokens.has(token))
      throw new AppError('unauthenticated', 'unknown token');
    await this.onRequest(name, seen);
    if (seen && this.epochs.get(jobId) !== epoch) throw new AppError('stale-epoch', `epoch ${epoch} is over`);
    if (spec.maxBytes !== undefined && bytes.length > spec.maxBytes)
      throw new AppError('too-large', `the body is larger than ${spec.maxBytes} bytes`);
    const body: unknown =
      spec.body === 'bytes' || spec.body === undefined
        ? bytes
        : spec.body.parse(JSON.parse(bytes.toString()));
    return this.carryOut(name, body, url, token, seen);
  }

  private carryOut(
    name: RouteName,
    body: unknown,
    url: URL,
    token: string,
    seen: SeenRun | undefined,
  ): unknown {
    switch (name) {
      case 'enrolFactory': {
        const { enrolmentToken, descriptor } = ROUTES.enrolFactory.body.parse(body);
        if (!this.enrolments.delete(enrolmentToken ?? token))
          throw new AppError('unauthenticated', 'no such enrolment');
        const factoryId = descriptor.name;
        return { factoryId, pools: this.pools, ...this.newToken(factoryId), leaseSeconds: 30 };
      }
      case 'leaveFleet':
        this.left += 1;
        return { factoryId: 'factory-1' };
      case 'rotateToken':
        return this.newToken('rotated');
      case 'claimJobs': {
        const claim = ROUTES.claimJobs.body.parse(body);
        this.claimRequests.push(claim);
        const claims = this.ready.splice(0, claim.stations - claim.running);
        for (const { job, run } of claims) this.epochs.set(job.jobId, run.epoch);
        return { claims, waiting: 0 };
      }
      case 'renewLease':
        if (seen) seen.renewals += 1;
        return { expiresAt: AT, directives: this.directives };
      case 'reportRun':
        seen?.reports.push(ROUTES.reportRun.body.parse(body));
        return { job: null };
      case 'appendLog':
        return this.append(seen as SeenRun, body as Buffer, url);
      case 'putArtifact': {
        const { path, sha256 } = ROUTES.putArtifact.query.parse(Object.fromEntries(url.searchParams));
        seen?.artifacts.set(path, body as Buffer);
        return { path, sha256, bytes: (body as Buffer).length };
      }
      case 'getProfileForRun': {
        const profile = this.profiles.get(url.pathname.split('/').at(-1) ?? '');
        if (profile) return profile;
        throw new AppError('not-found', 'there is no such profile');
      }
      default:
        throw new AppError('not-found', `${name} is not played here`);
    }
  }

  private append(seen: SeenRun, bytes: Buffer, url: URL): unknown {
    const offset = Number(url.searchParams.get('offset'));
    seen.appends += 1;
    if (offset === seen.logBytes) seen.append(bytes);
    if (url.searchParams.get('end') === 'true') seen.logEnded = true;
    return { nextOffset: seen.logBytes };
  }
}

function match(method: string, path: string): [RouteName, Record<string, string>] {
  for (const [name, spec] of Object.entries(ROUTES)) {
    const pattern = new RegExp(`^${spec.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const found = spec.method === method ? pattern.exec(path) : null;
    if (found) return [name as RouteName, { ...found.groups }];
  }
  throw new AppError('not-found', `${method} ${path}`);
}

let jobs = 0;

/** A claim of a job with this manifest, as the control plane would give it. */
export function claimOf(
  manifest: ManifestInput,
  more: {
    epoch?: number;
    kind?: Claim['run']['kind'];
    leaseSeconds?: number;
    job?: Partial<Job>;
    engine?: Engine;
  } = {},
): Claim {
  jobs += 1;
  const jobId = more.job?.jobId ?? `job-${String(jobs).padStart(16, '0')}`;
  const epoch = more.epoch ?? 1;
  const job: Job = {
    id: 'job',
    type: 'job',
    productId: 'sample',
    jobId,
    title: manifest.title ?? 'Add what is missing',
    manifest: ManifestSchema.parse(manifest),
    contentHash: 'hash',
    engine: 'shell',
    requirements: ['engine:shell'],
    lane: 'engine-shell',
    stage: more.kind === 'land' ? 'testing' : 'assigned',
    submittedAt: AT,
    submittedBy: { kind: 'operator', id: 'ann' },
    stageSince: AT,
    epoch,
    holder: 'factory-1',
    attempts: 1,
    usage: { wallSeconds: 0, tokens: 0, usd: 0, accuracy: 'exact' },
    events: 1,
    headHash: 'hash',
    ...more.job,
  };
  return {
    job,
    run: {
      productId: 'sample',
      jobId,
      epoch,
      kind: more.kind ?? 'build',
      factoryId: 'factory-1',
      pool: 'any',
      engine: more.engine ?? 'shell',
      status: 'assigned',
      startedAt: AT,
    },
    lease: { expiresAt: AT, seconds: more.leaseSeconds ?? 30 },
  };
}
