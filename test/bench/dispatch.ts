// How long from submit to claim, on the whole product with one warm factory; and what the parts below it take alone.
import { randomUUID } from 'node:crypto';
import type { JobDetail } from '../../shared/contract/api.js';
import { startTestSystem, until, type System } from '../support/system.js';
import { percentile } from './statistics.js';

const WARM_UP = 5;
const JOBS = 60;
/** After its report a run's worktree is still cleared away; a warm factory is one that waits. */
const SETTLE_MS = 1000;

/** Submits one job that does nothing and waits until its run is over. @returns ms from its submit to its claim */
async function oneJob(system: System): Promise<{ serverMs: number; clientMs: number }> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const start = performance.now();
  const { job } = (await system.api('POST', 'jobs', {
    productId: 'sample',
    manifest: {
      title: 'Nothing',
      engine: 'shell',
      repo: system.sampleRepository,
      body: `echo ${randomUUID()} > NOTHING.md`,
    },
  })) as { job: { jobId: string } };
  const clientMs = performance.now() - start;
  const { events } = await until('the run to end', async () => {
    const detail = (await system.api('GET', `jobs/${job.jobId}`)) as JobDetail;
    return ['review', 'failed', 'dead_letter'].includes(detail.job.stage) ? detail : undefined;
  });
  const at = (kind: string): number => Date.parse(events.find((event) => event.body.kind === kind)?.at ?? '');
  return { serverMs: at('job.assigned') - at('job.submitted'), clientMs };
}

/** What one request to the API costs without any work: the floor below the figures above. */
async function floor(system: System): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < JOBS; n++) {
    const start = performance.now();
    await system.api('GET', 'products/sample');
    times.push(performance.now() - start);
  }
  return times;
}

export async function run(): Promise<Record<string, number>> {
  const { system, dispose } = await startTestSystem({ leaseSeconds: 30 });
  try {
    for (let n = 0; n < WARM_UP; n++) await oneJob(system);
    const toClaim: number[] = [];
    const submits: number[] = [];
    for (let n = 0; n < JOBS; n++) {
      const { serverMs, clientMs } = await oneJob(system);
      toClaim.push(serverMs);
      submits.push(clientMs);
    }
    const reads = await floor(system);
    return {
      'submit to claim p50 (ms)': percentile(toClaim, 50),
      'submit to claim p99 (ms)': percentile(toClaim, 99),
      'submit request p50 (ms)': percentile(submits, 50),
      'floor: one authorised read p50 (ms)': percentile(reads, 50),
      jobs: JOBS,
    };
  } finally {
    await dispose();
  }
}
