import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { TemporaryFolder } from '../factory/support/repository.js';
import { aq } from './system.js';

it('tells what a factory on this machine would offer, and why', async () => {
  using folder = new TemporaryFolder();
  writeFileSync(path.join(folder.path, 'factory.yaml'), 'advertise: [has:figma]\n');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder.path };
  const cwd = folder.path;
  const { code, stdout } = await aq(['factory', 'probe', '--config', 'factory.yaml'], { cwd, env });
  expect([code, stdout]).toEqual([0, expect.stringMatching(/has:figma +\(the configuration says so\)/)]);
  const json = await aq(['factory', 'probe', '--data', '.', '--json'], { cwd, env });
  expect(JSON.parse(json.stdout)).toMatchObject({
    advertises: expect.arrayContaining(['has:figma', 'engine:shell']),
  });
});

it('says what is wrong with a configuration', async () => {
  using folder = new TemporaryFolder();
  writeFileSync(path.join(folder.path, 'factory.yaml'), 'advertize: [gpu]\n');
  const { code, stderr } = await aq(['factory', 'probe', '--data', '.'], {
    cwd: folder.path,
    env: { HOME: folder.path },
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain("is not a factory's configuration");
  expect(stderr).toContain('advertize');
});
