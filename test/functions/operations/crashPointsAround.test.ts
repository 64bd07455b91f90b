// The table of crash points in docs/reliability.md, for what goes on around jobs: composites, the tracker, logs and
// artifacts, factories and the audit. As in crashPoints.test.ts each operation dies before each of its writes.
import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { addChildren } from '../../../functions/operations/addChildren.js';
import { appendLog } from '../../../functions/operations/appendLog.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import { checkpointAudit } from '../../../functions/operations/checkpointAudit.js';
import { createEnrolment } from '../../../functions/operations/createEnrolment.js';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { drainFactory } from '../../../functions/operations/drainFactory.js';
import { enrolFactory } from '../../../functions/operations/enrolFactory.js';
import { revokeFactory, rotateToken } from '../../../functions/operations/factoryTokens.js';
import { ingestTrackerItem } from '../../../functions/operations/ingestTrackerItem.js';
import { listJobs } from '../../../functions/operations/listJobs.js';
import { postToTracker } from '../../../functions/operations/postToTracker.js';
import { putArtifact } from '../../../functions/operations/putArtifact.js';
import { putProfile } from '../../../functions/operations/putProfile.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { reportRun } from '../../../functions/operations/reportRun.js';
import { tendChildren } from '../../../functions/operations/tendChildren.js';
import { verifyAudit } from '../../../functions/operations/verifyAudit.js';
import { startTracker } from '../../../local/tracker/server.js';
import { PlanSchema } from '../../../shared/contract/children.js';
import type { Factory } from '../../../shared/contract/fleet.js';
import { TrackerPostSchema } from '../../../shared/contract/messages.js';
import { PutProfileSchema } from '../../../shared/contract/profile.js';
import { FACTORIES, FLEET } from '../../../shared/topology.js';
import { atEachWrite, untilDead } from '../../support/dying.js';
import {
  ADMIN,
  FINISHED,
  build,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
  type Report,
  runToEnd,
} from '../fixture.js';
import { contradictions, feed, repair } from './repairs.js';

const REPOSITORY = 'acme/calculator';
const SECRETS = { HOOK: 'webhook secret', TOKEN: 'tracker-token' };

const { cloud, deps } = await cloudOfTests({ blobs: true, secrets: SECRETS });

const AUTO = { verify: 'x', 'review-policy': 'auto', retry: { max: 2, backoff: 1 } };
const child = (key: string, more: object = {}) => ({
  key,
  manifest: { body: `echo ${key}`, title: key, ...AUTO, ...more },
});
const PLAN = PlanSchema.parse({ children: [child('a'), child('b', { deps: ['a'] })] });

/** Works on whatever the product offers until nothing is left, with the feed between the turns. */
async function workOff(productId: string, factory: FactoryCaller): Promise<void> {
  await feed(deps, productId);
  for (
    let claims = await claim(deps, factory, 4);
    claims.length > 0;
    claims = await claim(deps, factory, 4)
  ) {
    for (const next of claims) await runToEnd(deps, factory, next);
    await feed(deps, productId);
  }
}

const shippedWith = async (productId: string, jobId: string, children: number): Promise<void> => {
  const { job, rollup } = await detail(deps, jobId);
  expect([job.stage, rollup?.byStage]).toEqual(['shipped', { shipped: children }]);
  expect(await contradictions(deps, productId)).toEqual([]);
};

const CHILD = ['batch fleet_jobs job+event', 'upsert fleet_ready ready', 'send pool-any'];

describe('dying before each write of', { timeout: 120_000 }, () => {
  it('a plan: no child or every child, and the parent ends with the last one', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      const { jobId } = await submit(deps, productId, { kind: 'composite' });
      const input = { params: { jobId }, body: PLAN };
      await untilDead(process, (dying) => addChildren(dying, ADMIN, input));
      await feed(deps, productId);
      const { jobs } = await listJobs(deps, ADMIN, { query: { productId, limit: 100 } });
      // Drafts alone are no children; once the event is there all of them come.
      expect(jobs).toHaveLength(process.writes.length < 2 ? 1 : 3);
      if (process.writes.length < 2) await addChildren(deps, ADMIN, input);
      await repair(deps, cloud, productId);
      await workOff(productId, factory);
      await shippedWith(productId, jobId, 2);
    });
    expect(writes.slice(0, 2)).toEqual(['batch fleet_jobs child+child', 'batch fleet_jobs job+event']);
    // The child that waits for its sibling is not offered yet.
    expect(writes.slice(2).toSorted()).toEqual([...CHILD, 'batch fleet_jobs job+event'].toSorted());
  });

  it('the report of a planner: its plan is carried out once', async () => {
    const planner = PutProfileSchema.parse({
      profile: {
        title: 'P',
        summary: 'Plans.',
        persona: 'You plan.',
        'engine-class': 'script',
        produces: 'plan',
      },
    });
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      await putProfile(deps, ADMIN, { params: { owner: productId, name: 'planner' }, body: planner });
      const { jobId } = await submit(deps, productId, { kind: 'composite', profile: 'planner' });
      const running = await claimOne(deps, factory);
      await report(deps, factory, running, { kind: 'started' });
      const body: Report = {
        kind: 'planned',
        plan: PLAN,
        usage: { wallSeconds: 1, tokens: 10, usd: 0.25, accuracy: 'exact' },
      };
      const input = { params: { jobId, epoch: running.run.epoch }, body };
      let answered = false;
      await untilDead(process, async (dying) => {
        await reportRun(dying, factory, input);
        answered = true;
      });
      if (!answered) await reportRun(deps, factory, input);
      await repair(deps, cloud, productId);
      await workOff(productId, factory);
      await shippedWith(productId, jobId, 2);
      const kinds = (await detail(deps, jobId)).events.map((event) => event.body.kind);
      expect(kinds.filter((kind) => kind === 'children.requested')).toHaveLength(1);
    });
    expect(writes.slice(0, 3)).toEqual([
      'batch fleet_jobs child+child',
      'batch fleet_jobs job+run+event+event',
      'remove fleet_leases',
    ]);
    expect(writes.slice(3).toSorted()).toEqual([...CHILD, 'batch fleet_jobs job+event'].toSorted());
  });

  it('the cancelling of a composite: its children go with it', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      const { jobId } = await submit(deps, productId, { kind: 'composite' });
      const { children } = await addChildren(deps, ADMIN, { params: { jobId }, body: PLAN });
      await untilDead(process, async (dying) => {
        await decideGate(dying, ADMIN, jobId, { kind: 'cancel', reason: 'x' });
        for (const event of (await detail(deps, jobId)).events) await tendChildren(dying, event);
      });
      if (process.writes.length === 0) await decideGate(deps, ADMIN, jobId, { kind: 'cancel', reason: 'x' });
      await repair(deps, cloud, productId);
      expect(await claim(deps, factory, 4)).toEqual([]);
      for (const one of [jobId, ...children.map((each) => each.jobId)])
        expect((await detail(deps, one)).job.stage).toBe('failed');
      expect(await contradictions(deps, productId)).toEqual([]);
    });
    expect(writes.toSorted()).toEqual([
      'batch fleet_jobs job+event',
      'batch fleet_jobs job+event',
      'batch fleet_jobs job+event',
      'remove fleet_ready',
    ]);
  });

  it('a comment on the item: each is there once, and the labels follow', async () => {
    const tracker = await startTracker({
      repository: REPOSITORY,
      cloneUrl: '/repo.git',
      token: SECRETS.TOKEN,
    });
    const call = async <T>(path: string, body?: object): Promise<T> => {
      const answer = await fetch(`${tracker.apiUrl}/repos/${REPOSITORY}/issues${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${SECRETS.TOKEN}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return (await answer.json()) as T;
    };
    try {
      const writes = await atEachWrite(deps, async (process) => {
        const { productId } = await makeProduct(deps, {
          defaults: { repo: '/repo.git', verify: 'npm test' },
          tracker: {
            kind: 'github',
            repository: REPOSITORY,
            apiUrl: tracker.apiUrl,
            webhookSecretSetting: 'HOOK',
            tokenSetting: 'TOKEN',
            label: 'agent:run',
            engines: ['shell'],
          },
        });
        const factory = await makeFactory(deps, productId);
        const labels = ['agent:run', 'engine:shell'];
        const issue = await call<{ number: number }>('', { title: 'Add', body: 'echo', labels });
        const payload = { action: 'opened', issue, repository: { full_name: REPOSITORY } };
        const deliveryId = randomUUID();
        await ingestTrackerItem(deps, {
          delivery: { tracker: 'github', productId, deliveryId, event: 'issues', payload, attempt: 0 },
        });
        const { job } = await claimOne(deps, factory);
        const event = (await detail(deps, job.jobId)).events.find(({ body }) => body.kind === 'job.assigned');
        if (!event || !job.trackerItem) throw new Error('no event of an item');
        const { jobId, seq, at, stage, body } = event;
        const message = TrackerPostSchema.parse({
          post: { productId, item: job.trackerItem, event: { jobId, seq, at, stage, body }, attempt: 0 },
        });
        vi.stubGlobal('fetch', process.fetch);
        await untilDead(process, (dying) => postToTracker(dying, message)).finally(() =>
          vi.unstubAllGlobals(),
        );
        // The message was not completed, so it comes again.
        await postToTracker(deps, message);
        const comments = await call<{ body: string }[]>(`/${issue.number}/comments`);
        expect(comments.map((one) => one.body.slice(0, 11))).toEqual(['**Started**']);
        const { labels: now } = await call<{ labels: { name: string }[] }>(`/${issue.number}`);
        expect(now.map(({ name }) => name)).toContain('status:in-progress');
      });
      expect(writes).toEqual(['http POST', 'http POST']);
    } finally {
      await tracker.close();
    }
  });

  it('the end of a log, and a file that a run keeps: the same bytes come again', async () => {
    const bytes = Buffer.from('the last line\n');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      const { jobId } = await submit(deps, productId);
      const running = await claimOne(deps, factory);
      await report(deps, factory, running, { kind: 'started' });
      const params = { jobId, epoch: running.run.epoch };
      const write = async (on: typeof deps | Parameters<typeof appendLog>[0]) => {
        const { nextOffset } = await appendLog(on, factory, {
          params,
          query: { offset: 0, end: true },
          body: bytes,
        });
        expect(nextOffset).toBe(bytes.length);
        const query = { path: 'out.txt', sha256 };
        return putArtifact(on, factory, { params, query, body: bytes });
      };
      await untilDead(process, write);
      const kept = await write(deps);
      const log = await deps.blobs.log('logs', `${productId}/${jobId}/1.log`);
      expect(log).toEqual({ length: bytes.length, closed: true });
      await report(deps, factory, running, { ...FINISHED, artifacts: [kept] } as Report);
      expect((await detail(deps, jobId)).runs[0]?.artifacts).toEqual([kept]);
    });
    expect(writes).toEqual(['append logs', 'close logs', 'put artifacts']);
  });

  it('an enrolment: the token is used up, and the machine joins with another one', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const name = `f-${randomUUID().slice(0, 8)}`;
      const descriptor = { name, advertises: ['os:linux'], stations: 1, agentVersion: '1' };
      const token = async () =>
        (await createEnrolment(deps, ADMIN, { body: { products: ['*'], expiresInSeconds: 600 } }))
          .enrolmentToken;
      const first = await token();
      let joined: string | undefined;
      const join = async (on: Parameters<typeof enrolFactory>[0], enrolmentToken: string) => {
        const body = { enrolmentToken, descriptor };
        joined = (await enrolFactory(on, { kind: 'anonymous' }, { body })).factoryId;
      };
      await untilDead(process, (dying) => join(dying, first));
      if (joined === undefined) await join(deps, process.writes.length === 0 ? first : await token());
      expect(await deps.documents.read<Factory>(FACTORIES, [FLEET], joined ?? '')).toBeDefined();
      await expect(join(deps, first)).rejects.toMatchObject({ code: 'unauthenticated' });
    });
    expect(writes).toEqual(['remove fleet_control', 'create fleet_factories factory']);
  });

  it('a new token: the one before it holds on until the factory has used the new one', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      await untilDead(process, (dying) => rotateToken(dying, factory));
      // Its answer never came: it asks again with the token that it has.
      await rotateToken(deps, factory);
      const stored = await deps.documents.read<Factory>(FACTORIES, [FLEET], factory.id);
      expect(stored?.document.tokens).toContain(factory.tokenId);
    });
    expect(writes).toEqual(['patch fleet_factories']);
  });

  it('draining a factory: it is asked again, and hears it with its next renewal', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      const { jobId } = await submit(deps, productId);
      await claimOne(deps, factory);
      await submit(deps, productId);
      const input = { params: { factoryId: factory.id }, body: { reason: 'new disk', undo: false } };
      await untilDead(process, (dying) => drainFactory(dying, ADMIN, input));
      await drainFactory(deps, ADMIN, input);
      const params = { jobId, epoch: 1 };
      const { directives } = await renewLease(deps, factory, { params, body: { running: 1 } });
      expect(directives).toEqual(['drain']);
      expect(await claim(deps, factory, 2)).toEqual([]);
    });
    expect(writes).toEqual(['upsert fleet_control audit', 'patch fleet_factories', 'patch fleet_leases']);
  });

  it('throwing a factory out: its job is another’s after a lease at the latest', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const [factory, other] = await Promise.all([
        makeFactory(deps, productId),
        makeFactory(deps, productId),
      ]);
      const { jobId } = await submit(deps, productId, AUTO);
      await claimOne(deps, factory);
      const input = { params: { factoryId: factory.id }, body: { reason: 'stolen' } };
      await untilDead(process, (dying) => revokeFactory(dying, ADMIN, input));
      if (process.writes.length < 2) await revokeFactory(deps, ADMIN, input);
      await expect(claim(deps, factory)).rejects.toMatchObject({ code: 'unauthenticated' });
      await repair(deps, cloud, productId);
      cloud.clock.advance(5);
      expect((await claimOne(deps, other)).job.jobId).toBe(jobId);
    });
    expect(writes).toEqual([
      'upsert fleet_control audit',
      'remove fleet_factories',
      'batch fleet_jobs job+run+event',
      'remove fleet_leases',
      'upsert fleet_ready ready',
      'send pool-any',
    ]);
  });

  it('sealing the record: the next turn goes on, and nothing is found', async () => {
    const writes = await atEachWrite(deps, async (process) => {
      const { productId } = await makeProduct(deps);
      const factory = await makeFactory(deps, productId);
      await submit(deps, productId, AUTO);
      await untilDead(process, (dying) => checkpointAudit(dying));
      await build(deps, factory);
      await checkpointAudit(deps);
      await checkpointAudit(deps);
      expect(await verifyAudit(deps, ADMIN, { query: { productId } })).toMatchObject({ findings: [] });
    });
    expect(writes).toEqual(['append audit', 'replace fleet_control audit-head']);
  });
});
