// What leaves the API is a view: no answer of any route, and nothing that the OpenAPI document says of one, has a
// field that only the store needs.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { app as functionApp } from '../../../functions/lib/app.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { park } from '../../../functions/operations/park.js';
import type { Claim } from '../../../shared/contract/api.js';
import { ManifestSchema } from '../../../shared/contract/manifest.js';
import { ROUTES, type RouteName } from '../../../shared/contract/routes.js';
import { viewOf } from '../../../shared/contract/view.js';
import { canonicalJson, sealEvents, sha256 } from '../../../shared/eventChain.js';
import { jobIdOf } from '../../../shared/jobId.js';
import { openApi } from '../../../shared/openapi.js';
import { newJob } from '../../../shared/rules/lifecycle.js';
import { startTestApp, type TestApp, type TestRequest } from '../../support/functionApp.js';

const PRODUCT = 'shop';
/** Schemas, a stream, and what only says that it was heard. */
const NO_DOCUMENTS: readonly RouteName[] = [
  'getOpenApi',
  'getManifestSchema',
  'getPlanSchema',
  'streamLog',
  'receiveWebhook',
];

let app: TestApp;
let deps: Deps;
beforeAll(async () => {
  app = await startTestApp([['admin'], ['reviewer']]);
  deps = (await functionApp()).deps(() => {});
});
afterAll(() => app.close());

const OF_THE_STORE = ['type', 'ttl', '_etag', '_rid', '_self', '_ts', '_attachments', '_lsn'];
/** An actor's name, a factory's, and what a retry is asked for by. */
const isName = (where: string, names: readonly string[]): boolean =>
  names.includes('kind') || /\.(factories|parked)\[\]$/.test(where);

/** Where in an answer there is a field that only the store needs. */
function storageFields(value: unknown, where = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => storageFields(one, `${where}[]`));
  if (typeof value !== 'object' || value === null) return [];
  const names = Object.keys(value);
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(OF_THE_STORE.includes(name) || (name === 'id' && !isName(where, names)) ? [`${where}.${name}`] : []),
    ...storageFields(inner, `${where}.${name}`),
  ]);
}

it('takes every stored document for one, wherever it is in an answer, and nothing else', () => {
  const run = { id: 'run:1', type: 'run', productId: 'shop', epoch: 1 };
  const actor = { kind: 'operator', id: 'ada' };
  expect(viewOf({ runs: [run], a: { b: run }, by: actor, none: null, n: 1 })).toEqual({
    runs: [{ productId: 'shop', epoch: 1 }],
    a: { b: { productId: 'shop', epoch: 1 } },
    by: actor,
    none: null,
    n: 1,
  });
  expect(storageFields({ runs: [run], by: actor })).toEqual(['.runs[].id', '.runs[].type']);
});

it('no route answers with a field of the store', { timeout: 60_000 }, async () => {
  const admin = await app.token('admin');
  const seen: Partial<Record<RouteName, string[]>> = {};
  const call = async <T>(name: RouteName, request: TestRequest = {}, token = admin): Promise<T> => {
    const answer = await app.call(name, { token, ...request });
    const json = answer.json();
    expect([name, answer.status, (answer.status ?? 500) < 300 ? '' : json]).toEqual([
      name,
      answer.status,
      '',
    ]);
    seen[name] = [...(seen[name] ?? []), ...storageFields(json)];
    return json as T;
  };
  const productId = PRODUCT;
  const params = { productId };
  await call('getHealth');
  await call('putProduct', { params, body: { name: 'Shop', defaults: { repo: '/r.git', engine: 'shell' } } });
  await call('getProduct', { params });
  await call('listProducts');
  await call('pauseProduct', { params, body: { reason: 'x' } });
  await call('resumeProduct', { params });
  await call('putBudget', { params, body: { dayUsd: 1000 } });
  await call('getBudget', { params });
  await call('getBurndown', { params });
  const profile = { owner: productId, name: 'porter' };
  const spec = { title: 'Porter', summary: 'Carries.', persona: 'You carry.' };
  for (const basedOn of [0, 1])
    await call('putProfile', {
      params: profile,
      body: { basedOn, profile: { ...spec, summary: `Carries ${basedOn}.` } },
    });
  await call('listProfiles', { params: { owner: productId } });
  await call('getProfileHistory', { params: profile });
  await call('halt', { body: { scope: `product:${productId}`, reason: 'x' } });
  await call('listSwitches');
  await call('resume', { body: { scope: `product:${productId}` } });
  await call('listSwitchRecords');

  const { enrolmentToken } = await call<{ enrolmentToken: string }>('createEnrolment', {
    body: { products: [productId] },
  });
  const descriptor = {
    name: 'box',
    advertises: ['os:linux', 'engine:shell'],
    stations: 4,
    agentVersion: '1',
  };
  const enrolled = await call<{ token: string; factoryId: string }>('enrolFactory', {
    body: { enrolmentToken, descriptor },
  });
  const { token } = await call<{ token: string }>('rotateToken', {}, enrolled.token);
  await call('getProfileForRun', { params: { productId, name: 'porter' } }, token);

  const submit = async (manifest: object): Promise<string> =>
    (
      await call<{ job: { jobId: string } }>('submitJob', {
        body: { productId, manifest: { body: 'true', ...manifest } },
      })
    ).job.jobId;
  const policy = { reviewers: ['reviewer'], quorum: 1 };
  const jobId = await submit({
    profile: 'porter',
    title: 'Carry it',
    artifacts: ['a.txt'],
    'review-policy': policy,
  });
  await call('explainJob', { params: { jobId } });
  const body = { pool: 'any', stations: 1, running: 0 };
  const { claims } = await call<{ claims: Claim[] }>('claimJobs', { body }, token);
  const epoch = claims[0]?.run.epoch ?? 0;
  const run = { jobId, epoch };
  await call('reportRun', { params: run, body: { kind: 'started' } }, token);
  await call('renewLease', { params: run, body: { running: 1 } }, token);
  await call('appendLog', { params: run, query: { offset: 0 }, body: Buffer.from('hi\n') }, token);
  const hash = sha256('kept');
  const artifact = { path: 'a.txt', bytes: 4, sha256: hash };
  await call(
    'putArtifact',
    { params: run, query: { path: 'a.txt', sha256: hash }, body: Buffer.from('kept') },
    token,
  );
  const usage = { wallSeconds: 1, tokens: 1, usd: 0, accuracy: 'exact' };
  const change = {
    branch: 'aq/x',
    commit: 'c0ffee',
    baseCommit: 'ba5e',
    filesChanged: ['other/a.js'],
    insertions: 1,
    deletions: 0,
    scope: { allowed: ['src/**'], outside: ['other/a.js'], shared: [], gates: [] },
  };
  const finished = { kind: 'finished', change, usage, artifacts: [artifact] };
  await call('reportRun', { params: run, body: finished }, token);
  await call('getArtifact', { params: run, query: { path: 'a.txt' } });
  await call('overrideJob', { params: { jobId }, body: { reason: 'x' } });
  await call('promoteJob', { params: { jobId } });
  await call('approveJob', { params: { jobId } }, await app.token('reviewer'));
  await call('shipJob', { params: { jobId } });
  await call('getJob', { params: { jobId } });
  await call('getDag', { params: { jobId } });

  const second = await submit({ title: 'Turn it down' });
  await call('holdJob', { params: { jobId: second }, body: { reason: 'x' } });
  await call('resumeJob', { params: { jobId: second } });
  const claimed = await call<{ claims: Claim[] }>('claimJobs', { body: { ...body, stations: 4 } }, token);
  const building = claimed.claims.find(({ job }) => job.jobId === second);
  await call('pauseJob', { params: { jobId: second }, body: { reason: 'x' } });
  expect(building).toBeDefined();
  await call('cancelJob', { params: { jobId: second }, body: { reason: 'x' } });
  await call('requeueJob', { params: { jobId: second }, body: { reason: 'x' } });
  const again = await call<{ claims: Claim[] }>('claimJobs', { body }, token);
  const third = { jobId: second, epoch: again.claims[0]?.run.epoch ?? 0 };
  await call('reportRun', { params: third, body: { kind: 'started' } }, token);
  await call('reportRun', { params: third, body: { ...finished, artifacts: [] } }, token);
  await call('rejectJob', { params: { jobId: second }, body: { reason: 'x' } });

  const composite = await submit({ kind: 'composite', title: 'Two' });
  const children = [{ key: 'a', manifest: { body: 'true' } }];
  await call('addChildren', { params: { jobId: composite }, body: { children } });
  await call('getJob', { params: { jobId: composite } });
  await call('listJobs', { query: { productId } });

  await call('handOverJob', { params, body: offlineJob(enrolled.factoryId) }, token);
  await park(deps, { productId, by: 'echoToTracker', id: 'x', what: {}, error: 'no', isRetried: true });
  await call('listParked');
  await call('retryParkedNow', { body: {} });
  await call('verifyAudit');
  await call('listFactories');
  await call('drainFactory', { params: { factoryId: enrolled.factoryId }, body: { reason: 'x' } });
  await call('leaveFleet', {}, token);
  await call('revokeFactory', { params: { factoryId: enrolled.factoryId }, body: { reason: 'x' } });

  expect(Object.entries(seen).filter(([, fields]) => fields.length > 0)).toEqual([]);
  const walked = new Set([...Object.keys(seen), ...NO_DOCUMENTS]);
  expect(Object.keys(ROUTES).filter((name) => !walked.has(name))).toEqual([]);
});

/** A job that was dropped into a factory's folder and that nobody has worked on. */
function offlineJob(factoryId: string): object {
  const key = randomUUID();
  const manifest = ManifestSchema.parse({ body: 'true', engine: 'shell' });
  const decided = newJob({
    productId: PRODUCT,
    jobId: jobIdOf(PRODUCT, key),
    contentHash: sha256(canonicalJson(manifest)),
    actor: { kind: 'factory', id: factoryId },
    trackerItem: undefined,
    now: new Date().toISOString(),
    manifest,
  });
  const { job, events } = sealEvents(decided.job, decided.events);
  return { key, job, runs: [], events };
}

it('the OpenAPI document promises no field of the store, and says nothing of documents that no route gives', () => {
  const { components } = openApi('0.0.0') as { components: { schemas: Record<string, object> } };
  const properties = (value: unknown, where: string): string[] => {
    if (Array.isArray(value)) return value.flatMap((one) => properties(one, where));
    if (typeof value !== 'object' || value === null) return [];
    const fields = 'properties' in value ? Object.keys(value.properties as object) : [];
    return [
      ...fields
        .filter((name) => OF_THE_STORE.includes(name) || (name === 'id' && !fields.includes('kind')))
        .map((name) => `${where}.${name}`),
      ...Object.values(value).flatMap((inner) => properties(inner, where)),
    ];
  };
  const found = Object.entries(components.schemas).flatMap(([name, schema]) => properties(schema, name));
  // What a factory is called, and what a retry is asked for by.
  expect(found.toSorted()).toEqual(['FactoryList.id', 'listParkedResult.id', 'retryParkedNowResult.id']);
  for (const name of ['Lease', 'Lock', 'ReadyEntry', 'Job', 'Run'])
    expect(Object.keys(components.schemas)).not.toContain(name);
});
