import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/functionApp.js';

const PRODUCT = 'shop';
let app: TestApp;
let admin: string;
let box: Enrolled;

interface Enrolled {
  readonly factoryId: string;
  readonly token: string;
  readonly issuedAt: string;
  readonly rotateAt: string;
  readonly tokenExpiresAt: string;
}

beforeAll(async () => {
  app = await startTestApp([['admin'], [`admin.${PRODUCT}`], [`factory.${PRODUCT}`], ['factory.']]);
  admin = await app.token('admin');
  await app.call('putProduct', {
    token: admin,
    params: { productId: PRODUCT },
    body: { name: 'Shop', defaults: { repo: '/r.git', engine: 'shell' } },
  });
  box = await enrol('box');
});
afterAll(() => app.close());

async function enrol(name: string, products = [PRODUCT]): Promise<Enrolled> {
  const made = await app.call('createEnrolment', { token: admin, body: { products } });
  const { enrolmentToken } = made.json() as { enrolmentToken: string };
  const descriptor = { name, advertises: ['os:linux', 'engine:shell'], stations: 1, agentVersion: '1' };
  return (await app.call('enrolFactory', { body: { enrolmentToken, descriptor } })).json() as Enrolled;
}

const claim = (token: string) =>
  app.call('claimJobs', { token, body: { pool: 'any', stations: 1, running: 0 } });
const rotate = (token: string) => app.call('rotateToken', { token });
const tokenOf = async (answer: ReturnType<typeof rotate>): Promise<string> =>
  ((await answer).json() as Enrolled).token;
const revoke = (token: string, factoryId: string) =>
  app.call('revokeFactory', { token, params: { factoryId }, body: { reason: 'stolen' } });

describe('a machine with a managed identity', () => {
  const descriptor = {
    name: 'replica',
    advertises: ['os:linux', 'engine:shell'],
    stations: 1,
    agentVersion: '1',
  };
  const join = (token?: string) =>
    app.call('enrolFactory', { body: { descriptor }, ...(token === undefined ? {} : { token }) });

  it('joins for the products of its role', async () => {
    const answer = await join(await app.token(`factory.${PRODUCT}`));
    expect(answer.status).toBe(201);
    const { factoryId, token } = answer.json() as Enrolled;
    expect((await claim(token)).status).toBe(200);
    // The admin of that product may throw it out, so it serves no other.
    expect((await revoke(await app.token(`admin.${PRODUCT}`), factoryId)).status).toBe(200);
  });

  it.each(['admin', 'factory.', undefined])('is refused with the role %s', async (role) => {
    const { status, json } = await join(role === undefined ? undefined : await app.token(role)).then(
      (answer) => ({ status: answer.status, json: answer.json() }),
    );
    expect([status, json]).toMatchObject([401, { title: expect.stringContaining('aq enrol') as string }]);
  });
});

describe('rotation', () => {
  it('gives a token that works beside the one before, and is asked for again when its answer got lost', async () => {
    expect(Date.parse(box.issuedAt)).toBeLessThan(Date.parse(box.rotateAt));
    expect(Date.parse(box.rotateAt)).toBeLessThan(Date.parse(box.tokenExpiresAt));
    await rotate(box.token);
    const second = await tokenOf(rotate(box.token));
    expect(second).not.toBe(box.token);
    for (const token of [box.token, second]) expect((await claim(token)).status).toBe(200);
  });

  it('takes no token away that is in use, however late a request for it comes', async () => {
    const { token: first } = await enrol('slow');
    const second = await tokenOf(rotate(first));
    // Sent before the one that was answered, and kept on its way.
    await rotate(first);
    const third = await tokenOf(rotate(second));
    for (const token of [second, third]) expect((await claim(token)).status).toBe(200);
    expect((await claim(first)).status).toBe(401);
  });

  it('ends a token that was replaced twice: a copy of it is worth nothing', async () => {
    const { token: first } = await enrol('rotating');
    const second = await tokenOf(rotate(first));
    const third = await tokenOf(rotate(second));
    for (const token of [second, third]) expect((await claim(token)).status).toBe(200);
    const refused = await claim(first);
    expect(refused.status).toBe(401);
    expect(refused.json()).toMatchObject({ title: expect.stringContaining('replaced') as string });
  });
});

describe('revoking a factory', () => {
  it('takes its token and its jobs away at once, and leaves a record', async () => {
    const thief = await enrol('thief');
    const submitted = await app.call('submitJob', {
      token: admin,
      body: { productId: PRODUCT, manifest: { body: 'true' } },
    });
    const { jobId } = (submitted.json() as { job: { jobId: string } }).job;
    expect((await claim(thief.token)).json()).toMatchObject({ claims: [{ job: { jobId } }] });

    const answer = await revoke(admin, thief.factoryId);
    expect([answer.status, answer.json()]).toEqual([200, { factoryId: 'thief', requeued: [jobId] }]);

    const job = await app.call('getJob', { token: admin, params: { jobId } });
    expect(job.json()).toMatchObject({ job: { stage: 'queued' } });
    expect((await claim(thief.token)).status).toBe(401);
    const report = await app.call('reportRun', {
      token: thief.token,
      params: { jobId, epoch: 1 },
      body: { kind: 'started' },
    });
    expect(report.status).toBeGreaterThanOrEqual(401);
    expect((await revoke(admin, thief.factoryId)).status).toBe(404);
  });

  it('takes the admin of every product that the factory serves', async () => {
    const everywhere = await enrol('everywhere', ['*']);
    expect((await revoke(await app.token(`admin.${PRODUCT}`), everywhere.factoryId)).status).toBe(403);
    expect((await claim(everywhere.token)).status).toBe(200);
  });
});
