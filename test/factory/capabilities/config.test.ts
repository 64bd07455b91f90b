import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readConfig, settingsOf } from '../../../factory/capabilities/config.js';
import { probe } from '../../../factory/capabilities/probe.js';
import { probeAsText } from '../../../factory/capabilities/report.js';
import { ENGINES } from '../../../factory/engines/registry.js';
import { FakeCli } from '../engines/fakeCli.js';
import { TemporaryFolder } from '../support/repository.js';

function written(text: string): TemporaryFolder {
  const folder = new TemporaryFolder();
  writeFileSync(path.join(folder.path, 'factory.yaml'), text);
  return folder;
}

test('nothing need be said', () => {
  using folder = new TemporaryFolder();
  const config = readConfig(folder.path);
  expect(config).toEqual({
    advertise: [],
    hide: [],
    pass: [],
    diskGigabytes: 50,
    keepMergedBranches: false,
    checkpointSeconds: 600,
    engines: {},
  });
  expect(settingsOf(config, 'claude').stallSeconds).toBe(900);
});

test('takes a file as an editor on Windows leaves it, and paths with drive letters', () => {
  using folder = written(
    '\uFEFFhide: [gpu]\r\nengines:\r\n  codex:\r\n    program: C:\\tools\\codex.cmd\r\n    env: { CODEX_HOME: "D:\\\\a b" }\r\n',
  );
  const config = readConfig(folder.path);
  expect(config.hide).toEqual(['gpu']);
  expect(settingsOf(config, 'codex')).toMatchObject({
    program: 'C:\\tools\\codex.cmd',
    env: { CODEX_HOME: 'D:\\a b' },
  });
});

test('a file that is named must be there', () => {
  using folder = new TemporaryFolder();
  expect(() => readConfig(folder.path, path.join(folder.path, 'other.yaml'))).toThrow(
    'other.yaml cannot be read',
  );
});

test('every problem is told with its place', () => {
  using folder = written(
    'advertise: [Has:Figma]\nengines: { claud: {}, codex: { stallSeconds: -1, modle: x } }\n',
  );
  expect(() => readConfig(folder.path)).toThrow(
    /factory\.yaml is not a factory's configuration:\n[\s\S]*advertise\.0: expected a tag such as[\s\S]*engines/,
  );
  using broken = written('engines: [');
  expect(() => readConfig(broken.path)).toThrow('factory.yaml is no YAML');
});

test('what the owner says counts: tags, hidden ones, a login that leaves no trace', async () => {
  using cli = new FakeCli('claude', 'echo "2.1.197 (Claude Code)"');
  const env = { PATH: `${cli.path('bin')}:/usr/bin:/bin`, HOME: cli.folder.path };
  const before = await probe(ENGINES, env);
  expect(before.advertises).not.toContain('engine:claude');
  expect(before.findings.find(({ name }) => name === 'claude')?.why).toMatch(
    /^2\.1\.197, \S+\/claude; not logged in: none of ANTHROPIC_API_KEY, .*~\/\.claude\/\.credentials\.json$/,
  );
  using folder = written(
    'advertise: [gpu, blender@4.2.0]\nhide: [has:git]\nengines: { claude: { loggedIn: true } }\n',
  );
  const after = await probe(ENGINES, env, readConfig(folder.path));
  expect(after.advertises).toEqual(
    expect.arrayContaining(['engine:claude', 'engine-class:agentic-coder', 'gpu', 'blender@4.2.0']),
  );
  expect(after.advertises.filter((tag) => /git(@|$)/.test(tag))).toEqual([]);
  using hidden = written('hide: [engine:claude]\nengines: { claude: { loggedIn: true } }\n');
  const without = await probe(ENGINES, env, readConfig(hidden.path));
  expect(without.advertises.filter((tag) => /claude|agentic/.test(tag))).toEqual([]);
  expect(probeAsText(without)).toMatch(/- claude +\(2\.1\.197.*the configuration hides engine:claude\)/);
});

test('the command line tells all of it without a control plane', () => {
  using folder = written('advertise: [has:figma]\n');
  const answer = execFileSync(
    process.execPath,
    ['dist/factory/main.js', 'probe', '--json', '--data', folder.path],
    {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: folder.path, OPENAI_API_KEY: 'not-to-be-shown' },
    },
  );
  const told = JSON.parse(answer) as { advertises: string[]; findings: { name: string; why: string }[] };
  expect(told.advertises).toEqual(expect.arrayContaining(['engine:shell', 'has:figma', 'cred:openai']));
  expect(told.findings.find(({ name }) => name === 'devin')?.why).toBe('not on this machine');
  expect(answer).not.toContain('not-to-be-shown');
});
