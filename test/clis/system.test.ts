/** A job that asks for a coder, on the whole embedded cloud, done by a real CLI with a played model. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobDetail } from '../../shared/contract/api.js';
import type { Job } from '../../shared/contract/job.js';
import { aq, git, reach, startTestSystem, until, type System } from '../support/system.js';
import { CLIS, configOf, programOf, turns } from './clis.js';
import { ModelApi, TOKENS } from './modelApi.js';

const cli = CLIS.find((name) => programOf(name) !== undefined);
const name = cli ?? 'no CLI (skipped: none is installed, see `npm run clis`)';
/** Two answers reach it, one does not. */
const BUDGET = TOKENS.input + TOKENS.cached + TOKENS.output + 50;
const PER_ANSWER = TOKENS.input + TOKENS.cached + TOKENS.output;

describe.skipIf(cli === undefined)(`${name} on the embedded cloud`, { timeout: 120_000 }, () => {
  let system: System;
  let dataDir: string;
  let dispose: () => Promise<void>;
  let api: ModelApi;
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-clis-'));
  const { command } = turns[cli ?? 'claude'];

  beforeAll(async () => {
    api = await ModelApi.start();
    ({ system, dataDir, dispose } = await startTestSystem({ factories: 0 }));
    const { engines } = configOf(cli ?? 'claude', api.url);
    const settings = engines[cli ?? 'claude'];
    const folder = path.join(dataDir, 'factories', 'factory-1');
    mkdirSync(folder, { recursive: true });
    // What an owner writes by hand; JSON is YAML.
    const config = {
      hide: CLIS.filter((other) => other !== cli).map((other) => `engine:${other}`),
      engines: { [cli ?? 'claude']: { ...settings, env: { ...settings?.env, HOME: scratch } } },
    };
    writeFileSync(path.join(folder, 'factory.yaml'), JSON.stringify(config));
    await system.startFactory('factory-1');
  }, 90_000);

  afterAll(async () => {
    await dispose();
    await api[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const submit = async (front: string): Promise<Job> => {
    const file = path.join(scratch, `${Math.random()}.md`);
    writeFileSync(file, `---\nrepo: ${system.sampleRepository}\n${front}\n---\nSay hello in hello.txt\n`);
    const answer = await aq(system, 'submit', file, '--json');
    expect(answer.stderr).toBe('');
    return (JSON.parse(answer.stdout) as { job: Job }).job;
  };

  it('does a job that names a class of engines only, and is told with its version and usage', async () => {
    api.play(command('echo hello > hello.txt'), { say: 'All is done.' });
    const job = await submit('title: Hello\nengine-class: agentic-coder\nverify: grep hello hello.txt');
    const { job: tested, runs } = await reach(system, job.jobId, 'testing');
    expect(runs[0]).toMatchObject({ engine: cli, engineVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(tested.usage).toMatchObject({ tokens: 2 * PER_ANSWER });
    expect(await git(system.sampleRepository, 'show', `${tested.change?.branch}:hello.txt`)).toBe('hello');
    const log = await aq(system, 'logs', job.jobId);
    expect(log.stdout).toContain('All is done.');
  });

  it('is stopped when the job has used its budget up; the job waits until a person resumes it', async () => {
    api.play(command('echo hello > hello.txt; sleep 2'), command('sleep 2'), 'hang');
    const job = await submit(`title: Dear\nengine: ${cli}\nbudget: { tokens: ${BUDGET} }\nverify: "true"`);
    let detail: JobDetail | undefined;
    const held = await until(
      'the job to be on hold',
      async () => {
        detail = (await system.api('GET', `jobs/${job.jobId}`)) as JobDetail;
        return detail.job.hold && detail.job;
      },
      () => detail?.job,
    );
    expect(held).toMatchObject({ stage: 'queued', failure: { reason: 'budget' } });
    expect(held.usage.tokens).toBeGreaterThanOrEqual(BUDGET);
    expect((await aq(system, 'explain', job.jobId)).stdout).toContain('budget');
    api.play({ say: 'It is as it should be.' });
    expect(await aq(system, 'resume', job.jobId)).toMatchObject({ code: 0 });
    // The second run goes on from what the first one kept, and finds it done.
    const { job: tested, runs } = await reach(system, job.jobId, 'testing');
    expect(runs).toHaveLength(2);
    expect(tested.usage.tokens).toBeGreaterThan(held.usage.tokens);
    expect(await git(system.sampleRepository, 'show', `${tested.change?.branch}:hello.txt`)).toBe('hello');
  });
});
