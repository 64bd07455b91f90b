import { createHmac } from 'node:crypto';
import { CosmosClient } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERS, DATABASE, TRACKER_INBOX } from '../../../shared/topology.js';
import { startTestApp, type TestApp } from '../../support/functionApp.js';
import { drain } from '../../support/queues.js';
import { GITHUB_TOKEN, SECRETS } from '../../support/secrets.js';

const productId = 'shop';
let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await startTestApp([['admin']]);
  token = await app.token('admin');
  const tracker = {
    kind: 'github',
    repository: 'acme/shop',
    apiUrl: 'http://127.0.0.1:9',
    webhookSecretSetting: 'TEST_HOOK_SECRET',
    tokenSetting: 'TEST_TRACKER_TOKEN',
  };
  const body = { name: 'Shop', defaults: { repo: '/r.git', engine: 'shell' }, tracker };
  await app.call('putProduct', { token, params: { productId }, body });
});
afterAll(() => app.close());

/** Every document of the database. */
async function stored(): Promise<string> {
  const client = new CosmosClient(app.cloud.env['COSMOS'] ?? '');
  const all = await Promise.all(
    CONTAINERS.map(({ name }) => client.database(DATABASE).container(name).items.readAll().fetchAll()),
  );
  client.dispose();
  return JSON.stringify(all.map(({ resources }) => resources));
}

const submitted = async (manifest: object): Promise<string> => {
  const answer = await app.call('submitJob', { token, body: { productId, manifest } });
  expect(answer.status).toBe(201);
  return (answer.json() as { job: { jobId: string } }).job.jobId;
};

describe('a secret', () => {
  it.each(Object.entries(SECRETS))('%s in a manifest is refused with its line', async (kind, secret) => {
    const text = `---\nengine: shell\n---\none\necho two\nexport X='${secret}'\n`;
    const answer = await app.call('submitJob', { token, body: { productId, text } });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({
      code: 'invalid-manifest',
      problems: [{ path: 'body', message: `body holds what looks like ${kind}`, line: 6 }],
    });
    expect(JSON.stringify(answer)).not.toContain(secret.slice(-24));
  });

  it('in any other field, or in JSON, is refused too', async () => {
    for (const field of ['title', 'verify', 'lock', 'repo'] as const) {
      const manifest = { body: 'x', [field]: `https://${GITHUB_TOKEN}@git.acme.io/a.git` };
      const answer = await app.call('submitJob', { token, body: { productId, manifest } });
      expect([field, answer.status]).toEqual([field, 400]);
      expect(JSON.stringify(answer.json())).toContain(`${field} holds what looks like a GitHub token`);
    }
  });

  it('in what else people send is refused', async () => {
    const jobId = await submitted({ body: 'x' });
    const answers = [
      await app.call('cancelJob', { token, params: { jobId }, body: { reason: `leaked ${GITHUB_TOKEN}` } }),
      await app.call('putProduct', {
        token,
        params: { productId },
        body: { name: 'Shop', defaults: { repo: SECRETS['an address with a password'] } },
      }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.json())).not.toContain(GITHUB_TOKEN);
    }
  });

  it('in what a factory reports is blackened, and the run goes on', async () => {
    const jobId = await submitted({ body: 'x', retry: { max: 0 } });
    const enrolment = await app.call('createEnrolment', { token, body: { products: ['*'] } });
    const { enrolmentToken } = enrolment.json() as { enrolmentToken: string };
    const descriptor = {
      name: 'leaky',
      advertises: ['os:linux', 'arch:x64', 'engine:shell', 'engine-class:script'],
      stations: 4,
      agentVersion: '1',
    };
    const enrolled = await app.call('enrolFactory', { body: { enrolmentToken, descriptor } });
    const factory = enrolled.json() as { token: string; pools: string[] };
    for (const pool of factory.pools)
      await app.call('claimJobs', { token: factory.token, body: { pool, stations: 4, running: 0 } });
    const params = { jobId, epoch: 1 };
    const started = await app.call('reportRun', {
      token: factory.token,
      params,
      body: { kind: 'started', engineVersion: `1 ${GITHUB_TOKEN}` },
    });
    expect(started.status).toBe(200);
    const body = { kind: 'failed', reason: 'engine_failed', message: `no ${GITHUB_TOKEN}`, exitCode: 1 };
    expect((await app.call('reportRun', { token: factory.token, params, body })).status).toBe(200);
    expect((await app.call('getJob', { token, params: { jobId } })).json()).toMatchObject({
      job: { failure: { message: 'no [redacted]' } },
    });
  });

  it('in a tracker item is blackened before it reaches the queue', async () => {
    const issue = {
      number: 7,
      title: 'Rotate',
      body: `The old one was ${GITHUB_TOKEN}.`,
      html_url: 'http://127.0.0.1:9/7',
      state: 'open',
      labels: [{ name: 'agent:run' }],
    };
    const body = JSON.stringify({ action: 'opened', issue, repository: { full_name: 'acme/shop' } });
    const signature = createHmac('sha256', 'hook secret').update(body).digest('hex');
    const answer = await app.call('receiveWebhook', {
      params: { productId },
      body,
      headers: {
        'x-hub-signature-256': `sha256=${signature}`,
        'x-github-event': 'issues',
        'x-github-delivery': 'd-1',
      },
    });
    expect(answer.json()).toEqual({ accepted: true });
    const queued = JSON.stringify(await drain(app.cloud, TRACKER_INBOX));
    expect(queued).toContain('The old one was [redacted].');
    expect(queued).not.toContain(GITHUB_TOKEN);
  });

  it('is in no document of the database after all that', async () => {
    const all = await stored();
    expect(all).toContain('[redacted]');
    for (const secret of Object.values(SECRETS))
      expect(all).not.toContain(JSON.stringify(secret).slice(-24, -1));
  });
});
