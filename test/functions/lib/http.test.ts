import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubmittedSchema } from '../../../shared/contract/api.js';
import { ROUTES, type RouteName } from '../../../shared/contract/routes.js';
import { startTestApp, type TestApp } from '../../support/functionApp.js';

let app: TestApp;
let token: string;
const productId = 'shop';
beforeAll(async () => {
  app = await startTestApp([['admin']]);
  token = await app.token('admin');
  await app.call('putProduct', {
    token,
    params: { productId },
    body: { name: 'Shop', defaults: { repo: '/r.git', engine: 'shell' } },
  });
});
afterAll(() => app.close());

describe('the triggers', () => {
  it('are one a route, registered under its name with its path and method', () => {
    expect(app.triggers.get('http')?.toSorted()).toEqual(Object.keys(ROUTES).toSorted());
    for (const name of Object.keys(ROUTES) as RouteName[]) {
      const bindings = Object.values(app.registry.functions.get(name)?.metadata.bindings ?? {});
      expect(bindings).toContainEqual(
        expect.objectContaining({
          type: 'httpTrigger',
          authLevel: 'anonymous',
          methods: [ROUTES[name].method],
          route: ROUTES[name].path,
        }),
      );
    }
  });

  it('on the event log retry without end, each with bookkeeping of its own', () => {
    const feeds = app.triggers.get('feed') ?? [];
    expect(feeds.toSorted()).toEqual([
      'accrueSpend',
      'dispatchReadyJobs',
      'echoToTracker',
      'unblockDependents',
    ]);
    const prefixes = feeds.map((name) => {
      const { metadata } = app.registry.functions.get(name) ?? {};
      expect(metadata?.retryOptions).toMatchObject({ maxRetryCount: -1 });
      const [binding] = Object.values(metadata?.bindings ?? {}) as { leaseContainerPrefix?: string }[];
      return binding?.leaseContainerPrefix;
    });
    expect(new Set(prefixes).size).toBe(feeds.length);
  });

  it('on queues and timers have the names of their files', () => {
    for (const kind of ['queue', 'timer'] as const)
      for (const name of app.triggers.get(kind) ?? []) expect(app.registry.functions.has(name)).toBe(true);
  });
});

describe('a request', () => {
  it("is answered with the table's status, and 200 for a job that was there already", async () => {
    const body = { productId, manifest: { body: 'x', 'idempotency-key': 'k' } };
    const first = await app.call('submitJob', { token, body });
    expect(first.status).toBe(201);
    const again = await app.call('submitJob', { token, body });
    expect(again.status).toBe(200);
    const parsed: typeof SubmittedSchema = ROUTES.submitJob.result;
    expect(parsed.parse(again.json()).created).toBe(false);
  });

  it('that does not fit is refused with every problem of path, query and body', async () => {
    const list = await app.call('listJobs', { token, query: { limit: 0, stage: 'gone', productId: 'NO' } });
    expect(list.status).toBe(400);
    const { code, problems } = list.json() as { code: string; problems: { path: string }[] };
    expect(code).toBe('invalid-request');
    expect(problems.map(({ path }) => path).toSorted()).toEqual(['limit', 'productId', 'stage']);
  });

  it('whose body is no JSON, or not UTF-8, is refused', async () => {
    for (const body of ['{', '', new Uint8Array([0xff, 0xfe])])
      expect((await app.call('submitJob', { token, body })).status).toBe(400);
  });

  it('whose body is too large is refused with 413, whatever length it announces', async () => {
    const body = { productId, manifest: { body: 'x'.repeat(ROUTES.submitJob.maxBytes) } };
    const answer = await app.call('submitJob', { token, body });
    expect(answer.status).toBe(413);
    const lying = await app.call('submitJob', { token, body, headers: { 'content-length': '10' } });
    expect(lying.status).toBe(413);
  });

  it('for an unknown job is answered with 404 problem+json', async () => {
    const answer = await app.call('getJob', { token, params: { jobId: 'job-0000000000000000' } });
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({
      code: 'not-found',
      status: 404,
      type: 'urn:gigafactory:not-found',
    });
  });

  it('that meets a busy database is answered with 503 and when to come back', async () => {
    app.cloud.cosmos.faults.add({ kind: 'refuse', status: 503, on: 'writes', container: 'fleet_control' });
    const answer = await app.call('putProduct', {
      token,
      params: { productId: 'busy' },
      body: { name: 'B' },
    });
    app.cloud.cosmos.faults.clear();
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ 'retry-after': '2' });
    expect(answer.json()).toMatchObject({ code: 'unavailable' });
  });

  it('for the schemas is answered to anybody', async () => {
    const described = (await app.call('getOpenApi')).json() as { paths: Record<string, object> };
    expect(described.paths).toHaveProperty('/api/fleet/jobs');
    const schema = (await app.call('getManifestSchema')).json() as { properties: Record<string, object> };
    expect(schema.properties).toHaveProperty('engine-class');
  });

  it('for health tells which part is well', async () => {
    const answer = await app.call('getHealth');
    expect(answer.json()).toMatchObject({
      status: 'ok',
      parts: [
        { part: 'cosmos', ok: true },
        { part: 'service-bus', ok: true },
        { part: 'blobs', ok: true },
      ],
    });
    expect(ROUTES.getHealth.result.safeParse(answer.json()).success).toBe(true);
  });
});
