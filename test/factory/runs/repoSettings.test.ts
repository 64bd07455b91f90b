import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ProfileSpecSchema } from '../../../shared/contract/profile.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture, type FactoryFixture } from '../support/fixture.js';

const settings = (yaml: string, more: Record<string, string> = {}) =>
  factoryFixture({ 'src/a.txt': 'one\n', '.gigafactory.yaml': yaml, ...more });
const run = (fixture: FactoryFixture, body: string, more: object = {}) =>
  fixture.execute(claimOf({ repo: fixture.repository.path, body, ...more }));

test('tells where a change left the scope of its repository, touched shared packages and its own checks', async () => {
  await using fixture = await settings(
    'scope: ["src/**", "test/**", "shared/**"]\nshared: ["shared/**"]\ngates: ["src/limits.txt"]\n',
  );
  const seen = await run(
    fixture,
    'mkdir shared test; echo x > shared/a; echo x > test/a; echo 9 > src/limits.txt; echo x > ci.yml; echo x > src/b',
  );
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'finished',
    change: {
      scope: {
        allowed: ['src/**', 'test/**', 'shared/**'],
        outside: ['ci.yml'],
        shared: ['shared/a'],
        gates: ['src/limits.txt', 'test/a'],
      },
    },
  });
  expect(seen.log.toString()).toContain('outside of its scope, so it cannot ship as it is: ci.yml');
});

test('takes the limits from the base: a change cannot widen its own, and is flagged for trying', async () => {
  await using fixture = await settings('scope: ["src/**"]\n');
  const seen = await run(fixture, 'echo "scope: []" > .gigafactory.yaml; echo x > other');
  expect(seen.reports.at(-1)).toMatchObject({
    change: { scope: { outside: ['.gigafactory.yaml', 'other'], gates: ['.gigafactory.yaml'] } },
  });
});

test('fails at once, before the engine, with every problem of settings that are not valid', async () => {
  await using fixture = await settings('verfiy: make\nscope: [/etc]\n');
  const seen = await run(fixture, 'echo never > src/a.txt');
  expect(seen.reports).toEqual([
    expect.objectContaining({
      reason: 'preflight',
      message: expect.stringMatching(/line 1: there is no field "verfiy".*line 2: scope\.0/) as unknown,
    }),
  ]);
  expect(seen.log.toString()).not.toContain('never');
  expect(fixture.leftovers()).toEqual([]);
});

test("runs the repository's check where the job names none", async () => {
  await using fixture = await settings('verify: grep two src/a.txt\n');
  const seen = await run(fixture, 'echo two > src/a.txt');
  expect(seen.reports.slice(1)).toMatchObject([
    { kind: 'finished', verify: 'grep two src/a.txt' },
    { kind: 'verified', verify: { passed: true, tail: 'two' } },
  ]);
});

test('checks the commit alone: what an engine leaves ignored, untracked or in its settings does not help', async () => {
  await using fixture = await settings('{}\n', { '.gitignore': 'built\n' });
  const seen = await run(
    fixture,
    'echo x > built; echo two > src/a.txt; git config --global alias.ok "!true"; echo x > "$TMPDIR/help"',
    { verify: 'test ! -e built; test ! -e "$TMPDIR/help"; ! git ok 2>/dev/null && cat src/a.txt' },
  );
  expect(seen.reports.at(-1)).toMatchObject({ verify: { passed: true, tail: 'two' } });
  expect(fixture.leftovers()).toEqual([]);
});

test('sets a checkout up once for the same lock files, and never from what a run left', async () => {
  await using fixture = await settings(
    'setup: ["mkdir deps && cp lock deps/v && echo installing"]\ncache: { locks: [lock], folders: [deps] }\n',
    { lock: '1\n', '.gitignore': 'deps\n' },
  );
  const verify = 'cat deps/v';
  const first = await run(fixture, 'cat deps/v > src/a.txt; echo poison > deps/v', { verify });
  expect(first.log.toString()).toContain('installing');
  expect(first.reports.at(-1)).toMatchObject({ verify: { passed: true, tail: '1' } });
  const second = await run(fixture, 'cat deps/v > src/b.txt', { verify });
  expect(second.log.toString()).not.toContain('installing');
  expect(second.reports.at(-1)).toMatchObject({ verify: { tail: '1' } });
  fixture.repository.commit({ lock: '2\n' });
  const third = await run(fixture, 'cat deps/v > src/c.txt', { verify });
  expect(third.log.toString()).toContain('installing');
  expect(third.reports.at(-1)).toMatchObject({ verify: { tail: '2' } });
});

/** A setup whose result tells the lock file and the script that made it; the job of `poison` changes the script. */
const setUpByScript = () =>
  settings('setup: ["sh setup.sh"]\ncache: { locks: [lock], folders: [deps] }\n', {
    lock: '1\n',
    'setup.sh': 'mkdir deps && echo "$(cat lock) good" > deps/v && echo installing',
    '.gitignore': 'deps\n',
  });
const poison = 'sed -i.bak s/good/evil/ setup.sh; rm setup.sh.bak';
const verify = 'cat deps/v';
const tailOf = (seen: Awaited<ReturnType<typeof run>>): unknown => seen.reports.at(-1);

test('keeps no setup that a job had a say in: not from its check, and not from its branch', async () => {
  await using fixture = await setUpByScript();
  const first = claimOf({ repo: fixture.repository.path, body: `${poison}; echo 2 > lock`, verify });
  expect(tailOf(await fixture.execute(first))).toMatchObject({
    verify: { tail: expect.stringMatching('2 evil') },
  });
  const body = 'echo two > src/a.txt';
  const onItsBranch = await run(fixture, body, { verify, 'base-branch': `aq/${first.job.jobId}` });
  expect(tailOf(onItsBranch)).toMatchObject({ verify: { tail: '2 evil' } });
  fixture.repository.commit({ lock: '2\n' });
  const later = await run(fixture, body, { verify });
  expect(later.log.toString()).toContain('installing');
  expect(tailOf(later)).toMatchObject({ verify: { tail: '2 good' } });
});

test('takes no kept setup for the check of a job that changes how it is made, and keeps none of it', async () => {
  await using fixture = await setUpByScript();
  const body = 'echo two > src/a.txt';
  const first = await run(fixture, body, { verify });
  expect(first.log.toString()).toContain('installing');
  expect(tailOf(first)).toMatchObject({ verify: { tail: '1 good' } });
  // The lock file is known, but its check is about its own script.
  expect(tailOf(await run(fixture, poison, { verify }))).toMatchObject({ verify: { tail: '1 evil' } });
  expect(tailOf(await run(fixture, body, { verify }))).toMatchObject({ verify: { tail: '1 good' } });
});

test.each([
  ['into what a change links to', 'rm -rf pkg; ln -s OUTSIDE pkg; git add -f pkg'],
  ['over a link of the same name', 'rm -rf pkg; mkdir pkg; ln -s OUTSIDE pkg/deps; git add -f pkg/deps'],
])('copies no kept setup %s', async (_, change) => {
  await using fixture = await settings(
    'setup: ["sh setup.sh"]\ncache: { locks: [lock], folders: [pkg/deps] }\n',
    {
      lock: '1\n',
      'setup.sh': '[ -L pkg -o -L pkg/deps ] || { mkdir -p pkg/deps && echo one > pkg/deps/v; }',
      '.gitignore': 'pkg/deps\n',
    },
  );
  const outside = path.join(fixture.folder, 'outside');
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'keep'), '');
  await run(fixture, 'echo two > src/a.txt');
  const seen = await run(fixture, change.replace('OUTSIDE', outside), { verify: 'true' });
  expect(seen.reports.at(-1)).toMatchObject({ verify: { passed: true } });
  expect(existsSync(path.join(outside, 'deps'))).toBe(false);
  expect(existsSync(path.join(outside, 'v'))).toBe(false);
  expect(existsSync(path.join(outside, 'keep'))).toBe(true);
});

test('keeps nothing that a setup took from elsewhere, and reads no lock file there', async () => {
  await using fixture = await settings(
    'setup: ["ln -sfn ../../../outside pkg; echo installing"]\ncache: { locks: [lock], folders: [pkg/deps] }\n',
    { lock: '1\n', '.gitignore': 'pkg\n' },
  );
  const outside = path.join(fixture.folder, 'outside');
  mkdirSync(path.join(outside, 'deps'), { recursive: true });
  for (const word of ['two', 'three']) {
    const seen = await run(fixture, `echo ${word} > src/a.txt`);
    expect(seen.log.toString()).toContain('installing');
  }
});

test('runs the hooks around the engine, and says which one failed', async () => {
  await using fixture = await settings(
    'hooks:\n  before-engine: ["echo before > before"]\n  after-engine: ["test -e src/b", "echo no; exit 3"]\n',
  );
  const seen = await run(fixture, 'cat before > src/b');
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'failed',
    message: "the repository's after-engine command `echo no; exit 3` ended with exit code 3\nno",
  });
});

const PROFILE = {
  name: 'porter',
  owner: 'sample',
  version: 3,
  spec: ProfileSpecSchema.parse({
    title: 'Porter',
    summary: 'Carries.',
    persona: 'You carry.',
    'default-verify': 'grep two src/a.txt',
    'allowed-scope': ['src/**'],
    'review-policy': 'auto',
  }),
};

test('gives a job without a profile the one of the repository: check and scope, which narrow', async () => {
  await using fixture = await settings('profile: porter\nverify: "false"\n');
  fixture.plane.profiles.set('porter', PROFILE);
  const seen = await run(fixture, 'echo two > src/a.txt; echo x > other');
  expect(seen.reports.slice(1)).toMatchObject([
    {
      kind: 'finished',
      verify: 'grep two src/a.txt',
      change: { scope: { allowed: ['src/**'], outside: ['other'] } },
    },
    { kind: 'verified', verify: { passed: true } },
  ]);
  expect(seen.log.toString()).toContain('porter, version 3, by .gigafactory.yaml');
});

test("leaves a job's own profile alone, and asks for no other", async () => {
  await using fixture = await settings('profile: porter\n');
  fixture.plane.profiles.set('porter', PROFILE);
  const own = { ...PROFILE, name: 'qa', spec: { ...PROFILE.spec, 'allowed-scope': ['test/**'] } };
  const seen = await fixture.execute(
    claimOf(
      { repo: fixture.repository.path, body: 'mkdir test; echo x > test/a', profile: 'qa', verify: 'true' },
      { job: { profile: own } },
    ),
  );
  expect(seen.reports[1]).toMatchObject({ change: { scope: { allowed: ['test/**'], outside: [] } } });
  expect(seen.log.toString()).not.toContain('porter');
});

test('fails before the engine when the repository names a profile that is not there', async () => {
  await using fixture = await settings('profile: wizard\n');
  const seen = await run(fixture, 'echo never > src/a.txt');
  expect(seen.reports).toEqual([
    expect.objectContaining({
      reason: 'preflight',
      message: expect.stringMatching(/names the profile wizard.*no such profile/) as unknown,
    }),
  ]);
  expect(seen.log.toString()).not.toContain('never');
});
