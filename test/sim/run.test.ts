import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runSeed } from './run.js';
import { FAULTS } from './weather.js';

/** Each core simulates about seven a second when nothing else runs. */
const SEEDS = 2000;
/** Three minutes on two cores that have nothing else to do; tests run beside it. */
const LIMIT_MS = 20 * 60_000;

/** `npm run sim` on the built product, on all cores. */
async function simulate(...args: string[]): Promise<{ status: number | null; stdout: string }> {
  const child = spawn(process.execPath, [path.resolve('dist/test/sim/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, stdout };
}

describe('the simulation', () => {
  test('keeps every promise under every kind of fault', { timeout: LIMIT_MS }, async () => {
    const { status, stdout } = await simulate('--seeds', String(SEEDS), '--json');
    const report: unknown = JSON.parse(stdout);
    expect(report).toEqual({
      seeds: SEEDS,
      hours: expect.any(Number) as number,
      cpuSeconds: expect.any(Number) as number,
      operations: expect.any(Number) as number,
      faults: Object.fromEntries(FAULTS.map((kind) => [kind, expect.any(Number) as number])),
      violations: [],
    });
    const { faults } = report as { faults: Record<string, number> };
    expect(FAULTS.filter((kind) => faults[kind] === 0)).toEqual([]);
    expect(status).toBe(0);
  });

  test('tells people which transitions met which faults', { timeout: 300_000 }, async () => {
    const { status, stdout } = await simulate('--from', '101', '--seeds', '60');
    for (const transition of [
      'queued → assigned',
      'building → queued',
      'testing → review',
      'queued → shipped',
    ])
      expect(stdout).toMatch(new RegExp(`${transition} +\\d+ +\\d+/${FAULTS.length}`));
    expect(stdout).toMatch(/^60 seeds, \d+ jobs/);
    expect(stdout.trimEnd()).toMatch(/No violations\.$/);
    expect(status).toBe(0);
  });

  test('of one seed is the same each time, told or not', { timeout: 60_000 }, async () => {
    const lines: string[] = [];
    const [first, second] = [await runSeed(7), await runSeed(7, (line) => lines.push(line))];
    expect(second).toEqual(first);
    expect(lines.length).toBeGreaterThan(50);
  });
});
