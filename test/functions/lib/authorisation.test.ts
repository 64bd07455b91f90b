import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES, ROUTES, type Role, type RouteName, type RouteSpec } from '../../../shared/contract/routes.js';
import { startTestApp, type TestApp, type TestRequest } from '../../support/functionApp.js';

const PRODUCT = 'shop';
const OTHER = 'bakery';
const names = Object.keys(ROUTES) as RouteName[];

let app: TestApp;
let jobId: string;
let factoryToken: string;

beforeAll(async () => {
  const roles = [...ROLES, 'nobody'].flatMap((role) => [
    [role],
    [`${role}.${PRODUCT}`],
    [`${role}.${OTHER}`],
  ]);
  app = await startTestApp(roles);
  const admin = await app.token('admin');
  for (const productId of [PRODUCT, OTHER])
    await app.call('putProduct', {
      token: admin,
      params: { productId },
      body: { name: productId, defaults: { repo: '/r.git', engine: 'shell' } },
    });
  const submitted = await app.call('submitJob', {
    token: admin,
    body: { productId: PRODUCT, manifest: { body: 'true' } },
  });
  jobId = (submitted.json() as { job: { jobId: string } }).job.jobId;
  const enrolment = await app.call('createEnrolment', { token: admin, body: { products: [PRODUCT] } });
  const { enrolmentToken } = enrolment.json() as { enrolmentToken: string };
  const enrolled = await app.call('enrolFactory', {
    body: {
      enrolmentToken,
      descriptor: {
        name: 'box',
        advertises: ['os:linux', 'engine:shell'],
        stations: 1,
        agentVersion: '1',
      },
    },
  });
  factoryToken = (enrolled.json() as { token: string }).token;
});
afterAll(() => app.close());

/** A request that is right but for who sends it. Epoch 9 is nobody's. */
function requestFor(name: RouteName): TestRequest {
  const spec: RouteSpec = ROUTES[name];
  const params = spec.path.includes('{epoch}')
    ? { jobId, epoch: 9 }
    : spec.path.includes('{jobId}')
      ? { jobId }
      : spec.path.includes('{factoryId}')
        ? { factoryId: 'nobody-here' }
        : spec.path.includes('{owner}')
          ? { owner: PRODUCT, name: 'porter' }
          : { productId: PRODUCT };
  const bodies: Partial<Record<RouteName, object>> = {
    submitJob: { productId: PRODUCT, manifest: { body: 'true' } },
    addChildren: { children: [{ key: 'a', manifest: { body: 'true' } }] },
    cancelJob: { reason: 'x' },
    requeueJob: { reason: 'x' },
    rejectJob: { reason: 'x' },
    overrideJob: { reason: 'x' },
    revokeFactory: { reason: 'x' },
    drainFactory: { reason: 'x' },
    holdJob: { reason: 'x' },
    pauseJob: { reason: 'x' },
    claimJobs: { pool: 'any', stations: 1, running: 0 },
    renewLease: { running: 0 },
    reportRun: { kind: 'started' },
    createEnrolment: { products: [PRODUCT] },
    enrolFactory: {
      enrolmentToken: 'no such token',
      descriptor: { name: 'x1', advertises: [], stations: 1, agentVersion: '1' },
    },
    pauseProduct: { reason: 'x' },
    halt: { scope: `product:${PRODUCT}`, reason: 'x' },
    resume: { scope: `product:${PRODUCT}` },
    putProfile: {
      basedOn: 0,
      profile: { title: 'Porter', summary: 'Carries.', persona: 'You carry.' },
    },
    putBudget: { dayUsd: 1000 },
    putProduct: { name: 'Shop', defaults: { repo: '/r.git', engine: 'shell' } },
  };
  const body = bodies[name];
  const queries: Partial<Record<RouteName, TestRequest['query']>> = {
    appendLog: { offset: 0 },
    putArtifact: { path: 'a', sha256: 'a'.repeat(64) },
    getArtifact: { path: 'a' },
    verifyAudit: { productId: PRODUCT },
  };
  return { params, query: queries[name] ?? {}, ...(body ? { body } : {}) };
}

const status = async (name: RouteName, token?: string): Promise<number> =>
  (await app.call(name, { ...requestFor(name), ...(token ? { token } : {}) })).status ?? 0;

const REFUSED = [401, 403];
const accessOf = (name: RouteName): readonly string[] => ROUTES[name].access;
const guarded = names.filter(
  (name) => !accessOf(name).some((who) => ['anyone', 'signature', 'enrolment'].includes(who)),
);
const forPeople = guarded.filter((name) => ROLES.some((role) => accessOf(name).includes(role)));
const forFactories = guarded.filter((name) => accessOf(name).includes('factory'));

describe('every route', () => {
  it('belongs to people, to factories, or says how else it checks its caller', () => {
    expect(new Set([...forPeople, ...forFactories]).size).toBe(guarded.length);
    expect(names.filter((name) => !guarded.includes(name))).toEqual([
      'getHealth',
      'getOpenApi',
      'getManifestSchema',
      'getPlanSchema',
      'enrolFactory',
      'receiveWebhook',
    ]);
  });

  it.each(guarded)(
    '%s refuses a caller without a token, with a broken one and with none of ours',
    async (name) => {
      const forged = `eyJhbGciOiJub25lIn0.${Buffer.from('{"sub":"x","roles":["admin"]}').toString('base64url')}.`;
      const { headers } = await app.call(name, requestFor(name));
      expect(headers).toMatchObject({ 'content-type': 'application/problem+json' });
      expect(await status(name)).toBe(401);
      expect(await status(name, 'garbage')).toBe(401);
      expect(await status(name, forged)).toBe(401);
      expect(await status(name, `${factoryToken}x`)).toBe(401);
    },
  );

  it.each(forPeople)('%s refuses factories and people without a role', async (name) => {
    expect(await status(name, factoryToken)).toBe(403);
    expect(await status(name, await app.token('nobody'))).toBe(403);
  });

  it.each(forFactories)('%s lets factories in, and no people, not even admins', async (name) => {
    expect(await status(name, await app.token('admin'))).toBe(403);
    expect(REFUSED).not.toContain(await status(name, factoryToken));
  });

  /** Written down a second time on purpose. */
  const RIGHTS: Record<Role, readonly Role[]> = {
    viewer: ['viewer'],
    operator: ['viewer', 'operator'],
    reviewer: ['viewer', 'operator', 'reviewer'],
    editor: ['viewer', 'editor'],
    admin: ROLES,
  };

  it.each(forPeople)('%s lets in the roles that the table means, and no others', async (name) => {
    for (const role of ROLES) {
      const refused = !RIGHTS[role].some((right) => accessOf(name).includes(right));
      for (const token of [await app.token(role), await app.token(`${role}.${PRODUCT}`)])
        expect([name, role, REFUSED.includes(await status(name, token))]).toEqual([name, role, refused]);
    }
  });
});

describe('a person of another product', () => {
  /** Of no single product: they show what the caller may see, and touch what the caller may touch. */
  const ofAll = [
    'listJobs',
    'listFactories',
    'listProducts',
    'listSwitches',
    'listSwitchRecords',
    'listParked',
    'retryParkedNow',
  ];
  const aboutOne = forPeople.filter((name) => !ofAll.includes(name));

  it.each(aboutOne)('%s is refused, or shown that there is nothing', async (name) => {
    const token = await app.token(`admin.${OTHER}`);
    expect([403, 404]).toContain(await status(name, token));
  });

  it('finds neither jobs nor factories that are not theirs in the lists', async () => {
    const token = await app.token(`viewer.${OTHER}`);
    expect((await app.call('listJobs', { token })).json()).toEqual({ jobs: [] });
    expect((await app.call('listFactories', { token })).json()).toEqual({ factories: [] });
    expect((await app.call('listProducts', { token })).json()).toEqual({
      products: [{ productId: OTHER, name: OTHER }],
    });
    expect((await app.call('listSwitches', { token })).json()).toEqual({ on: [] });
    expect((await app.call('listJobs', { token, query: { productId: PRODUCT } })).status).toBe(403);
  });
});

describe('a factory', () => {
  it('may not report, renew or write the log of a run that is not its own', async () => {
    for (const name of ['reportRun', 'renewLease', 'appendLog'] as const)
      expect(await status(name, factoryToken)).toBe(409);
  });

  it('is shown a one-time token that works once', async () => {
    const admin = await app.token('admin');
    const made = await app.call('createEnrolment', { token: admin, body: { products: ['*'] } });
    const { enrolmentToken } = made.json() as { enrolmentToken: string };
    const descriptor = { name: 'x1', advertises: [], stations: 1, agentVersion: '1' };
    const body = { enrolmentToken, descriptor };
    const answers = await Promise.all([1, 2, 3].map(() => app.call('enrolFactory', { body })));
    expect(answers.map((answer) => String(answer.status)).toSorted()).toEqual(['201', '401', '401']);
  });

  it('cannot be enrolled for products of somebody else', async () => {
    const token = await app.token(`admin.${PRODUCT}`);
    for (const products of [['*'], [PRODUCT, OTHER]])
      expect((await app.call('createEnrolment', { token, body: { products } })).status).toBe(403);
  });
});
