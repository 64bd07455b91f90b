// Two hundred factories and one lane: what the database has to bear when they all come at once, and what the bus does
// so that they do not.
import { beforeEach, describe, expect, it } from 'vitest';
import { laneSession } from '../../../functions/operations/laneSession.js';
import { MAX_SHARDS } from '../../../shared/rules/lanes.js';
import { claim, cloudOfTests, detail, makeFactory, makeProduct, submit } from '../fixture.js';

const FACTORIES = 200;
const JOBS = 40;
/**
 * Request units a factory, on average. Measured: 33. The herd comes in one moment here; on the bus a session lets one
 * at a time claim.
 */
const MAX_RU = 80;

let spent = 0;
const { cloud, deps } = await cloudOfTests({ meter: ({ requestUnits }) => (spent += requestUnits) });

describe('a herd of factories on one lane', { timeout: 90_000 }, () => {
  it('gets every job once, at a bounded price', async () => {
    const { productId } = await makeProduct(deps);
    const factories = await Promise.all(
      Array.from({ length: FACTORIES }, () => makeFactory(deps, productId)),
    );
    const jobs = await Promise.all(Array.from({ length: JOBS }, () => submit(deps, productId)));
    const jobIds = jobs.map(({ jobId }) => jobId);

    const before = spent;
    const given = (await Promise.all(factories.map((factory) => claim(deps, factory)))).flat();
    const perFactory = (spent - before) / FACTORIES;
    const claimed = given.map(({ job }) => job.jobId);
    expect(new Set(claimed).size).toBe(claimed.length);
    expect(perFactory).toBeLessThan(MAX_RU);

    // Who lost every round looks again with the next ticket; in the end each job was given exactly once.
    const open = new Set(jobIds.filter((jobId) => !claimed.includes(jobId)));
    for (const factory of factories) {
      if (open.size === 0) break;
      for (const { job } of await claim(deps, factory)) expect(open.delete(job.jobId)).toBe(true);
    }
    expect(open.size).toBe(0);
    for (const jobId of jobIds) {
      const { job, runs } = await detail(deps, jobId);
      expect([job.epoch, runs.length]).toEqual([1, 1]);
    }
  });
});

describe('the session of a ticket', () => {
  const sessions = (count: number): string[] =>
    Array.from({ length: count }, () => laneSession(deps, 'any', 'os:linux'));
  beforeEach(() => cloud.clock.advance(60));

  it('is its lane while few come', () => {
    expect(new Set(sessions(20))).toEqual(new Set(['os:linux']));
  });

  it('takes turns on shards of a lane that runs hot, and goes back when it has cooled', () => {
    const hot = new Set(sessions(500));
    expect(hot.size).toBe(MAX_SHARDS);
    expect([...hot].every((session) => /^os:linux(~\d+)?$/.test(session))).toBe(true);
    cloud.clock.advance(5);
    expect(new Set(sessions(10)).size).toBe(10);
    cloud.clock.advance(20);
    expect(new Set(sessions(10))).toEqual(new Set(['os:linux']));
  });
});
