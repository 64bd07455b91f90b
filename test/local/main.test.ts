// The command line of `npm start`, `npm run demo` and `npm run cloud`: what it refuses, and how.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
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
    [['start', '--factories', 'many'], /expected a whole number from 0 to 50/],
    [['start', '--factories', '1000'], /expected a whole number from 0 to 50/],
    [['start', '--lease-seconds', '1'], /expected a whole number from 2\b/],
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

  it.each([
    [['fault', 'servicebus', 'nonsense'], /The fault is not JSON/],
    [['fault', 'elsewhere', '{}'], /no service "elsewhere": expected one of servicebus, cosmos, host/],
    [['fault', 'cosmos', '{}'], /connections\.json cannot be read: start/],
  ])('refuses %j', (args, words) => {
    const { status, stderr } = run(...args);
    expect(stderr).toMatch(words);
    expect(status).toBe(USAGE);
  });

  it('breaks a cloud that runs in another process', { timeout: 60_000 }, async () => {
    const free = ['--service-bus-port', '0', '--cosmos-port', '0', '--blob-port', '0'];
    const cloud = spawn(process.execPath, [MAIN, 'cloud', '--json', '--data', 'cloud-data', ...free], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(createInterface(cloud.stdout), 'line');
      const fault = (service: string, json: string): unknown => {
        const { status, stdout, stderr } = spawnSync(
          process.execPath,
          [MAIN, 'fault', service, json, '--data', 'cloud-data'],
          { cwd: folder, encoding: 'utf8' },
        );
        return [status, stdout ? (JSON.parse(stdout) as unknown) : stderr.trim()];
      };
      expect(fault('servicebus', '{"kind":"expireLocks"}')).toEqual([0, { expiredLocks: 0 }]);
      const refuse = { kind: 'refuse', status: 429, times: 2 };
      expect(fault('cosmos', JSON.stringify(refuse))).toEqual([0, { faults: [refuse] }]);
      expect(fault('cosmos', '{"kind":"odd"}')).toEqual([USAGE, expect.stringMatching(/^A fault is \{kind/)]);
      expect(fault('servicebus', '{"kind":"delay","ms":"5"}')).toEqual([
        USAGE,
        `'ms' of a fault: expected a number, found "5".`,
      ]);
    } finally {
      cloud.kill('SIGTERM');
      await once(cloud, 'exit');
    }
  });
});
