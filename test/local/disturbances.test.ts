// What chaos asks of the emulators, they take: a fault that is refused would be a disturbance that disturbs nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disturbances, type Target } from '../../local/proofs/disturbances.js';
import { carryOut } from '../../local/proofs/plan.js';
import { startTestCloud, type TestCloud } from '../support/cloud.js';

let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startTestCloud();
});
afterAll(() => cloud.close());

/** Only its emulators are there: nothing to kill or to pause. */
const target = (): Target => {
  const part = { name: '', ready: { ready: true }, pid: undefined } as const;
  const gone = { ...part, stop: () => Promise.resolve(), kill: () => Promise.resolve() };
  const system = {
    parts: { host: gone, serviceBus: gone, cosmos: gone },
    cloud: { serviceBus: cloud.env['SERVICE_BUS'] ?? '', cosmos: cloud.env['COSMOS'] ?? '' },
  };
  return { system: system as unknown as Target['system'], factories: [], leaseSeconds: 1 };
};
const faults = () =>
  disturbances(target()).filter(({ kind }) => /^(database|bus) (?!killed|paused)/.test(kind));

describe('a fault of chaos', () => {
  it.each(faultNames())('is taken, and over when it is over: %s', async (kind) => {
    const one = faults().find((each) => each.kind === kind);
    expect(one).toBeDefined();
    const over = one!.run(() => 0);
    // Those of the bus end by themselves; that they are taken is what counts here.
    const inForce = kind.startsWith('database') ? 1 : 0;
    await expect.poll(() => cloud.cosmos.faults.active.length, { interval: 20 }).toBe(inForce);
    await over;
    expect(cloud.cosmos.faults.active).toEqual([]);
  });
});

/** Known before the cloud runs, for the names of the tests. */
function faultNames(): string[] {
  return [
    'database throttled',
    'database unavailable',
    'database answers lost after commit',
    'database connections dropped',
    'database slow',
    'bus cut off',
    'bus throttled',
    'bus answers lost after commit',
    'bus session locks lost',
  ];
}

it('names every fault that there is', () => {
  expect(faults().map(({ kind }) => kind)).toEqual(faultNames());
});

it('that is refused ends the plan with the reason', async () => {
  const refused = {
    kind: 'bus upside down',
    part: 'bus',
    weight: 1,
    run: () => Promise.reject(new Error('no such fault')),
  };
  const signal = new AbortController().signal;
  const plan = carryOut([refused], { seed: 1, forMs: 60_000, signal, onBlow: () => {} });
  await expect(plan).rejects.toThrow('no such fault');
});
