// The kill switch against the running product: a factory process, its worker's own process, and `aq` as a person uses it.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobDetail } from '../../shared/contract/api.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { renewalInterval } from '../../shared/rules/leases.js';
import { aq, isAlive, reach, startTestSystem, until, type System } from '../support/system.js';

/** Long against the time in which a renewal comes: a run that ended for want of a lease would show. */
const LEASE_SECONDS = 9;
/** What two busy cores may add to a renewal interval (s). */
const SLACK_SECONDS = 5;

let system: System;
let dataDir: string;
let dispose: () => Promise<void>;
const scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-halt-'));

beforeAll(async () => {
  ({ system, dataDir, dispose } = await startTestSystem({ leaseSeconds: LEASE_SECONDS }));
}, 60_000);
afterAll(async () => {
  await dispose();
  rmSync(scratch, { recursive: true, force: true });
});

/** A claim under the factory's own token, as its next ticket would make it. */
async function claimAsFactory(pool: string): Promise<RouteResult<'claimJobs'>> {
  const file = path.join(dataDir, 'factories', 'factory-1', 'token');
  const { token } = JSON.parse(readFileSync(file, 'utf8')) as { token: string };
  const answer = await fetch(`${system.apiUrl}/fleet/claim`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pool, stations: 2, running: 0, warm: [] }),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as RouteResult<'claimJobs'>;
}

const detail = async (jobId: string): Promise<JobDetail> =>
  (await system.api('GET', `jobs/${jobId}`)) as JobDetail;

describe('aq halt', { timeout: 90_000 }, () => {
  it.each(['fleet', 'product:sample', 'pool:any'])(
    '%s stops the worker within one renewal and every claim at once; --lift lets them go on',
    async (scope) => {
      const name = scope.replace(':', '-');
      const [gate, pidFile, manifest] = ['go', 'pid', 'md'].map((end) =>
        path.join(scratch, `${name}.${end}`),
      );
      if (!gate || !pidFile || !manifest) throw new Error('no names');
      writeFileSync(
        manifest,
        `---\ntitle: Work on\nengine: shell\nrepo: ${system.sampleRepository}\nverify: test -f DONE.md\n---\n` +
          `echo $$ > ${pidFile}\nwhile [ ! -f ${gate} ]; do sleep 0.1; done\necho ${name} > DONE.md\n`,
      );
      const submitted = await aq(system, 'submit', manifest, '--json');
      const { jobId } = (JSON.parse(submitted.stdout) as JobDetail).job;
      const running = await reach(system, jobId, 'building');
      expect(running.runs[0]?.pool).toBe('any');
      const worker = await until('the worker to run', () =>
        Promise.resolve(existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) || undefined : undefined),
      );

      const halted = await aq(system, 'halt', scope, '-m', 'leaked credential', '--json');
      expect(halted.code).toBe(0);
      const { on } = JSON.parse(halted.stdout) as RouteResult<'halt'>;
      const since = on.find((one) => one.scope === scope)?.since ?? '';

      await until('the worker to be gone', () => Promise.resolve(isAlive(worker) ? undefined : true));
      const stopped = await reach(system, jobId, 'queued');
      expect(stopped.job).toMatchObject({ attempts: 0, epoch: 1 });
      const released = stopped.events.find(({ body }) => body.kind === 'run.released');
      expect(released?.body).toMatchObject({ message: `${scope} was halted: leaked credential` });
      const seconds = (Date.parse(released?.at ?? '') - Date.parse(since)) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(seconds).toBeLessThan(renewalInterval(LEASE_SECONDS) + SLACK_SECONDS);

      expect(await claimAsFactory('any')).toMatchObject({
        claims: [],
        halted: [{ scope, reason: 'leaked credential' }],
      });
      expect((await aq(system, 'explain', jobId)).stdout).toContain(`${scope} is halted (leaked credential)`);

      writeFileSync(gate, '');
      expect((await detail(jobId)).job.stage).toBe('queued');
      expect((await aq(system, 'halt', scope, '--lift')).code).toBe(0);
      const done = await reach(system, jobId, 'testing');
      expect(done.runs.map(({ epoch, status }) => [epoch, status])).toEqual([
        [1, 'released'],
        [2, 'succeeded'],
      ]);

      const history = await aq(system, 'halt', scope, '--history', '--json');
      const { records } = JSON.parse(history.stdout) as RouteResult<'listSwitchRecords'>;
      expect(records.map(({ action, reason }) => [action, reason])).toEqual([
        ['resume', undefined],
        ['halt', 'leaked credential'],
      ]);
      expect((await aq(system, 'audit', 'verify', jobId)).code).toBe(0);
    },
  );
});
