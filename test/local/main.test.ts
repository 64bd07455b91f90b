// The command line of `npm start`, `npm run demo` and `npm run cloud`: what it refuses, and how.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = path.resolve('dist/local/main.js');
const USAGE = 2;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'main-'));
  writeFileSync(path.join(folder, 'file'), 'mine');
  writeFileSync(path.join(folder, 'broken.json'), '{');
  writeFileSync(
    path.join(folder, 'topics.json'),
    JSON.stringify({ UserConfig: { Namespaces: [{ Name: 'n', Queues: [], Topics: [{ Name: 't' }] }] } }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]): { status: number | null; stderr: string } => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: 'utf8' });
  return { status, stderr };
};

describe('the command line', () => {
  it.each([
    [['start', '--factories', 'many'], /expected a whole number from 0/],
    [['cloud', '--blob-port', '70000'], /expected a port/],
    [['demo', '--nonsense'], /unknown option '--nonsense'/],
    [['starrt'], /unknown command 'starrt'/],
    [['start', '--reset', '--data', '.'], /holds files that are not the gigafactory's/],
    [['cloud', '--data', 'file'], /file is a file, and a folder was expected/],
    [['cloud', '--servicebus-config', 'absent.json'], /absent\.json: there is no such file\. Expected/],
    [['cloud', '--servicebus-config', '.'], /it is a folder\. Expected/],
    [['cloud', '--servicebus-config', 'broken.json'], /broken\.json: it is not JSON .* Expected/],
    [['cloud', '--servicebus-config', 'topics.json'], /topics\.json: .*no topics/],
  ])('refuses %j in words and ends with aq’s code for it', (args, words) => {
    const { status, stderr } = run(...args);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(USAGE);
  });

  it('ends with 0 when it was asked for help', () => {
    expect(run('start', '--help').status).toBe(0);
  });
});
