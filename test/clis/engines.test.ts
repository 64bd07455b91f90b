/**
 * The real CLIs through the factory: a claim, a worktree, the CLI with a played model, a pushed branch, the reports.
 * `npm run clis` installs them; one that is absent is skipped.
 */
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { RunReport } from '../../shared/contract/api.js';
import { probe } from '../../factory/capabilities/probe.js';
import { ENGINES } from '../../factory/engines/registry.js';
import type { ManifestInput } from '../../shared/contract/manifest.js';
import { claimOf, type SeenRun } from '../factory/support/controlPlane.js';
import { factoryFixture, type FactoryFixture } from '../factory/support/fixture.js';
import { TemporaryFolder } from '../factory/support/repository.js';
import { until } from '../factory/support/processes.js';
import { CLIS, configOf, programOf, toldUsage, turns, type Cli } from './clis.js';
import { ModelApi, TOKENS } from './modelApi.js';

/** Starting a CLI takes seconds on a busy machine. */
const TIMEOUT_MS = 240_000;
/** How long a CLI may be silent (s): on a busy machine opencode takes half a minute until its first word. */
const STALL_SECONDS = 60;
/** … where it shall be found hanging: so many times what it took to ask its model for the first time … */
const STALL_STARTS = 2;
/** … but at least this (s). */
const MIN_STALL_SECONDS = 5;
const PER_ANSWER = TOKENS.input + TOKENS.cached + TOKENS.output;

interface Stage extends AsyncDisposable {
  readonly api: ModelApi;
  readonly fixture: FactoryFixture;
  /** A file of the worktree that the next run works in. */
  file(name: string): string;
  run(manifest?: Partial<ManifestInput>): Promise<SeenRun>;
}

/** Of all runs here: some CLIs set up a database in it, which takes seconds. */
const home = new TemporaryFolder();
afterAll(() => home[Symbol.dispose]());
const env: NodeJS.ProcessEnv = { ...process.env, HOME: home.path };
for (const name of Object.keys(env)) if (name.startsWith('XDG_')) delete env[name];

let numbers = 0;
/** The longest that each CLI took here until it asked its model (s). */
const starts = new Map<Cli, number>();

/** Its time to start on this machine as it is now decides; without a run before this one, the patient default. */
function shortStall(cli: Cli): number {
  const start = starts.get(cli);
  return start === undefined ? STALL_SECONDS : Math.max(MIN_STALL_SECONDS, STALL_STARTS * start);
}

/** @param over the test's own signal: a run that goes on beyond its time limit is drained, with all its processes */
async function stage(cli: Cli, over: AbortSignal, stallSeconds = STALL_SECONDS): Promise<Stage> {
  const api = await ModelApi.start();
  const fixture = await factoryFixture(undefined, { config: configOf(cli, api.url, stallSeconds), env });
  over.addEventListener('abort', () => fixture.drain.abort(), { once: true });
  numbers += 1;
  const jobId = `job-${String(numbers).padStart(16, 'c')}`;
  return {
    api,
    fixture,
    file: (name) => path.join(fixture.workspace.worktreePath(`${jobId}.1`), name),
    async run(manifest = {}) {
      const begun = performance.now();
      const given = {
        repo: fixture.repository.path,
        engine: cli,
        body: 'Say hello in hello.txt',
        ...manifest,
      };
      const seen = await fixture.execute(claimOf(given, { engine: cli, job: { jobId, engine: cli } }));
      const start = ((api.askedAt ?? begun) - begun) / 1000;
      starts.set(cli, Math.max(start, starts.get(cli) ?? 0));
      return seen;
    },
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

/** A run that failed says why. */
function kindsOf(seen: SeenRun): string[] {
  const last = seen.reports.at(-1);
  if (last?.kind === 'failed') throw new Error(`${JSON.stringify(last)}\n${seen.log.toString()}`);
  return seen.reports.map(({ kind }) => kind);
}

const failure = (seen: SeenRun): Extract<RunReport, { kind: 'failed' }> => {
  const last = seen.reports.at(-1);
  if (last?.kind !== 'failed')
    throw new Error(`expected a failure, not ${JSON.stringify(last)}\n${seen.log.toString()}`);
  return last;
};

for (const cli of CLIS) {
  const missing = programOf(cli) === undefined;
  const name = missing ? `${cli} (skipped: not installed, see \`npm run clis\`)` : cli;
  describe.skipIf(missing)(`${name}`, { timeout: TIMEOUT_MS }, () => {
    const { write, command } = turns[cli];

    test('changes files with its own tools; the branch, the log and the usage tell it', async ({
      signal,
    }) => {
      await using on = await stage(cli, signal);
      on.api.play(write(on.file('hello.txt'), 'hello\n'), command('echo "it ran" && echo two >> a.txt'), {
        say: 'All is done.',
      });
      const seen = await on.run({ verify: 'grep hello hello.txt && grep two a.txt' });
      expect(kindsOf(seen)).toEqual(['started', 'finished', 'verified']);
      expect(seen.reports[1]).toMatchObject({
        change: { filesChanged: ['a.txt', 'hello.txt'] },
        usage: {
          tokens: 3 * PER_ANSWER,
          tokenCounts: {
            input: 3 * TOKENS.input,
            cachedInput: 3 * TOKENS.cached,
            cacheWrite: 0,
            output: 3 * TOKENS.output,
          },
          accuracy: cli === 'claude' || cli === 'opencode' ? 'exact' : 'estimated',
        },
      });
      const { usage } = seen.reports[1] as Extract<RunReport, { kind: 'finished' }>;
      expect(usage.usd).toBeGreaterThan(0.0002);
      expect(usage.usd).toBeLessThan(0.01);
      const log = seen.log.toString();
      expect(log).toContain('All is done.');
      expect(log).toContain('it ran');
      expect(log).not.toContain('"type"');
      expect(on.fixture.leftovers()).toEqual([]);
    });

    test('is advertised with its version when a credential is there, and not without', async () => {
      const config = configOf(cli, 'http://127.0.0.1:9');
      const engines = ENGINES.filter(({ name: one }) => one === cli);
      const machine = { PATH: process.env['PATH'], HOME: '/nonexistent' };
      const found = await probe(engines, machine, config);
      expect(found.advertises).toEqual(
        expect.arrayContaining([`engine:${cli}`, 'engine-class:agentic-coder']),
      );
      expect(found.engineVersions.get(cli)).toMatch(/^\d+\.\d+\.\d+$/);
      const settings = { ...config.engines[cli]!, env: {} };
      const without = await probe(engines, machine, { ...config, engines: { [cli]: settings } });
      expect(without.advertises).not.toContain(`engine:${cli}`);
      expect(without.findings.find(({ kind }) => kind === 'engine')?.why).toContain('not logged in');
    });

    test('a key that is not taken fails in seconds and is not tried again', async ({ signal }) => {
      await using on = await stage(cli, signal);
      on.api.play({ status: 401, error: 'invalid x-api-key' });
      const last = failure(await on.run());
      expect(last.reason).toBe('preflight');
      expect(last.message).toContain(`the engine ${cli} is not logged in on this factory`);
    });

    test('ends well without a change: flagged', async ({ signal }) => {
      await using on = await stage(cli, signal);
      on.api.play({ say: 'There is nothing to do.' });
      expect(failure(await on.run())).toMatchObject({
        reason: 'no_change',
        exitCode: 0,
        usage: { tokens: PER_ANSWER },
      });
    });

    test('is ended when its budget of tokens is used up, and says so', async ({ signal }) => {
      await using on = await stage(cli, signal);
      on.api.play(command('sleep 2; echo once'), command('sleep 2; echo twice'), 'hang');
      const last = failure(await on.run({ budget: { tokens: 2 * PER_ANSWER - 1 } }));
      expect(last.reason).toBe('budget');
      expect(last.usage?.tokens).toBeGreaterThanOrEqual(2 * PER_ANSWER - 1);
      expect(last.usage?.tokens).toBeLessThan(4 * PER_ANSWER);
    });

    test('is ended when it hangs; what it used until then is told', async ({ signal }) => {
      await using on = await stage(cli, signal, shortStall(cli));
      on.api.play(command('echo once'), 'hang');
      const last = failure(await on.run());
      expect(last.reason).toBe('timeout');
      expect(last.message).toContain('no sign of life');
      expect(last.usage?.tokens).toBeGreaterThanOrEqual(PER_ANSWER - TOKENS.output);
      expect(last.usage?.accuracy).not.toBe('unknown');
    });

    test('a drain ends it and gives the job back with what it used', async ({ signal }) => {
      await using on = await stage(cli, signal);
      on.api.play(command('echo once'), 'hang');
      const told = toldUsage(cli, home.path);
      const running = on.run();
      await until(() => on.api.requests.length === 2 && told());
      on.fixture.drain.abort();
      const seen = await running;
      const last = seen.reports.at(-1);
      expect(last?.kind).toBe('released');
      expect((last as Extract<RunReport, { kind: 'released' }>).usage?.tokens).toBeGreaterThan(0);
      expect(on.fixture.leftovers()).toEqual([]);
    });

    test('a session that broke off goes on where it was', async ({ signal }) => {
      await using on = await stage(cli, signal);
      // opencode tries a 5xx, and whatever is "overloaded", again for more than a minute, silently.
      const gone =
        cli === 'opencode'
          ? { status: 400, error: 'stream disconnected' }
          : { status: 503, error: 'overloaded' };
      on.api.playUntil([write(on.file('hello.txt'), 'hello\n'), gone], 'You were interrupted', [
        command('echo two >> a.txt'),
        { say: 'All is done.' },
      ]);
      const seen = await on.run();
      expect(kindsOf(seen)).toEqual(['started', 'finished']);
      expect(seen.reports.at(-1)).toMatchObject({
        change: { filesChanged: ['a.txt', 'hello.txt'] },
        usage: { tokens: 3 * PER_ANSWER },
      });
      expect(seen.log.toString()).toContain('the session goes on');
    });
  });
}
