// The same manifest gives the same events, whether the control plane or a folder hands the work out.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appendLog } from '../../../functions/operations/appendLog.js';
import { claimJobs } from '../../../functions/operations/claimJobs.js';
import { putArtifact } from '../../../functions/operations/putArtifact.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import { reportRun } from '../../../functions/operations/reportRun.js';
import { shipJob } from '../../../functions/operations/shipJob.js';
import { submitJob } from '../../../functions/operations/submitJob.js';
import type { Coordinator } from '../../../factory/coordinator.js';
import { NO_CONFIG } from '../../../factory/capabilities/config.js';
import { ENGINES } from '../../../factory/engines/registry.js';
import { executeRun } from '../../../factory/runs/execute.js';
import { FolderQueue } from '../../../factory/transports/folder/queue.js';
import { Shadow, verdictOf } from '../../../factory/transports/shadow.js';
import type { JobEvent } from '../../../shared/contract/event.js';
import type { RouteInput } from '../../../shared/contract/routeTypes.js';
import { ROUTES } from '../../../shared/contract/routes.js';
import { ADMIN, depsOn, detail, makeFactory, makeProduct } from '../../functions/fixture.js';
import { startTestCloud, type TestCloud } from '../../support/cloud.js';
import { factoryFixture, silent, type FactoryFixture } from '../support/fixture.js';

let cloud: TestCloud;
let deps: ReturnType<typeof depsOn>;
beforeAll(async () => {
  cloud = await startTestCloud({ blobs: true });
  deps = depsOn(cloud);
});
afterAll(() => cloud.close());

/** The control plane's operations, called as its triggers would. */
async function controlPlane(productId: string): Promise<Coordinator> {
  const caller = await makeFactory(deps, productId);
  const refuse = () => Promise.reject(new Error('not asked here'));
  return {
    enrolFactory: refuse,
    rotateToken: refuse,
    claimJobs: ({ body }) => claimJobs(deps, caller, { body: ROUTES.claimJobs.body.parse(body) }),
    renewLease: (call) => renewLease(deps, caller, call),
    reportRun: ({ params, body }) =>
      reportRun(deps, caller, { params, body: ROUTES.reportRun.body.parse(body) }),
    appendLog: (call) => appendLog(deps, caller, call as RouteInput<'appendLog'>),
    putArtifact: (call) => putArtifact(deps, caller, call),
  };
}

/** Everything that does not depend on who, when and where. */
const essence = (events: readonly JobEvent[]) =>
  events.map(({ seq, body, stage, from }) => ({
    seq,
    kind: body.kind,
    stage,
    from,
    ...('reason' in body ? { reason: body.reason } : {}),
    ...('change' in body ? { files: body.change.filesChanged, scope: body.change.scope } : {}),
    ...('verify' in body ? { passed: body.verify.passed, tail: body.verify.tail } : {}),
    ...('artifacts' in body ? { artifacts: body.artifacts } : {}),
  }));

async function work(fixture: FactoryFixture, coordinator: Coordinator, pool: string): Promise<void> {
  const runDeps = {
    coordinator,
    workspace: fixture.workspace,
    engines: ENGINES,
    engineVersions: new Map<string, string>(),
    config: NO_CONFIG,
    env: process.env,
    redactor: fixture.redactor,
    logger: silent,
    running: () => 1,
    onDrainAsked: () => {},
  };
  const { claims } = await coordinator.claimJobs({ body: { pool, stations: 1, running: 0 } });
  for (const claim of claims) await executeRun(claim, runDeps, new AbortController().signal);
}

const CASES: [string, string, string, boolean?][] = [
  ['a change that passes and ships', 'verify: cat b\nartifacts: [b]\n', 'echo two > b', true],
  ['a change without a check', '', 'echo two > b'],
  ['a change that fails its check', 'verify: exit 4\n', 'echo two > b'],
  ['a change that ships itself', 'verify: "true"\nreview-policy: auto\n', 'echo two > b', true],
  ['a change of its own tests', 'verify: "true"\nreview-policy: auto\n', 'mkdir test; echo two > test/b'],
  ['an engine that fails', 'retry: { max: 0 }\n', 'exit 3'],
  ['no change', '', 'true'],
  ['a branch that is not there', 'base-branch: gone\n', 'echo two > b'],
];

it.each(CASES)('%s', async (_, front, body, ships = false) => {
  const events: ReturnType<typeof essence>[] = [];
  for (const transport of ['control plane', 'folder'] as const) {
    await using fixture = await factoryFixture();
    const text = `---\ntitle: T\nengine: shell\nrepo: ${fixture.repository.path}\n${front}---\n${body}\n`;
    if (transport === 'control plane') {
      const { productId } = await makeProduct(deps, {});
      const { job } = await submitJob(deps, ADMIN, { body: { productId, text } });
      const coordinator = await controlPlane(productId);
      await work(fixture, coordinator, 'any');
      if (ships && !front.includes('auto')) await shipJob(deps, ADMIN, { params: { jobId: job.jobId } });
      if (ships) await work(fixture, coordinator, 'any');
      events.push(essence((await detail(deps, job.jobId)).events));
    } else {
      const root = path.join(fixture.folder, 'queue');
      mkdirSync(path.join(root, 'inbox'), { recursive: true });
      writeFileSync(path.join(root, 'inbox', 't.md'), text);
      const queue = new FolderQueue({
        root,
        productId: 'local',
        factoryId: 'laptop',
        advertises: ['os:linux', 'arch:x64', 'engine:shell', 'engine-class:script'],
        person: 'ann',
      });
      await queue.open();
      await work(fixture, queue, 'folder');
      if (ships && !front.includes('auto')) {
        const { renameSync } = await import('node:fs');
        renameSync(path.join(root, 'testing', 't.md'), path.join(root, 'shipped', 't.md'));
      }
      if (ships) await work(fixture, queue, 'folder');
      events.push(essence(queue.eventsOf('t.md')));
    }
  }
  expect(events[1]).toEqual(events[0]);
  expect(events[0]?.length).toBeGreaterThan(1);
});

it.each([
  ['a', 'a', 'AGREE'],
  [undefined, undefined, 'AGREE'],
  ['a', 'b', 'DIVERGE'],
  ['a', undefined, 'COORD_EMPTY'],
  [undefined, 'a', 'LOCAL_EMPTY'],
])('the shadow calls %s here and %s there %s', (local, coord, verdict) => {
  expect(verdictOf(local, coord)).toBe(verdict);
});

it('the shadow asks the control plane and changes nothing there', async () => {
  await using fixture = await factoryFixture();
  const { productId } = await makeProduct(deps, {});
  const body = { productId, manifest: { engine: 'shell', repo: fixture.repository.path, body: 'true' } };
  const { job } = await submitJob(deps, ADMIN, { body });
  const coordinator = await controlPlane(productId);
  const before = JSON.stringify(await detail(deps, job.jobId));
  let local: string | undefined;
  const shadow = new Shadow({
    coordinator,
    pools: ['any'],
    stations: 1,
    next: () => Promise.resolve(local),
    file: path.join(fixture.folder, 'shadow.jsonl'),
    logger: silent,
  });
  expect(await shadow.compare()).toBe('LOCAL_EMPTY');
  expect(await shadow.compare()).toBeUndefined();
  local = job.jobId;
  expect(await shadow.compare()).toBe('AGREE');
  expect(shadow.report).toEqual({ AGREE: 1, DIVERGE: 0, COORD_EMPTY: 0, LOCAL_EMPTY: 1 });
  expect(JSON.stringify(await detail(deps, job.jobId))).toBe(before);
  const { claims } = await coordinator.claimJobs({ body: { pool: 'any', stations: 1, running: 0 } });
  expect(claims).toHaveLength(1);
});
