import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { app } from '../../functions/lib/app.js';
import type { Deps } from '../../functions/operations/deps.js';
import { getJob } from '../../functions/operations/getJob.js';
import { park } from '../../functions/operations/park.js';
import { ADMIN } from '../functions/fixture.js';
import { startCliSystem, type Answer, type CliSystem } from './system.js';

let system: CliSystem;
let deps: Deps;
beforeAll(async () => {
  system = await startCliSystem();
  deps = (await app()).deps(() => {});
}, 60_000);
afterAll(() => system.close());
const aq = (...args: string[]): Promise<Answer> => system.aq(args);

const put = (by: string, id: string, what: unknown, isRetried: boolean): Promise<void> =>
  park(deps, { productId: 'shop', by, id, what, error: new Error('a bad day\nof its own'), isRetried });

describe('aq parked', () => {
  it('lists what was put aside, and why', async () => {
    expect((await aq('parked')).stdout).toBe('Nothing is parked.\n');
    expect((await aq('health')).stdout).not.toContain('put aside');
    await put('echoToTracker', 'job-x:event:00000001', { type: 'event' }, true);
    await put('postToTracker', 'job-x:1', {}, false);
    const { stdout } = await aq('parked');
    expect(stdout).toMatch(/^PARKED +SINCE +RETRIES +NEXT +ERROR\n/);
    expect(stdout).toMatch(
      /parked:echoToTracker:job-x:event:00000001 +\d+ s ago +0 +\d\d:\d\d:\d\d +Error: a bad day\n/,
    );
    expect(stdout).toMatch(/parked:postToTracker:job-x:1 +\d+ s ago +0 +by hand +Error: a bad day\n/);
    expect((await aq('health')).stdout).toContain('\n2 documents put aside, see aq parked\n');
  });

  it('tries one again, or all, and shows what failed again', async () => {
    const job = (await aq('submit', await system.file('a.md', '---\n---\ntrue\n'), '--json')).stdout;
    const { jobId } = (JSON.parse(job) as { job: { jobId: string } }).job;
    const { events } = await getJob(deps, ADMIN, { params: { jobId } });
    await put('dispatchReadyJobs', `${jobId}:event:00000001`, events[0], true);
    const id = `parked:dispatchReadyJobs:${jobId}:event:00000001`;
    expect((await aq('parked', 'retry', id)).stdout).toBe('1 document went through.\n');
    const all = await aq('parked', 'retry', '--json');
    expect(JSON.parse(all.stdout)).toMatchObject({
      done: [],
      parked: [
        { about: 'job-x:event:00000001', retries: 1 },
        { about: 'job-x:1', retries: 1 },
      ],
    });
    expect(await aq('parked', 'retry', 'parked:nothing')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('nothing is parked as parked:nothing') as string,
    });
  });
});
