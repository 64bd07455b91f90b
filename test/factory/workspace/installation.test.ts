import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { INSTALLATION, refuseInstallation } from '../../../factory/workspace/installation.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture } from '../support/fixture.js';
import { TemporaryFolder } from '../support/repository.js';

test('a factory is installed where its package.json is', () => {
  expect(INSTALLATION).toBe(path.resolve('.'));
});

test('the checkout that a factory runs from is refused by whatever name, and no other', async () => {
  using folder = new TemporaryFolder();
  const root = path.join(folder.path, 'installed');
  mkdirSync(path.join(root, '.git'), { recursive: true });
  mkdirSync(path.join(root, 'repos', 'sample'), { recursive: true });
  const link = path.join(folder.path, 'link');
  symlinkSync(root, link);
  for (const name of [
    root,
    `${root}/`,
    path.join(root, '.git'),
    link,
    pathToFileURL(root).href,
    `FILE://${root}`,
  ])
    await expect(refuseInstallation(name, root)).rejects.toThrow('checkout that this factory runs from');
  for (const name of [
    path.join(root, 'repos', 'sample'),
    path.join(folder.path, 'gone'),
    'https://example.com/installed.git',
    'git@example.com:installed.git',
    'file://another-machine/installed',
  ])
    await expect(refuseInstallation(name, root)).resolves.toBeUndefined();
});

test.each(['build', 'land'] as const)('a %s run on it fails before anything is touched', async (kind) => {
  await using fixture = await factoryFixture();
  const change = {
    branch: 'aq/x',
    commit: 'c0ffee',
    baseCommit: 'ba5e',
    filesChanged: [],
    insertions: 0,
    deletions: 0,
  };
  const claim = claimOf({ repo: INSTALLATION, body: 'echo never' }, { kind, job: { change } });
  const seen = await fixture.execute(claim);
  expect(seen.reports).toEqual([
    expect.objectContaining({
      reason: 'preflight',
      message: expect.stringContaining('runs from') as unknown,
    }),
  ]);
  expect(fixture.leftovers()).toEqual([]);
});
