import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkHistory, type HistoryEntry } from '../sim/history.js';

/** Its plan kills the worker of the functions, the bus, the database and a factory within its first seconds. */
const SEED = 914;
const SECONDS = 8;

describe('npm run chaos', { timeout: 240_000 }, () => {
  it('loses nothing, doubles nothing and leaves no gap in the record; its history has an order', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-chaos-test-'));
    const history = path.join(folder, 'history.jsonl');
    try {
      const args = ['--seconds', String(SECONDS), '--lease-seconds', '3', '--seed', String(SEED), '--json'];
      const { stdout, stderr } = await promisify(execFile)(
        process.execPath,
        ['dist/local/main.js', 'chaos', '--history', history, ...args],
        { env: { ...process.env, NO_COLOR: '1' } },
      ).catch((error: unknown) => error as { stdout: string; stderr: string });
      // What it says of itself stands in stderr: shown when there is no result to look at.
      if (stdout === '') throw new Error(stderr);
      const result = JSON.parse(stdout) as { submitted: number; shipped: number; disturbances: object };
      expect(result).toMatchObject({ failed: 0, lost: 0, double: 0, auditGaps: 0 });
      expect(result.shipped).toBe(result.submitted);
      expect(Object.keys(result.disturbances)).toEqual(
        expect.arrayContaining([
          'bus killed',
          'database killed',
          'factory killed',
          'functions worker killed',
        ]),
      );
      const entries = readFileSync(history, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as HistoryEntry);
      expect(entries.filter(({ op }) => op === 'claim').length).toBeGreaterThanOrEqual(2 * result.shipped);
      expect(checkHistory(entries)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
