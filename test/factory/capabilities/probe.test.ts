import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { probe } from '../../../factory/capabilities/probe.js';
import { ENGINES } from '../../../factory/engines/registry.js';
import type { Engine } from '../../../factory/engines/engine.js';
import { CapabilitySchema } from '../../../shared/contract/manifest.js';
import { missing } from '../../../shared/rules/capabilities.js';
import { TemporaryFolder } from '../support/repository.js';

/** A machine whose PATH has just these programs, each a script. */
function machine(programs: Readonly<Record<string, string>>): TemporaryFolder & { env: NodeJS.ProcessEnv } {
  const folder = new TemporaryFolder();
  const bin = path.join(folder.path, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return Object.assign(folder, { env: { PATH: bin, HOME: folder.path } });
}

test('finds this machine’s system, tools and engines', async () => {
  const { advertises } = await probe(ENGINES);
  expect(advertises).toEqual([...advertises].sort());
  expect(
    missing(['engine:shell', 'engine-class:script', 'has:git', 'node>=20', 'git>=2'], advertises),
  ).toEqual([]);
  expect(advertises.some((tag) => tag.startsWith('os:'))).toBe(true);
});

test('reads versions as the tools print them', async () => {
  using fresh = machine({
    git: 'echo "git version 2.43.0.windows.1"',
    java: 'echo "openjdk version \\"21.0.2\\" 2024-01-16" >&2',
    go: 'echo "go version go1.26.8 linux/amd64"',
    python3: 'echo "Python 3.12"',
  });
  const { advertises } = await probe([], fresh.env);
  expect(advertises.filter((tag) => tag.includes('@'))).toEqual([
    'git@2.43.0',
    'go@1.26.8',
    'java@21.0.2',
    'python@3.12',
  ]);
  for (const tag of advertises.filter((name) => !name.includes('@'))) CapabilitySchema.parse(tag);
});

test('knows a tool without a version when it fails to tell', async () => {
  using fresh = machine({ dotnet: 'echo "cannot find 1.2.3"; exit 1' });
  const { advertises } = await probe([], fresh.env);
  expect(advertises).toContain('has:dotnet');
  expect(advertises.join()).not.toContain('dotnet@');
});

test('offers docker where its service answers, not where its client alone is there', async () => {
  using stopped = machine({
    docker:
      'case "$1" in version) echo "Cannot connect" >&2; exit 1;; *) echo "Docker version 28.2.2";; esac',
  });
  const without = await probe([], stopped.env);
  expect(without.advertises.join()).not.toContain('docker');
  expect(without.findings.find(({ name }) => name === 'docker')?.why).toContain('does not answer');
  using running = machine({ docker: '[ "$*" = "version --format {{.Server.Version}}" ] && echo 28.2.2' });
  const { advertises } = await probe([], running.env);
  expect(advertises).toEqual(expect.arrayContaining(['has:docker', 'docker@28.2.2']));
});

test('finds Figma by its program, and its key by presence', async () => {
  using fresh = machine({ 'figma-linux': 'exit 0' });
  const { advertises } = await probe([], { ...fresh.env, FIGMA_API_KEY: 'figd_secret' });
  expect(advertises).toEqual(expect.arrayContaining(['has:figma', 'cred:figma']));
  expect(advertises.join()).not.toContain('figd_secret');
});

test('knows credentials by their presence and never by their value', async () => {
  using fresh = machine({});
  const { advertises } = await probe([], { ...fresh.env, ANTHROPIC_API_KEY: 'sk-secret' });
  expect(advertises).toContain('cred:anthropic');
  expect(advertises.join()).not.toContain('sk-secret');
  expect(advertises).not.toContain('cred:github');
});

test('advertises an engine with its class, and keeps its version', async () => {
  const claude: Engine = {
    name: 'claude',
    variables: [],
    probe: () =>
      Promise.resolve({ version: '2.1.197', at: '/bin/claude', loggedIn: true, credential: 'a key' }),
    run: () => Promise.reject(new Error('nobody asked for it')),
  };
  const absent: Engine = { ...claude, name: 'codex', probe: () => Promise.resolve(undefined) };
  const { advertises, engineVersions } = await probe([claude, absent], { PATH: '' });
  expect(advertises).toEqual(expect.arrayContaining(['engine:claude', 'engine-class:agentic-coder']));
  expect(advertises).not.toContain('engine:codex');
  expect(engineVersions.get('claude')).toBe('2.1.197');
});
