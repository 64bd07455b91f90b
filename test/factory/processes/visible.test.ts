import { describe, expect, it, test } from 'vitest';
import { NO_CONFIG, type FactoryConfig } from '../../../factory/capabilities/config.js';
import { probe } from '../../../factory/capabilities/probe.js';
import { DEFAULT_ENGINE_SETTINGS } from '../../../factory/engines/settings.js';
import { ENGINES } from '../../../factory/engines/registry.js';
import { engineVariables } from '../../../factory/processes/environment.js';
import { visible } from '../../../factory/processes/visible.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture } from '../support/fixture.js';

/** Variables that machines have and no agent is to have. */
const SECRETS = [
  'GH_TOKEN',
  'GITHUB_TOKEN',
  'GITLAB_TOKEN',
  'NPM_TOKEN',
  'NODE_AUTH_TOKEN',
  'AWS_SECRET_ACCESS_KEY',
  'AZURE_CLIENT_SECRET',
  'DATABASE_URL',
  'SSH_AUTH_SOCK',
  'KUBECONFIG',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'npm_config__auth',
  'GIGAFACTORY_ENROLMENT',
  'SERVICE_BUS',
  'WHATEVER',
  'COREPACK_NPM_TOKEN',
  'COREPACK_NPM_PASSWORD',
  'CONDA_TOKEN',
  'XDG_SECRET',
  'RUSTUP_KEY',
  'DOTNET_SYSTEM_NET_PASSWORD',
  'NVM_AUTH_HEADER',
];
const ENGINE_KEYS = {
  claude: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'],
  codex: ['CODEX_API_KEY', 'OPENAI_API_KEY'],
  copilot: ['COPILOT_GITHUB_TOKEN'],
  gemini: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  opencode: ['OPENCODE_API_KEY', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY'],
  devin: ['DEVIN_API_KEY', 'GH_TOKEN', 'GITHUB_TOKEN', 'SSH_AUTH_SOCK'],
  shell: [],
};
const USUAL = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'https_proxy',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'JAVA_HOME',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'NVM_DIR',
  'FNM_MULTISHELL_PATH',
  'COREPACK_HOME',
  'RUSTUP_HOME',
  'DOTNET_ROOT',
  'PYENV_ROOT',
  'CONDA_PREFIX',
  'RBENV_ROOT',
];

const machine = (...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, 'set']));

describe('a run sees', () => {
  const all = machine(...USUAL, ...SECRETS, ...Object.values(ENGINE_KEYS).flat());

  it('where programs are and how they reach the network, and no credential', () => {
    expect(Object.keys(visible(all)).toSorted()).toEqual(USUAL.toSorted());
  });

  it.each(Object.entries(ENGINE_KEYS))(
    "with the engine %s that engine's keys and no other's",
    (name, keys) => {
      const engine = ENGINES.find((one) => one.name === name);
      const seen = engineVariables(all, engine?.variables ?? [], []);
      expect(Object.keys(seen).toSorted()).toEqual([...USUAL, ...keys].toSorted());
    },
  );

  it("what the owner names, but never the product's own settings", () => {
    expect(
      Object.keys(engineVariables(all, [], ['GH_TOKEN', 'SERVICE_BUS', 'GIGAFACTORY_ENROLMENT'])),
    ).toEqual(expect.not.arrayContaining(['SERVICE_BUS', 'GIGAFACTORY_ENROLMENT']));
    expect(engineVariables(all, [], ['GH_TOKEN'])).toHaveProperty('GH_TOKEN');
  });

  it.each([
    ['win32', 'Path', true],
    ['win32', 'SystemRoot', true],
    ['win32', 'ProgramFiles(x86)', true],
    ['win32', 'USERPROFILE', true],
    ['win32', 'Gh_Token', false],
    ['linux', 'SystemRoot', false],
    ['darwin', 'DEVELOPER_DIR', true],
  ] as const)('on %s %s: %s', (platform, name, isSeen) => {
    expect(name in visible(machine(name), [], [], platform)).toBe(isSeen);
  });

  it('on Windows what the owner names, whatever its letters', () => {
    expect(visible(machine('GH_TOKEN'), ['gh_token'], [], 'win32')).toEqual(machine('GH_TOKEN'));
  });
});

test.each([
  [[], []],
  [['GH_TOKEN'], ['GH_TOKEN']],
])('with pass: %j engine, setup and check see %j of what is secret', async (pass, expected) => {
  const config: FactoryConfig = { ...NO_CONFIG, pass };
  const env = { ...machine(...SECRETS), PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const names = 'env | cut -d= -f1';
  await using fixture = await factoryFixture(
    { '.gigafactory.yaml': `setup: ["${names} > setup"]\n` },
    { config, env },
  );
  const claim = claimOf({
    repo: fixture.repository.path,
    body: `${names} > engine`,
    verify: `${names}; exit 0`,
  });
  const seen = await fixture.execute(claim);
  const verified = seen.reports.find((one) => one.kind === 'verified');
  const branch = `aq/${claim.job.jobId}`;
  for (const text of [
    fixture.repository.show(branch, 'setup'),
    fixture.repository.show(branch, 'engine'),
    verified?.verify.tail ?? '',
  ]) {
    const there = text.split('\n');
    expect(there).toContain('PATH');
    expect(SECRETS.filter((name) => there.includes(name))).toEqual(expected);
  }
});

test('an engine whose only key its run would not see is not logged in', async () => {
  const env = { ...machine('GH_TOKEN'), PATH: '', HOME: '/nowhere' };
  const copilot = { ...DEFAULT_ENGINE_SETTINGS, program: process.execPath };
  const offered = async (pass: string[]): Promise<boolean> => {
    const config = { ...NO_CONFIG, engines: { copilot: { ...copilot, pass } } };
    return (await probe(ENGINES, env, config)).advertises.includes('engine:copilot');
  };
  expect([await offered([]), await offered(['GH_TOKEN'])]).toEqual([false, true]);
});
