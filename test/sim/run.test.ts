import { describe, expect, test } from 'vitest';
import { runSeed, type SeedResult } from './run.js';
import { FAULTS } from './weather.js';

/** CI runs thousands (`npm run sim`); these are for every change. */
const SEEDS = 24;

describe('the simulation', () => {
  const results: SeedResult[] = [];

  test('of hours of work under faults keeps every promise', { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) results.push(await runSeed(seed));
    expect(results.flatMap(({ seed, violations }) => violations.map((one) => ({ seed, ...one })))).toEqual(
      [],
    );
    expect(results.reduce((sum, { jobs }) => sum + jobs, 0)).toBeGreaterThan(SEEDS);
  });

  test('has every kind of fault, and sees the whole lifecycle', () => {
    const met = new Set(results.flatMap(({ faults }) => [...faults.keys()]));
    expect(FAULTS.filter((kind) => !met.has(kind))).toEqual([]);
    const transitions = new Set(results.flatMap(({ coverage }) => [...coverage.keys()]));
    expect([...transitions]).toEqual(
      expect.arrayContaining([
        'queued → assigned',
        'building → queued',
        'testing → review',
        'testing → shipped',
      ]),
    );
  });

  test('of one seed is the same each time, told or not', async () => {
    const lines: string[] = [];
    const [first, second] = [await runSeed(7), await runSeed(7, (line) => lines.push(line))];
    expect(second).toEqual(first);
    expect(lines.length).toBeGreaterThan(100);
  });
});
