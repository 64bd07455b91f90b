import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

describe('npm run demo:two-factories -- --json', { timeout: 120_000 }, () => {
  it('shows a takeover without a double assignment, and prints one document', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['dist/local/main.js', 'two-factories', '--json'],
      { env: { ...process.env, NO_COLOR: '1' } },
    );
    expect(JSON.parse(stdout)).toEqual({
      jobs: 4,
      doubleAssigned: 0,
      parallel: 2,
      reclaimed: 1,
      zombieStatus: 409,
      ok: true,
    });
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });
});
