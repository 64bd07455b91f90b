/** What can go wrong with an engine or a repository: each has its reason on the job, and nothing of it stays. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { NO_CONFIG } from '../../../factory/capabilities/config.js';
import { EngineSettingsSchema } from '../../../factory/engines/settings.js';
import { sweepRun } from '../../../factory/processes/group.js';
import type { FailureReason } from '../../../shared/contract/job.js';
import type { ManifestInput } from '../../../shared/contract/manifest.js';
import { GITHUB_TOKEN } from '../../support/secrets.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture, type FactoryFixture } from '../support/fixture.js';
import { git } from '../support/repository.js';

interface Case {
  readonly name: string;
  /** What a stand-in for the claude CLI does; absent: the job is a script. */
  readonly cli?: string;
  readonly job?: Partial<ManifestInput>;
  readonly files?: Readonly<Record<string, string>>;
  readonly before?: (fixture: FactoryFixture) => void;
  readonly freeBytes?: (fixture: FactoryFixture | undefined) => number;
  readonly reason: FailureReason | 'verified';
  readonly message: RegExp;
}

const [head, tail] = [GITHUB_TOKEN.slice(0, 12), GITHUB_TOKEN.slice(12)];
const SESSION = `echo '{"type":"system","subtype":"init","session_id":"s","model":"claude-sonnet-4-5"}'`;
const DONE = `${SESSION}; echo '{"type":"result","subtype":"success","is_error":false,"modelUsage":{}}'`;
const CHANGE = 'echo x > b.txt';

/** A repository with a commit in a folder. */
const NESTED = (folder: string): string =>
  `git init -q ${folder}; (cd ${folder}; echo x > x; git add x; git commit -qm x)`;

const CASES: readonly Case[] = [
  {
    name: 'an engine that is missing',
    cli: 'exit 0',
    before: (fixture) => rmSync(path.join(fixture.folder, 'claude')),
    reason: 'preflight',
    message: /^the engine claude is not on this factory: no program \/.*\/claude$/,
  },
  {
    name: 'an engine that is not logged in',
    cli: `${SESSION}; echo 'Invalid API key · Please run /login' >&2; exit 1`,
    reason: 'preflight',
    message: /^the engine claude is not logged in on this factory: .*Please run \/login/s,
  },
  {
    name: 'an engine that hangs',
    cli: `${SESSION}; sleep 300`,
    reason: 'timeout',
    message: /^the engine hung and was ended/,
  },
  {
    name: 'an engine that prints garbage',
    cli: `head -c 300000 /dev/urandom; echo; echo '{"broken": '; exit 1`,
    reason: 'engine_failed',
    message: /^claude ended with exit code 1/,
  },
  {
    name: 'an engine that ends well without a change',
    cli: DONE,
    reason: 'no_change',
    message: /changed nothing: the result equals the base/,
  },
  {
    name: 'an engine that leaves a repository of its own in the worktree',
    job: { body: `echo x > b.txt; mkdir -p lib; ${NESTED('lib/copy')}` },
    reason: 'refused',
    message:
      /^nothing was pushed, because lib\/copy is a git repository of its own.*remove its \.git.*\.gitmodules/s,
  },
  {
    name: 'an engine that commits one itself',
    job: { body: `${NESTED('copy')}; git add . 2>/dev/null; git commit -qm x` },
    reason: 'refused',
    message: /^nothing was pushed, because copy is a git repository of its own/,
  },
  {
    name: 'an engine that leaves one without a commit',
    job: { body: 'echo x > b.txt; git init -q bare; echo x > bare/x' },
    reason: 'refused',
    message: /^nothing was pushed, because bare is a git repository of its own/,
  },
  {
    name: 'an engine that adds a submodule and says so',
    job: {
      body: `${NESTED('dep')}; printf '[submodule "dep"]\\n\\tpath = dep\\n\\turl = https://example.invalid/dep\\n' > .gitmodules`,
      verify: 'true',
    },
    reason: 'verified',
    message: /^$/,
  },
  {
    name: 'an engine that forks children, some out of its group',
    cli: `(trap '' TERM HUP; sleep 300) & (setsid sleep 300 &) ; env -i sleep 300 & ${DONE}`,
    reason: 'no_change',
    message: /changed nothing/,
  },
  {
    name: 'an engine that fills the disk',
    job: { body: 'echo x > b.txt; touch ../../full; sleep 60' },
    freeBytes: (fixture) => (fixture && existsSync(path.join(fixture.dataDir, 'full')) ? 1e6 : 1e12),
    reason: 'engine_failed',
    message: /was filled while the engine worked/,
  },
  {
    name: 'an engine that emits secrets',
    job: { body: `echo "${head}""${tail}" | tee key.txt` },
    reason: 'refused',
    message: /^nothing was pushed, because the change holds a GitHub token in key.txt \(line 1\)/,
  },
  {
    name: 'an engine that adds more than anybody looks through',
    job: { body: "head -c 40000000 /dev/zero | tr '\\0' x | fold -w 1000 > big.txt" },
    reason: 'refused',
    message: /^nothing was pushed, because the change adds more than 32 MB.*\.gitignore/,
  },
  {
    name: 'an engine that leaves the worktree dirty, with a merge half done',
    job: {
      body: 'git checkout -q -b x; echo 2 > a.txt; git commit -qam x; git checkout -q -b y HEAD~; echo 3 > a.txt; git commit -qam y; git merge x || true; touch .git/index.lock',
      verify: 'true',
    },
    reason: 'verified',
    message: /^$/,
  },
  {
    name: 'a repository that is gone',
    job: { body: CHANGE },
    before: ({ repository }) => rmSync(repository.path, { recursive: true }),
    reason: 'preflight',
    message: /^the repository .* cannot be reached from this factory: /,
  },
  {
    name: 'a base branch that was deleted',
    job: { body: CHANGE, 'base-branch': 'release' },
    before: ({ repository }) => {
      repository.commit({ 'r.txt': 'r' }, 'release');
      git(repository.path, 'branch', '-D', 'release');
    },
    reason: 'preflight',
    message: /has no branch "release": it has main$/,
  },
  {
    name: 'settings of the repository that are not valid',
    job: { body: CHANGE },
    files: { '.gigafactory.yaml': 'setpu: [true]\n' },
    reason: 'preflight',
    message: /^\.gigafactory\.yaml of the base branch is not valid/,
  },
  {
    name: 'a setup that never ends',
    job: { body: CHANGE, timeout: '1s' },
    files: { '.gigafactory.yaml': 'setup: ["sleep 300"]\n' },
    reason: 'timeout',
    message: /^the repository's setup command `sleep 300` did not end in time/,
  },
  {
    name: 'a setup that fails',
    job: { body: CHANGE },
    files: { '.gigafactory.yaml': 'setup: ["echo no registry >&2; exit 4"]\n' },
    reason: 'preflight',
    message: /setup command .* ended with exit code 4\nno registry$/,
  },
  {
    name: 'a verify that never ends',
    job: { body: CHANGE, verify: '(setsid sleep 300 &); sleep 300', timeout: '2s' },
    reason: 'verified',
    message: /ended after its 2 s were over/,
  },
];

test.each(CASES)('$name', async ({ cli, job = {}, files, before, freeBytes, reason, message }) => {
  let fixture: FactoryFixture | undefined;
  const space = freeBytes && { freeBytes: () => Promise.resolve(freeBytes(fixture)) };
  const program = { path: '' };
  const config = () => ({
    ...NO_CONFIG,
    engines: {
      claude: EngineSettingsSchema.parse({
        stallSeconds: 1,
        ...(program.path !== '' && { program: program.path }),
      }),
    },
  });
  await using made = await factoryFixture(
    { 'a.txt': 'one\n', ...files },
    {
      ...(space && { space }),
      config: {
        ...NO_CONFIG,
        get engines() {
          return config().engines;
        },
      },
    },
  );
  fixture = made;
  if (cli !== undefined) {
    program.path = path.join(made.folder, 'claude');
    writeFileSync(program.path, `#!/bin/sh\n${cli}\n`, { mode: 0o755 });
  }
  before?.(made);
  const engine = cli === undefined ? 'shell' : 'claude';
  const claim = claimOf({ repo: made.repository.path, body: 'do it', engine, ...job }, { engine });
  const seen = await made.execute(claim);

  const last = seen.reports.at(-1);
  const said = last?.kind === 'failed' ? last.message : last?.kind === 'verified' ? last.verify.tail : '';
  expect([last?.kind === 'failed' ? last.reason : last?.kind, said]).toEqual([
    reason,
    expect.stringMatching(message) as unknown,
  ]);
  // The job's page tells what the log tells.
  const end = last?.kind === 'failed' ? `[factory] ${last.reason}: ` : '[factory] verify ';
  expect(seen.log.toString()).toContain(end);
  expect(JSON.stringify(seen.reports) + seen.log.toString()).not.toContain(GITHUB_TOKEN);

  expect(made.leftovers()).toEqual([]);
  const { jobId } = claim.job;
  const folders = [made.workspace.worktreePath(`${jobId}.1`)];
  expect(await sweepRun(`${jobId}.1`, folders)).toBe(0);
  expect(await foundByTheNext(made)).toBe('');
});

/** What the next run of a repository that is there finds in its worktree beside the commit. */
async function foundByTheNext({ dataDir, repository, workspace }: FactoryFixture): Promise<string> {
  if (!existsSync(repository.path)) return '';
  rmSync(path.join(dataDir, 'full'), { force: true });
  const spec = { run: 'job-next.1', repo: repository.path, baseBranch: 'main', featureBranch: 'aq/next' };
  await workspace.settled();
  const next = await workspace.checkout(spec);
  return next.git.call(['status', '--porcelain', '--ignored']);
}
