// Critical work takes the only station: the running product, with the process of the worker that makes room.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { JobDetail } from '../../shared/contract/api.js';
import { renewalInterval } from '../../shared/rules/leases.js';
import { aq, isAlive, reach, startTestSystem, until } from '../support/system.js';

/** Long against the time in which a renewal comes: a run that ended for want of a lease would show. */
const LEASE_SECONDS = 9;
/** What two busy cores may add to a renewal interval (s). */
const SLACK_SECONDS = 5;

it(
  'ends the worker within one renewal, does the critical job, and then the other one again',
  {
    timeout: 120_000,
  },
  async () => {
    const { system, dispose } = await startTestSystem({ leaseSeconds: LEASE_SECONDS, preemption: true });
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-preemption-'));
    const [gate, pidFile] = ['go', 'pid'].map((name) => path.join(scratch, name)) as [string, string];
    const submit = async (priority: string, script: string): Promise<string> => {
      const file = path.join(scratch, `${priority}.md`);
      const repo = system.sampleRepository;
      writeFileSync(
        file,
        `---\ntitle: Work of ${priority} priority\nengine: shell\npriority: ${priority}\nrepo: ${repo}\nverify: test -f DONE.md\n---\n${script}\n`,
      );
      return (JSON.parse((await aq(system, 'submit', file, '--json')).stdout) as JobDetail).job.jobId;
    };
    try {
      const low = await submit(
        'low',
        `echo $$ > ${pidFile}; while [ ! -f ${gate} ]; do sleep 0.1; done; echo low > DONE.md`,
      );
      const worker = await until('the worker to run', () =>
        Promise.resolve(existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) || undefined : undefined),
      );
      const critical = await submit('critical', 'echo critical > DONE.md');

      const queued = await reach(system, low, 'queued');
      const released = queued.events.find(({ body }) => body.kind === 'run.released');
      await until('the worker to be gone', () => Promise.resolve(isAlive(worker) ? undefined : true));
      expect(Date.now() - Date.parse(released?.at ?? '')).toBeLessThan(
        (renewalInterval(LEASE_SECONDS) + SLACK_SECONDS) * 1000,
      );
      expect(queued.job).toMatchObject({ attempts: 0, epoch: 1 });
      expect(released?.body).toMatchObject({ message: expect.stringContaining(critical) as string });

      const done = await reach(system, critical, 'testing');
      expect(done.runs.map(({ epoch, status }) => [epoch, status])).toEqual([[1, 'succeeded']]);
      writeFileSync(gate, '');
      const { runs } = await reach(system, low, 'testing');
      expect(runs.map(({ epoch, status }) => [epoch, status])).toEqual([
        [1, 'released'],
        [2, 'succeeded'],
      ]);
      expect((await aq(system, 'audit', 'verify')).code).toBe(0);
    } finally {
      await dispose();
      rmSync(scratch, { recursive: true, force: true });
    }
  },
);
