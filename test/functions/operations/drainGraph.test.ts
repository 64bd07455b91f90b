// A graph of a thousand jobs on the embedded engines: submitted one by one, claimed by several factories at the same
// time, let go on by the feed's own function, which reads the real change feed. The feed has all writes of all jobs in
// the order in which they were committed: so what came before what is read from there.
import { ChangeFeedStartFrom, CosmosClient, type ChangeFeedIteratorOptions } from '@azure/cosmos';
import { afterAll, expect, it } from 'vitest';
import { workOnBatch } from '../../../functions/lib/feedBatch.js';
import { FEEDS } from '../../../functions/operations/feeds.js';
import { inParallel } from '../../../functions/operations/inParallel.js';
import type { JobEvent } from '../../../shared/contract/event.js';
import type { Job, Run } from '../../../shared/contract/job.js';
import { isReached } from '../../../shared/rules/dag.js';
import { DATABASE, JOBS, READY } from '../../../shared/topology.js';
import { claim, cloudOfTests, makeFactory, makeProduct, submit, runToEnd } from '../fixture.js';

const WIDTH = 50;
const DEPTH = 20;
/** What comes after this layer waits until it has shipped; elsewhere tested is enough. */
const SHIPPED_LAYER = 9;
const FACTORIES = 2;
const STATIONS = 32;
/** A drain that is stuck ends here, at the first expectation after it. Measured on two busy cores: 54 s for the whole. */
const DEADLINE_MS = 240_000;

type Document = Job | Run | JobEvent;

const { cloud, deps } = await cloudOfTests();
const client = new CosmosClient(cloud.cosmos.connectionString);
afterAll(() => client.dispose());

const keyOf = (layer: number, at: number): string => `${String(layer).padStart(2, '0')}-${at % WIDTH}`;

/** Layers in which each job goes on from one of the layer before, and layers in which it joins two, take turns. */
async function submitGraph(productId: string): Promise<Map<string, Job>> {
  const jobs = new Map<string, Job>();
  for (let layer = 0; layer < DEPTH; layer += 1) {
    const suffix = layer - 1 === SHIPPED_LAYER ? '' : '@testing';
    const places = Array.from({ length: WIDTH }, (_, at) => at);
    await inParallel(places, async (at) => {
      const key = keyOf(layer, at);
      const above = layer === 0 ? [] : layer % 2 === 0 ? [at, at + 1] : [at];
      const manifest = {
        'idempotency-key': key,
        deps: above.map((place) => keyOf(layer - 1, place) + suffix),
        verify: 'npm test',
        ...(layer === SHIPPED_LAYER && { 'review-policy': 'auto' }),
      };
      jobs.set(key, await submit(deps, productId, manifest));
    });
  }
  return jobs;
}

it('is drained in order, every job once', { timeout: DEADLINE_MS + 60_000 }, async () => {
  const { productId } = await makeProduct(deps);
  const graph = await submitGraph(productId);
  expect(graph.size).toBe(WIDTH * DEPTH);
  const waiting = [...graph.values()].filter(({ waitsFor }) => waitsFor !== undefined);
  expect(waiting).toHaveLength(WIDTH * (DEPTH - 1));

  const shipping = new Set(
    Array.from({ length: WIDTH }, (_, at) => graph.get(keyOf(SHIPPED_LAYER, at))?.jobId ?? ''),
  );
  const log: JobEvent[] = [];
  const reached = new Set<string>();
  const deadline = Date.now() + DEADLINE_MS;
  const isOpen = (): boolean => reached.size < graph.size && Date.now() < deadline;

  const feed = async (): Promise<void> => {
    const from: ChangeFeedIteratorOptions = {
      changeFeedStartFrom: ChangeFeedStartFrom.Beginning(),
      maxItemCount: 100,
    };
    const pages = client.database(DATABASE).container(JOBS).items.getChangeFeedIterator<Document>(from);
    while (isOpen()) {
      const { statusCode, result } = await pages.readNext();
      if (statusCode === 304) {
        await deps.clock.sleep(5);
        continue;
      }
      await workOnBatch(deps, { name: 'unblockDependents', operate: FEEDS.unblockDependents }, result, 0);
      const events = result.filter((one) => one.type === 'event');
      log.push(...events);
      for (const { jobId, stage } of events) {
        if (isReached(stage, shipping.has(jobId) ? 'shipped' : 'testing')) reached.add(jobId);
      }
    }
  };
  const work = async (): Promise<void> => {
    const factory = await makeFactory(deps, productId);
    while (isOpen()) {
      const claims = await claim(deps, factory, STATIONS);
      await Promise.all(claims.map((claimed) => runToEnd(deps, factory, claimed)));
      if (claims.length === 0) await deps.clock.sleep(25);
    }
  };
  await Promise.all([feed(), ...Array.from({ length: FACTORIES }, work)]);
  expect(reached.size).toBe(graph.size);

  // In the order of the log: nothing is claimed before all that it waits for is so far.
  const stages = new Map<string, JobEvent['stage']>();
  const early: string[] = [];
  const claimedBy = new Map<string, string[]>();
  const byId = new Map([...graph.values()].map((job) => [job.jobId, job]));
  for (const { jobId, stage, body } of log) {
    if (body.kind === 'job.assigned') {
      const needs = byId.get(jobId)?.deps ?? [];
      const isEarly = needs.some((need) => !isReached(stages.get(need.jobId) ?? 'queued', need.until));
      if (isEarly) early.push(jobId);
      claimedBy.set(jobId, [...(claimedBy.get(jobId) ?? []), body.run]);
    }
    stages.set(jobId, stage);
  }
  expect(early).toEqual([]);
  for (const { jobId } of graph.values())
    expect(claimedBy.get(jobId)).toEqual(shipping.has(jobId) ? ['build', 'land'] : ['build']);

  // And what is stored says the same, with nothing left to claim and nothing that went wrong on the way.
  const ended = new Map<string, number>();
  await inParallel([...graph.values()], async ({ jobId }) => {
    const job = await deps.documents.read<Job>(JOBS, [productId, jobId], 'job');
    const { stage = 'missing', epoch = 0, waitsFor } = job?.document ?? {};
    const end = `${stage} ${epoch} ${waitsFor === undefined ? 'free' : 'waiting'}`;
    ended.set(end, (ended.get(end) ?? 0) + 1);
  });
  expect(Object.fromEntries(ended)).toEqual({
    'testing 1 free': WIDTH * (DEPTH - 1),
    'shipped 2 free': WIDTH,
  });
  expect(await deps.documents.query(READY, { text: 'SELECT * FROM c', partition: ['any'] })).toEqual([]);
  expect(deps.lines).toEqual([]);
});
