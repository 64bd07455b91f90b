import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture } from '../support/fixture.js';

const MEGABYTE = 1024 * 1024;

test('a factory without space gives the job back for another one, with the reason', async () => {
  await using fixture = await factoryFixture(undefined, {
    space: { freeBytes: () => Promise.resolve(100 * MEGABYTE) },
  });
  const seen = await fixture.execute(claimOf({ repo: fixture.repository.path, body: 'echo x > b.txt' }));
  expect(seen.reports).toEqual([
    {
      kind: 'released',
      message: expect.stringMatching(/has 100 MB free, and a run needs 512 MB/) as unknown,
    },
  ]);
  expect(seen.log.toString()).toContain('given back: the disk of');
  // The agent then takes no work for a while.
  expect(fixture.said).toContain('no space');
  expect(fixture.leftovers()).toEqual([]);
});

test('an engine that fills the disk is ended before nothing works any more', async () => {
  const filled = { file: '' };
  const free = (): Promise<number> =>
    Promise.resolve(existsSync(filled.file) ? 3 * MEGABYTE : 10_000 * MEGABYTE);
  await using fixture = await factoryFixture(undefined, { space: { freeBytes: free } });
  filled.file = path.join(fixture.folder, 'filled');
  const body = `echo x > b.txt; touch ${filled.file}; sleep 60`;
  const seen = await fixture.execute(claimOf({ repo: fixture.repository.path, body }));
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'failed',
    reason: 'engine_failed',
    message: expect.stringMatching(/was filled while the engine worked: 3 MB are free/) as unknown,
  });
  expect(fixture.leftovers()).toEqual([]);
});
