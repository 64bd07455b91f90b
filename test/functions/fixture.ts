// What tests of operations share: dependencies on a started cloud, callers, products, jobs, enrolled factories.
import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import type { Caller, FactoryCaller, Grant } from '../../functions/operations/caller.js';
import { claimJobs } from '../../functions/operations/claimJobs.js';
import type { Deps } from '../../functions/operations/deps.js';
import { createLogBell } from '../../functions/operations/logBell.js';
import { putProduct } from '../../functions/operations/putProduct.js';
import { reportRun } from '../../functions/operations/reportRun.js';
import { auditSeal } from '../../functions/operations/auditSeal.js';
import { submitJob } from '../../functions/operations/submitJob.js';
import { systemChance } from '../../shared/cloud/chance.js';
import type { Claim } from '../../shared/contract/api.js';
import type { Factory, Product } from '../../shared/contract/fleet.js';
import type { Job } from '../../shared/contract/job.js';
import type { RouteInput } from '../../shared/contract/routeTypes.js';
import { SESSION_TICKETS_PER_SECOND } from '../../shared/rules/lanes.js';
import { poolsFor } from '../../shared/rules/routing.js';
import { FACTORIES, FLEET, POOLS } from '../../shared/topology.js';
import { getJob, type StoredDetail } from '../../functions/operations/getJob.js';
import { startTestCloud, type TestCloud } from '../support/cloud.js';

/** Any 32 bytes. */
export const AUDIT_KEY = Buffer.alloc(32, 7);
export const LEASE_SECONDS = 30;
export const ADMIN: Caller = operator('admin', '*');

export function operator(role: Grant['role'], productId: string, id = 'ada'): Caller {
  return { kind: 'operator', id, grants: [{ role, productId }] };
}

/** Log lines are kept for the tests that look at them. */
export function depsOn(cloud: TestCloud, secrets: Record<string, string> = {}): Deps & { lines: string[] } {
  const lines: string[] = [];
  return {
    documents: cloud.documents,
    bus: cloud.bus,
    blobs: cloud.blobs,
    clock: cloud.clock,
    chance: systemChance,
    log: (level, message, facts) => lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`),
    factoryTokens: {
      sign: async ({ factoryId }) => ({
        token: `token of ${factoryId}`,
        issuedAt: cloud.clock.now(),
        tokenExpiresAt: cloud.clock.now(),
        rotateAt: cloud.clock.now(),
      }),
    },
    auditSeal: auditSeal(AUDIT_KEY),
    bell: createLogBell(),
    settings: {
      leaseSeconds: LEASE_SECONDS,
      preemption: true,
      sessionTicketsPerSecond: SESSION_TICKETS_PER_SECOND,
      version: 'test',
      secret: (name) => secrets[name],
    },
    lines,
  };
}

/** A cloud for the tests of one file, closed after the last of them. */
export async function cloudOfTests({
  secrets,
  ...options
}: Parameters<typeof startTestCloud>[0] & { secrets?: Record<string, string> } = {}) {
  const cloud = await startTestCloud(options);
  afterAll(() => cloud.close());
  return { cloud, deps: depsOn(cloud, secrets) };
}

type ProductSettings = RouteInput<'putProduct'>['body'];

/** A product of the test's own. */
export async function makeProduct(deps: Deps, settings: Partial<ProductSettings> = {}): Promise<Product> {
  const productId = `p-${randomUUID().slice(0, 12)}`;
  const body: ProductSettings = {
    name: 'Test',
    defaults: { repo: 'https://example.com/repo.git', engine: 'shell' },
    ...settings,
  };
  return putProduct(deps, ADMIN, { params: { productId }, body });
}

/** An enrolled factory that serves one product only, so that it gets no job of another test. */
export async function makeFactory(
  deps: Deps,
  productId: string,
  advertises: string[] = ['os:linux', 'engine:shell'],
): Promise<FactoryCaller> {
  const now = deps.clock.now();
  const id = `f-${randomUUID().slice(0, 12)}`;
  const factory: Factory = {
    id,
    name: id,
    type: 'factory',
    productId: FLEET,
    advertises,
    stations: 4,
    agentVersion: 'test',
    products: [productId],
    pools: poolsFor(advertises, POOLS),
    status: 'online',
    enrolledAt: now,
    lastSeenAt: now,
    running: 0,
    warm: [],
    tokens: [id],
  };
  await deps.documents.create(FACTORIES, factory);
  return { kind: 'factory', id, tokenId: id, pools: factory.pools, products: [productId] };
}

export async function submit(
  deps: Deps,
  productId: string,
  manifest: Record<string, unknown> = {},
): Promise<Job> {
  const { job } = await submitJob(deps, ADMIN, {
    body: { productId, manifest: { body: 'echo hi', ...manifest } },
  });
  return job;
}

export async function claim(
  deps: Deps,
  factory: FactoryCaller,
  stations = 1,
  pool = 'any',
): Promise<Claim[]> {
  const body = { pool, stations, running: 0, warm: [] };
  return (await claimJobs(deps, factory, { body })).claims;
}

export async function claimOne(deps: Deps, factory: FactoryCaller, pool = 'any'): Promise<Claim> {
  const [first] = await claim(deps, factory, 1, pool);
  if (!first) throw new Error('nothing was claimed');
  return first;
}

export type Report = RouteInput<'reportRun'>['body'];

export async function report(deps: Deps, factory: FactoryCaller, of: Claim, body: Report): Promise<Job> {
  const params = { jobId: of.job.jobId, epoch: of.run.epoch };
  return (await reportRun(deps, factory, { params, body })).job;
}

export const FINISHED: Report = {
  kind: 'finished',
  change: {
    branch: 'aq/job',
    commit: 'c0ffee',
    baseCommit: 'ba5e',
    filesChanged: ['src/a.js'],
    insertions: 3,
    deletions: 1,
  },
  usage: { wallSeconds: 2, tokens: 100, usd: 0.5, accuracy: 'exact' },
};

export const verified = (passed: boolean): Report => ({
  kind: 'verified',
  verify: { command: 'npm test', passed, exitCode: passed ? 0 : 1, durationMs: 10, tail: 'the end' },
});

/** Takes a job through a build up to `testing`. */
export async function build(deps: Deps, factory: FactoryCaller): Promise<Claim> {
  const claimed = await claimOne(deps, factory);
  await runToEnd(deps, factory, claimed);
  return claimed;
}

/** Does what was claimed: merges the change, or builds and verifies one. */
export async function runToEnd(
  deps: Deps,
  factory: FactoryCaller,
  claimed: Claim,
  passes = true,
): Promise<void> {
  await report(deps, factory, claimed, { kind: 'started' });
  if (claimed.run.kind === 'land') {
    await report(deps, factory, claimed, { kind: 'landed', mergeCommit: 'abc', baseBranch: 'main' });
    return;
  }
  await report(deps, factory, claimed, FINISHED);
  await report(deps, factory, claimed, verified(passes));
}

export const detail = (deps: Deps, jobId: string): Promise<StoredDetail> =>
  getJob(deps, ADMIN, { params: { jobId } });
