// The same manifest gives the same events, whichever way the work comes: tickets, claims over HTTP, or a folder.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CosmosClient } from '@azure/cosmos';
import { expect, it } from 'vitest';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { submitJob } from '../../../functions/operations/submitJob.js';
import type { Coordinator } from '../../../factory/coordinator.js';
import { executeRun } from '../../../factory/runs/execute.js';
import { Stations } from '../../../factory/stations.js';
import { waitOnPool } from '../../../factory/transports/bus.js';
import { Claims } from '../../../factory/transports/claims.js';
import { FOLDER_POOL, FolderQueue } from '../../../factory/transports/folder/queue.js';
import { pause } from '../../../factory/pause.js';
import { pollPool } from '../../../factory/transports/poll.js';
import { Shadow, verdictOf } from '../../../factory/transports/shadow.js';
import { openTickets } from '../../../shared/cloud/tickets.js';
import type { JobEvent } from '../../../shared/contract/event.js';
import { CONTAINERS, DATABASE, poolQueueName } from '../../../shared/topology.js';
import { ADMIN, cloudOfTests, detail, makeFactory, makeProduct } from '../../functions/fixture.js';
import { factoryFixture, silent, type FactoryFixture } from '../support/fixture.js';
import { operationsFor } from '../support/operations.js';
import { until } from '../support/processes.js';

const { cloud, deps } = await cloudOfTests({ blobs: true });

/** The control plane's operations, called as its triggers would. */
async function controlPlane(productId: string): Promise<Coordinator> {
  return operationsFor(deps, await makeFactory(deps, productId));
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

const TRANSPORTS = ['bus', 'poll', 'folder'] as const;

/** A factory's own loop on a transport; `runs(n)` resolves when the n-th run has ended. */
async function factoryOn(
  transport: (typeof TRANSPORTS)[number],
  fixture: FactoryFixture,
  coordinator: Coordinator,
) {
  const stations = new Stations(1);
  const over = new AbortController();
  let ended = 0;
  const claims = new Claims({
    coordinator,
    stations,
    warm: () => [],
    work: async (claim) => {
      await executeRun(claim, fixture.depsOn(coordinator), new AbortController().signal);
      ended += 1;
    },
    closed: over.signal,
  });
  const wait = { claims, stations, logger: silent };
  const setting = { kind: 'connectionString', value: cloud.env['SERVICE_BUS'] ?? '' } as const;
  const tickets = transport === 'bus' ? await openTickets(setting) : undefined;
  const loop = tickets
    ? waitOnPool({ ...wait, pool: 'any', tickets }, over.signal)
    : pollPool({ ...wait, pool: transport === 'folder' ? FOLDER_POOL : 'any', everyMs: 20 }, over.signal);
  return {
    runs: (count: number) => until(() => ended >= count),
    async [Symbol.asyncDispose]() {
      over.abort();
      await claims.whenQuiet();
      await stations.whenEmpty();
      // As the agent does it: who waits for a session is not waited for.
      await Promise.race([Promise.all([loop, tickets?.close()]), pause(300)]);
    },
  };
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

it.each(CASES)('%s: the same events through bus, poll and folder', async (_, front, body, ships = false) => {
  const events: ReturnType<typeof essence>[] = [];
  const ship = ships && !front.includes('auto');
  for (const transport of TRANSPORTS) {
    await using fixture = await factoryFixture();
    const text = `---\ntitle: T\nengine: shell\nrepo: ${fixture.repository.path}\n${front}---\n${body}\n`;
    if (transport === 'folder') {
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
      await using factory = await factoryOn(transport, fixture, queue);
      await factory.runs(1);
      if (ship) renameSync(path.join(root, 'testing', 't.md'), path.join(root, 'shipped', 't.md'));
      if (ships) await factory.runs(2);
      events.push(essence(queue.eventsOf('t.md')));
      continue;
    }
    const { productId } = await makeProduct(deps, {});
    const coordinator = await controlPlane(productId);
    await using factory = await factoryOn(transport, fixture, coordinator);
    const { job } = await submitJob(deps, ADMIN, { body: { productId, text } });
    await factory.runs(1);
    if (ship) await decideGate(deps, ADMIN, job.jobId, { kind: 'ship' });
    if (ships) await factory.runs(2);
    events.push(essence((await detail(deps, job.jobId)).events));
  }
  const [bus, poll, folder] = events;
  expect(poll).toEqual(bus);
  expect(folder).toEqual(bus);
  expect(bus?.length).toBeGreaterThan(1);
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

/** Every document and every waiting ticket. */
async function everything(): Promise<string> {
  const client = new CosmosClient(cloud.env['COSMOS'] ?? '');
  const stored = await Promise.all(
    CONTAINERS.map(({ name }) => client.database(DATABASE).container(name).items.readAll().fetchAll()),
  );
  client.dispose();
  const tickets = await deps.bus.waiting(poolQueueName('any'), 100);
  return JSON.stringify([stored.map(({ resources }) => resources), tickets]);
}

it.each([
  ['AGREE', true, 'same'],
  ['AGREE', false, 'none'],
  ['DIVERGE', true, 'other'],
  ['COORD_EMPTY', false, 'other'],
  ['LOCAL_EMPTY', true, 'none'],
])('the shadow reports %s and changes nothing on the control plane', async (verdict, isFiled, here) => {
  await using fixture = await factoryFixture();
  const { productId } = await makeProduct(deps, {});
  const body = { productId, manifest: { engine: 'shell', repo: fixture.repository.path, body: 'true' } };
  const filed = isFiled ? (await submitJob(deps, ADMIN, { body })).job.jobId : undefined;
  const coordinator = await controlPlane(productId);
  const file = path.join(fixture.folder, 'shadow.jsonl');
  const local = here === 'same' ? filed : here === 'other' ? 'job-0000000000000000' : undefined;
  const next = () => Promise.resolve(local);
  const shadow = new Shadow({ coordinator, pools: ['any'], stations: 1, next, file, logger: silent });
  const before = await everything();
  expect(await shadow.compare()).toBe(verdict);
  // The same again is not told again.
  expect(await shadow.compare()).toBeUndefined();
  expect(await everything()).toBe(before);
  expect(shadow.report).toEqual({ AGREE: 0, DIVERGE: 0, COORD_EMPTY: 0, LOCAL_EMPTY: 0, [verdict]: 1 });
  const told = JSON.parse(readFileSync(file, 'utf8')) as object;
  expect(told).toMatchObject({ verdict, local: local ?? null, coord: filed ?? null });
  const { claims } = await coordinator.claimJobs({ body: { pool: 'any', stations: 1, running: 0 } });
  expect(claims).toHaveLength(isFiled ? 1 : 0);
});
