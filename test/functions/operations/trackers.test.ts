import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { startTracker } from '../../../local/tracker/server.js';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { echoToTracker } from '../../../functions/operations/echoToTracker.js';
import { ingestTrackerItem } from '../../../functions/operations/ingestTrackerItem.js';
import { listJobs } from '../../../functions/operations/listJobs.js';
import { postToTracker } from '../../../functions/operations/postToTracker.js';
import { receiveWebhook } from '../../../functions/operations/receiveWebhook.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { CloudError } from '../../../shared/cloud/errors.js';
import type { JobSummary } from '../../../shared/contract/api.js';
import type { Job } from '../../../shared/contract/job.js';
import { TrackerDeliverySchema, TrackerPostSchema } from '../../../shared/contract/messages.js';
import { TRACKER_INBOX, TRACKER_OUTBOX } from '../../../shared/topology.js';
import { drain } from '../../support/queues.js';
import {
  ADMIN,
  build,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
} from '../fixture.js';

const REPOSITORY = 'acme/calculator';
const SECRETS = { HOOK: 'webhook secret', TOKEN: 'tracker-token' };

const { cloud, deps } = await cloudOfTests({ secrets: SECRETS });
const tracker = await startTracker({
  repository: REPOSITORY,
  cloneUrl: '/repo.git',
  token: SECRETS.TOKEN,
});
afterAll(() => tracker.close());

const product = (engines: ('shell' | 'claude')[] = ['shell'], apiUrl = tracker.apiUrl) =>
  makeProduct(deps, {
    defaults: { repo: '/repo.git', verify: 'npm test' },
    tracker: {
      kind: 'github',
      repository: REPOSITORY,
      apiUrl,
      webhookSecretSetting: 'HOOK',
      tokenSetting: 'TOKEN',
      label: 'agent:run',
      engines,
    },
  });

async function call<T>(path: string, body?: object): Promise<T> {
  const response = await fetch(`${tracker.apiUrl}/repos/${REPOSITORY}/issues${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${SECRETS.TOKEN}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return (await response.json()) as T;
}

interface Issue {
  number: number;
  title: string;
  state: string;
  labels: { name: string }[];
}

const fileIssue = (labels: string[], title = 'Add a function'): Promise<Issue> =>
  call<Issue>('', { title, body: 'echo done', labels });
const comments = async ({ number }: Issue): Promise<string[]> =>
  (await call<{ body: string }[]>(`/${number}/comments?per_page=100`)).map(({ body }) => body);

const payload = (issue: Issue, action = 'opened', label?: string) => ({
  action,
  issue,
  repository: { full_name: REPOSITORY },
  ...(label === undefined ? {} : { label: { name: label } }),
});

const delivered = (productId: string, body: object) =>
  ingestTrackerItem(deps, {
    delivery: {
      tracker: 'github',
      productId,
      deliveryId: randomUUID(),
      event: 'issues',
      payload: body,
      attempt: 0,
    },
  });

const jobsOf = async (productId: string): Promise<JobSummary[]> =>
  (await listJobs(deps, ADMIN, { query: { productId, limit: 100 } })).jobs;

describe('a webhook', () => {
  const send = (
    productId: string,
    body: string,
    signature: string,
    deliveryId: string = randomUUID(),
    event = 'issues',
  ) =>
    receiveWebhook(
      deps,
      { kind: 'anonymous' },
      {
        params: { productId },
        body: Buffer.from(body),
        headers: { signature, event, deliveryId },
      },
    );
  const sign = (body: string, secret = SECRETS.HOOK): string =>
    `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

  it('that is signed goes into the inbox, and a replay of it does not', async () => {
    const { productId } = await product();
    const body = JSON.stringify(payload(await fileIssue(['agent:run'])));
    const id = randomUUID();
    expect(await send(productId, body, sign(body), id)).toEqual({ accepted: true });
    expect(await send(productId, body, sign(body), id)).toEqual({ accepted: true });
    const messages = await drain(cloud, TRACKER_INBOX);
    expect(messages.map((message) => TrackerDeliverySchema.parse(message).delivery.deliveryId)).toEqual([id]);
  });

  it('that is not signed, or wrongly, is refused and stored nowhere', async () => {
    const { productId } = await product();
    const body = JSON.stringify(payload(await fileIssue(['agent:run'])));
    const refused = { code: 'bad-signature', status: 401 };
    await expect(send(productId, body, '')).rejects.toMatchObject(refused);
    await expect(send(productId, body, sign(body, 'other'))).rejects.toMatchObject(refused);
    await expect(send(productId, `${body} `, sign(body))).rejects.toMatchObject(refused);
    await expect(send('no-such-product', body, sign(body))).rejects.toMatchObject(refused);
    expect(await drain(cloud, TRACKER_INBOX)).toEqual([]);
  });

  it('that makes no job is answered without storing it', async () => {
    const { productId } = await product();
    expect(await send(productId, '{}', sign('{}'), randomUUID(), 'ping')).toMatchObject({ accepted: true });
    expect(await send(productId, '{}', sign('{}'), randomUUID(), 'push')).toMatchObject({ accepted: false });
    expect(await drain(cloud, TRACKER_INBOX)).toEqual([]);
  });
});

describe('a tracker item', () => {
  it('becomes one job, however often and for whichever label it is delivered', async () => {
    const { productId } = await product();
    const issue = await fileIssue(['agent:run', 'engine:shell', 'priority:high']);
    await delivered(productId, payload(issue));
    await delivered(productId, payload(issue));
    await delivered(productId, payload(issue, 'labeled', 'agent:run'));
    await delivered(productId, payload(issue, 'labeled', 'engine:shell'));

    const [job, ...more] = await jobsOf(productId);
    expect(more).toEqual([]);
    expect(job).toMatchObject({
      title: issue.title,
      engine: 'shell',
      manifest: { priority: 'high', repo: '/repo.git', verify: 'npm test' },
      trackerItem: { repository: REPOSITORY, number: issue.number },
      submittedBy: { kind: 'tracker' },
    });
    expect((await detail(deps, job!.jobId)).job.manifest.body).toBe('echo done');
  });

  it('of another repository, without the label or closed makes no job', async () => {
    const { productId } = await product();
    const issue = await fileIssue(['agent:run', 'engine:shell']);
    await delivered(productId, { ...payload(issue), repository: { full_name: 'evil/other' } });
    await delivered(productId, payload({ ...issue, labels: [] }));
    await delivered(productId, payload({ ...issue, state: 'closed' }));
    await delivered(productId, { action: 'opened' });
    expect(await jobsOf(productId)).toEqual([]);
  });

  it('that asks for an engine it may not choose gets a comment, once, and no job', async () => {
    const { productId } = await product(['claude']);
    const issue = await fileIssue(['agent:run', 'engine:shell']);
    await delivered(productId, payload(issue));
    await delivered(productId, payload(issue));
    expect(await jobsOf(productId)).toEqual([]);
    const told = await comments(issue);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('claude');
  });

  it("does not run as shell just because that is the product's default", async () => {
    const { productId, tracker: settings } = await product([]);
    const { name } = await makeProduct(deps);
    const shell = await makeProduct(deps, {
      name,
      defaults: { repo: '/repo.git', engine: 'shell' },
      ...(settings ? { tracker: settings } : {}),
    });
    const issue = await fileIssue(['agent:run']);
    await delivered(shell.productId, payload(issue));
    expect(await jobsOf(shell.productId)).toEqual([]);
    expect(await comments(issue)).toHaveLength(1);
    expect(productId).not.toBe(shell.productId);
  });

  it('with labels that make no manifest hears every problem', async () => {
    const { productId } = await product();
    const issue = await fileIssue(['agent:run', 'engine:shell', 'priority:hihg']);
    await delivered(productId, payload(issue));
    const [comment] = await comments(issue);
    expect(comment).toContain('`high`');
  });
});

/** Runs the outbox as the queue function does. */
async function echo(job: Job): Promise<void> {
  const { events } = await detail(deps, job.jobId);
  for (const event of events) await echoToTracker(deps, event);
  await post(deps);
}

async function post(on: Deps): Promise<void> {
  for (const message of await drain(cloud, TRACKER_OUTBOX, { sessions: true }))
    await postToTracker(on, TrackerPostSchema.parse(message));
}

async function jobOf(issue: Issue, productId: string): Promise<Job> {
  await delivered(productId, payload(issue));
  const [job] = await jobsOf(productId);
  if (!job) throw new Error('no job');
  return (await detail(deps, job.jobId)).job;
}

describe('the echo to the item', () => {
  it('tells each step once, although everything is delivered twice, and closes the item when shipped', async () => {
    const { productId } = await product();
    const factory = await makeFactory(deps, productId);
    const issue = await fileIssue(['agent:run', 'engine:shell']);
    const job = await jobOf(issue, productId);
    await build(deps, factory);
    await echo(job);
    expect((await call<Issue>(`/${issue.number}`)).labels.map(({ name }) => name)).toContain(
      'status:in-progress',
    );

    await decideGate(deps, ADMIN, job.jobId, { kind: 'ship' });
    const landing = await claimOne(deps, factory);
    await report(deps, factory, landing, { kind: 'started' });
    await report(deps, factory, landing, { kind: 'landed', mergeCommit: 'abc123', baseBranch: 'main' });
    cloud.clock.advance(1);
    const { events } = await detail(deps, job.jobId);
    for (const event of events) {
      const { productId: of, jobId, seq, at, stage, body } = event;
      if (!job.trackerItem) throw new Error('no item');
      const message = TrackerPostSchema.parse({
        post: { productId: of, item: job.trackerItem, event: { jobId, seq, at, stage, body }, attempt: 0 },
      });
      await postToTracker(deps, message);
      await postToTracker(deps, message);
    }

    const told = await comments(issue);
    expect(told.map((text) => text.split('\n')[0]?.slice(0, 12))).toEqual([
      '**Started** ',
      '**Ready to s',
      '**Shipped** ',
    ]);
    expect(told[2]).toContain('abc123');
    expect(told[2]).toContain('Verify passed: `npm test`');
    const after = await call<Issue>(`/${issue.number}`);
    expect(after.state).toBe('closed');
    expect(after.labels.map(({ name }) => name)).not.toContain('status:in-progress');
  });

  it('is delayed by a tracker that is away, and not lost', async () => {
    const { productId } = await product(['shell'], 'http://127.0.0.1:9');
    const factory = await makeFactory(deps, productId);
    const issue = await fileIssue(['agent:run', 'engine:shell']);
    const job = await jobOf(issue, productId);
    await claimOne(deps, factory);
    await echo(job);
    expect(cloud.serviceBus.engine.queue(TRACKER_OUTBOX).counts().scheduled).toBe(1);
  });

  it('is delayed by a database that is away, and not given back until its deliveries are used up', async () => {
    const { productId } = await product();
    const issue = await fileIssue(['agent:run', 'engine:shell']);
    const away: Deps = {
      ...deps,
      documents: {
        ...deps.documents,
        read: () => Promise.reject(new CloudError('unavailable', 'the database is away')),
      },
    };
    const scheduled = (queue: string): number => cloud.serviceBus.engine.queue(queue).counts().scheduled;
    const [inbox, outbox] = [scheduled(TRACKER_INBOX), scheduled(TRACKER_OUTBOX)];
    await ingestTrackerItem(away, {
      delivery: {
        tracker: 'github',
        productId,
        deliveryId: randomUUID(),
        event: 'issues',
        payload: payload(issue),
        attempt: 0,
      },
    });
    expect(scheduled(TRACKER_INBOX)).toBe(inbox + 1);
    const job = await jobOf(issue, productId);
    const [event] = (await detail(deps, job.jobId)).events;
    const item = job.trackerItem;
    if (!event || !item) throw new Error('the item became no job');
    await postToTracker(away, { post: { productId, item, event, attempt: 0 } });
    expect(scheduled(TRACKER_OUTBOX)).toBe(outbox + 1);
  });

  it('for an item that is gone is put aside for a person', async () => {
    const { productId } = await product();
    const factory = await makeFactory(deps, productId);
    const issue = await fileIssue(['agent:run', 'engine:shell']);
    const job = await jobOf({ ...issue, number: 99_999 }, productId);
    await claimOne(deps, factory);
    await echo(job);
    const parked = await cloud.documents.select<string>('fleet_control', {
      text: `SELECT VALUE c.error FROM c WHERE c.type = 'parked'`,
      partition: [productId],
    });
    expect(parked).toHaveLength(1);
    expect(parked[0]).toContain('404');
  });
});
