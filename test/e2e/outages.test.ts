// Parts of the running product that go away and come back: the bus, and a factory that was taken for dead.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../shared/contract/job.js';
import { aq, git, reach, startTestSystem, until, type System } from '../support/system.js';

/** Far longer than a job takes, also on two busy cores (ms). */
const AWAY_MS = 25_000;

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-outage-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const yes = (condition: boolean): Promise<true | undefined> => Promise.resolve(condition ? true : undefined);

async function submit(system: System, name: string, script: string): Promise<string> {
  const manifest = path.join(scratch, `${name}.md`);
  writeFileSync(
    manifest,
    `---\ntitle: ${name}\nengine: shell\nrepo: ${system.sampleRepository}\nverify: test -f ${name}.txt\n` +
      `retry: { max: 3, backoff: 1s }\n---\n${script}\necho ${name} > ${name}.txt\n`,
  );
  const answer = await aq(system, 'submit', manifest, '--json');
  expect(answer.stderr).toBe('');
  return (JSON.parse(answer.stdout) as { job: Job }).job.jobId;
}

describe('a factory', { timeout: 180_000 }, () => {
  it('works on while the bus is away, over HTTP, and goes back to the bus when it is there', async () => {
    const { system, lines, dispose } = await startTestSystem({ restartDelaysMs: [AWAY_MS, AWAY_MS] });
    const said = (text: string): boolean =>
      lines.some((line) => line.startsWith('factory-1: ') && line.includes(text));
    try {
      await reach(system, await submit(system, 'before', 'true'), 'testing');
      const bus = system.parts.serviceBus.pid ?? 0;
      process.kill(bus, 'SIGKILL');
      await until('the bus to be gone', () => yes(!isAlive(bus)));

      const during = await submit(system, 'during', 'true');
      await reach(system, during, 'testing');
      expect(system.parts.serviceBus.pid).toBe(bus);
      expect(said('the bus is away: claiming over HTTP')).toBe(true);
      expect(said('the bus is back')).toBe(false);

      await until('the bus to be there again', () => yes(system.parts.serviceBus.pid !== bus));
      await reach(system, await submit(system, 'after', 'true'), 'testing');
      await until('the factory to hear its ticket', () => yes(said('the bus is back')));
    } finally {
      await dispose();
    }
  });

  it('that was paused until its job was another’s pushes nothing, reports nothing and ends its worker', async () => {
    const { system, lines, dispose } = await startTestSystem();
    try {
      const gate = path.join(scratch, 'go');
      // The first worker waits behind a gate of its own, so that it is still at it when the second one is done.
      const jobId = await submit(
        system,
        'once',
        `echo $$ >> ${scratch}/pids\nwhile [ ! -f ${gate}-$(wc -l < ${scratch}/pids) ]; do sleep 0.1; done\necho $$ > worker.txt`,
      );
      await reach(system, jobId, 'building');
      await until('the first worker', () => yes(existsSync(path.join(scratch, 'pids'))));
      const worker = Number(readFileSync(path.join(scratch, 'pids'), 'utf8'));
      const [zombie] = system.factories;
      process.kill(zombie?.pid ?? 0, 'SIGSTOP');
      writeFileSync(`${gate}-2`, '');
      await system.startFactory('factory-2');
      const done = await reach(system, jobId, 'testing');
      expect(done.runs.map(({ epoch, factoryId, status }) => [epoch, factoryId, status])).toEqual([
        [1, 'factory-1', 'lost'],
        [2, 'factory-2', 'succeeded'],
      ]);

      process.kill(zombie?.pid ?? 0, 'SIGCONT');
      await until('the paused factory to learn it', () =>
        yes(lines.some((line) => line.startsWith('factory-1: ') && /lease lost|refused a report/.test(line))),
      );
      await until('its worker to be gone', () => yes(!isAlive(worker)));
      expect(await system.api('GET', `jobs/${jobId}`)).toEqual(done);
      const branch = done.job.change?.branch ?? '';
      expect(await git(system.sampleRepository, 'rev-parse', branch)).toBe(done.job.change?.commit);
      expect((await aq(system, 'audit', 'verify', jobId)).code).toBe(0);
      // It is well again, and works on what is its own.
      await reach(system, await submit(system, 'next', 'true'), 'testing');
    } finally {
      await dispose();
    }
  });
});
