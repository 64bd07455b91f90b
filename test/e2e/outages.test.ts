// Parts of the running product that go away and come back: the bus, and a factory that was taken for dead.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobView } from '../../shared/contract/view.js';
import { aq, git, isAlive, reach, startTestSystem, until, type System } from '../support/system.js';

/** Far longer than a job takes, also on two busy cores (ms). */
const AWAY_MS = 20_000;

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-outage-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

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
  return (JSON.parse(answer.stdout) as { job: JobView }).job.jobId;
}

describe('a factory', { timeout: 180_000 }, () => {
  it('works on while the bus is away, over HTTP, and goes back to the bus when it is there', async () => {
    const { system, lines, dispose } = await startTestSystem({ restartDelaysMs: [AWAY_MS, AWAY_MS] });
    const said = (text: string): boolean =>
      lines.some((line) => line.startsWith('factory-1: ') && line.includes(text));
    try {
      await reach(system, await submit(system, 'before', 'true'), 'testing');
      const bus = system.parts.serviceBus.pid ?? 0;
      const killedAt = Date.now();
      process.kill(bus, 'SIGKILL');
      await until('the bus to be gone', () => yes(!isAlive(bus)));

      const during = await submit(system, 'during', 'true');
      const { runs } = await reach(system, during, 'testing');
      expect(said('the bus is away: claiming over HTTP')).toBe(true);
      // No ticket can have brought it: it was given before the bus was started again.
      expect(Date.parse(runs[0]?.startedAt ?? '')).toBeLessThan(killedAt + AWAY_MS);

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

  it('whose clock is an hour off keeps its lease, and is told from a dead one', async () => {
    const { system, lines, dispose } = await startTestSystem({ factories: 0 });
    const HOUR_MS = 3_600_000;
    /** How far the times that a factory prints are from ours, in minutes of a day. */
    const offOf = async (name: string): Promise<number> => {
      const [, hours, minutes] = await until(`the first words of ${name}`, () =>
        Promise.resolve(
          lines.map((line) => new RegExp(`^${name}: (\\d\\d):(\\d\\d):`).exec(line)).find(Boolean) ??
            undefined,
        ),
      );
      const now = new Date();
      return (
        (Number(hours) * 60 + Number(minutes) - now.getUTCHours() * 60 - now.getUTCMinutes() + 1440) % 1440
      );
    };
    try {
      const ahead = await withSkewedClock(HOUR_MS, () => system.startFactory('ahead'));
      await withSkewedClock(-HOUR_MS, () => system.startFactory('behind'));
      expect(Math.abs((await offOf('ahead')) - 60)).toBeLessThan(5);
      expect(Math.abs((await offOf('behind')) - 1380)).toBeLessThan(5);

      // Both live by their renewals: each job takes two leases.
      const slow = await Promise.all(['one', 'two'].map((name) => submit(system, name, 'sleep 6')));
      const details = await Promise.all(slow.map((jobId) => reach(system, jobId, 'testing')));
      const runs = details.flatMap((detail) => detail.runs);
      expect(runs.map(({ epoch, status }) => [epoch, status])).toEqual([
        [1, 'succeeded'],
        [1, 'succeeded'],
      ]);
      expect(runs.map(({ factoryId }) => factoryId).toSorted()).toEqual(['ahead', 'behind']);
      // Times in the record are the server's.
      for (const { startedAt, endedAt } of runs)
        for (const at of [startedAt, endedAt])
          expect(Math.abs(Date.parse(at ?? '') - Date.now())).toBeLessThan(600_000);

      const gate = path.join(scratch, 'go');
      const waiting = await Promise.all(
        ['three', 'four'].map((name) => submit(system, name, `while [ ! -f ${gate} ]; do sleep 0.1; done`)),
      );
      const held = await Promise.all(waiting.map((jobId) => reach(system, jobId, 'building')));
      const lost = held.find(({ job }) => job.holder === 'ahead')?.job.jobId ?? '';
      await ahead.kill();
      writeFileSync(gate, '');
      const taken = await reach(system, lost, 'testing');
      expect(taken.runs.map(({ factoryId, status }) => [factoryId, status])).toEqual([
        ['ahead', 'lost'],
        ['behind', 'succeeded'],
      ]);
    } finally {
      await dispose();
    }
  });
});

/** Starts a process whose `Date` is off; its monotonic clock is not, as on a machine that was set wrong. */
async function withSkewedClock<T>(skewMs: number, start: () => Promise<T>): Promise<T> {
  const skew = `const now=Date.now;globalThis.Date=class extends Date{constructor(...a){if(a.length)super(...a);else super(now()+${skewMs})}static now(){return now()+${skewMs}}}`;
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(skew)}`;
  try {
    return await start();
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
}
