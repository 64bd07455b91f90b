import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aq } from './system.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'aq-repo-'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));
const write = (text: string) => writeFile(path.join(cwd, '.gigafactory.yaml'), text);

it('says what holds for a repository without settings', async () => {
  const { code, stdout } = await aq(['repo', 'check'], { cwd });
  expect([code, stdout]).toEqual([0, expect.stringContaining('jobs may change everything')]);
});

it('refuses a folder that is not there, with the way to call it', async () => {
  const { code, stderr } = await aq(['repo', 'check', 'nowhere'], { cwd });
  expect([code, stderr]).toEqual([2, expect.stringContaining('nowhere is not there; expected a repository')]);
});

it('shows what was read, also as JSON', async () => {
  await write(
    'setup: [npm ci]\ncache: { locks: [package-lock.json], folders: [node_modules] }\nscope: ["src/**"]\n',
  );
  expect((await aq(['repo', 'check'], { cwd })).stdout).toMatch(/^setup +\["npm ci"\]$/m);
  const json = JSON.parse((await aq(['repo', 'check', '.', '--json'], { cwd })).stdout) as object;
  expect(json).toMatchObject({ found: true, settings: { scope: ['src/**'], shared: [] } });
});

it.each([
  ['setpu: [make]', '.gigafactory.yaml:1:1: setpu: there is no field "setpu"', 'setup'],
  ['scope: [../other]', '.gigafactory.yaml:1:9: scope.0 is "../other"; expected a pattern below the root'],
  ['scope: ["/etc/**"]', 'scope.0'],
  ['cache: { locks: [a], folders: [.git/hooks] }', 'cache.folders.0 is ".git/hooks"; expected a folder'],
  ['hooks: { after: [make] }', 'there is no field "after"', 'after-engine'],
  ['setup: [a]\nsetup: [b]', '.gigafactory.yaml:2:1: setup: the field setup stands here for the second time'],
  ['- a', '.gigafactory.yaml:1:1: the file is a list of 1; expected a map of fields'],
  ['verify: 5', '.gigafactory.yaml:1:9: verify is 5, which is not a text: put it in quotes'],
  ['setup: npm ci', '.gigafactory.yaml:1:8: setup is "npm ci"; expected a list'],
  ['setup: [a', '.gigafactory.yaml:1:10: something that was opened is not closed'],
])('refuses %j with its place', async (text, ...told) => {
  await write(text);
  const { code, stderr } = await aq(['repo', 'check'], { cwd });
  expect(code).toBe(2);
  for (const part of told) expect(stderr).toContain(part);
});

it('warns where nobody can say whether its profile is there', async () => {
  await write('profile: wizard\n');
  const { code, stdout, stderr } = await aq(['repo', 'check'], { cwd });
  expect([code, stdout, stderr]).toEqual([
    0,
    expect.stringMatching(/^profile +wizard$/m),
    expect.stringContaining('profile wizard was not looked up'),
  ]);
});
