import { afterEach, beforeEach, expect, test } from 'vitest';
import { Deferred } from '../../../factory/deferred.js';
import { Stations } from '../../../factory/stations.js';
import { waitOnPool } from '../../../factory/transports/bus.js';
import { Claims } from '../../../factory/transports/claims.js';
import { openTickets, type Tickets } from '../../../shared/cloud/tickets.js';
import type { Claim } from '../../../shared/contract/api.js';
import { AppError } from '../../../shared/errors.js';
import { TestBus } from '../support/bus.js';
import { claimOf, ControlPlane } from '../support/controlPlane.js';
import { silent } from '../support/fixture.js';
import { until } from '../support/processes.js';

let bus: TestBus;
let plane: ControlPlane;
let tickets: Tickets;
let stop: AbortController;
/** Runs under way, each ended by the test. */
let working: { readonly claim: Claim; readonly end: () => void }[];

beforeEach(async () => {
  bus = await TestBus.start();
  plane = await ControlPlane.start();
  tickets = await openTickets(bus.setting);
  stop = new AbortController();
  working = [];
});
afterEach(async () => {
  stop.abort();
  await tickets.close();
  await bus[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

function factory(capacity: number, pools: readonly string[] = ['any']): Stations {
  const stations = new Stations(capacity);
  const claims = new Claims({
    coordinator: plane.client,
    stations,
    warm: () => ['repository'],
    work(claim) {
      const { promise, resolve } = new Deferred();
      working.push({ claim, end: resolve });
      return promise;
    },
  });
  for (const pool of pools) void waitOnPool({ pool, tickets, claims, stations, logger: silent }, stop.signal);
  return stations;
}

/** A job that is ready, with its ticket in the pool's queue. */
async function submit(lane = 'engine-shell', pool = 'any'): Promise<Claim> {
  const claim = claimOf({ body: 'true' }, { job: { lane } });
  plane.ready.push(claim);
  await bus.ring(claim, pool);
  return claim;
}

test('claims for a ticket, takes it off the queue, and works', async () => {
  factory(1);
  const claim = await submit();
  await until(() => working.length === 1);
  expect(working[0]?.claim.job.jobId).toBe(claim.job.jobId);
  expect(plane.claimRequests).toEqual([
    { pool: 'any', lane: 'engine-shell', stations: 1, running: 0, warm: ['repository'] },
  ]);
  await until(() => bus.waiting() === 0);
});

test('works on several jobs of one lane at a time', async () => {
  const stations = factory(3);
  for (let i = 0; i < 3; i += 1) await submit();
  await until(() => working.length === 3);
  expect(stations.free).toBe(0);
});

test('leaves tickets to others while every station is taken', async () => {
  const stations = factory(1, ['any', 'linux', 'node']);
  await submit('a', 'any');
  await until(() => working.length === 1);
  await submit('b', 'linux');
  await submit('c', 'node');
  const tries = plane.claimRequests.length;
  // Another factory gets what this one cannot take.
  const other = await openTickets(bus.setting);
  let got: string | undefined;
  await other.next('pool-linux', async ({ lane }) => void (got = lane), stop.signal);
  await other.close();
  expect(got).toBe('b');
  expect(plane.claimRequests).toHaveLength(tries);

  working[0]?.end();
  await until(() => working.length === 2);
  expect(stations.running).toBe(1);
  expect(plane.claimRequests.every(({ running }) => running === 0)).toBe(true);
});

test('never fills one station twice when two pools ring at once', async () => {
  const stations = factory(2, ['any', 'linux', 'mac', 'node']);
  await Promise.all(['any', 'linux', 'mac', 'node'].map((pool) => submit(pool, pool)));
  await until(() => working.length === 2);
  expect(stations.free).toBe(0);
  working[0]?.end();
  working[1]?.end();
  await until(() => working.length === 4);
  expect(stations.running).toBe(2);
});

test('gives the ticket back when the control plane does not answer', async () => {
  let refusals = 1;
  plane.onRequest = () => {
    if (refusals-- > 0) throw new AppError('unavailable', 'away');
  };
  factory(1);
  await submit();
  await until(() => working.length === 1);
  expect(plane.claimRequests).toHaveLength(1);
});

test('claims over HTTP while the bus is away', async () => {
  await bus.server.close();
  plane.ready.push(claimOf({ body: 'true' }));
  factory(1);
  await until(() => working.length === 1);
  expect(plane.claimRequests[0]).not.toHaveProperty('lane');
});

test('works once on a job whose ticket comes twice, and takes both off the queue', async () => {
  factory(2);
  const claim = await submit();
  await bus.ring(claim, 'any', '.sweep');
  await until(() => plane.claimRequests.length >= 2);
  await until(() => bus.waiting() === 0);
  expect(working.map(({ claim: given }) => given.job.jobId)).toEqual([claim.job.jobId]);
});

test('takes a ticket that is stale off the queue', async () => {
  factory(1);
  await bus.ring(claimOf({ body: 'true' }));
  await until(() => plane.claimRequests.length === 1);
  await until(() => bus.waiting() === 0);
  expect(working).toEqual([]);
});

test('a factory that rests leaves the work to others, and takes some again afterwards', async () => {
  const resting = factory(1);
  resting.rest(60_000);
  await submit();
  factory(1);
  await until(() => working.length === 1);
  await submit();
  expect(resting.running).toBe(0);
  expect(bus.waiting()).toBe(1);
  resting.rest(1);
  await until(() => working.length === 2);
  expect(resting.running).toBe(1);
});
