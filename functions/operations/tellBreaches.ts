import type { Actor, Job } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';
import { JOBS } from '../../shared/topology.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { inParallel } from './inParallel.js';

const CLOCK: Actor = { kind: 'system', id: 'sla' };
/** A whole backlog can be late at one moment; the rest is told at the next look. */
const MAX_A_LOOK = 200;

/**
 * Writes into the log of every job that has become late in its phase that it has, once a phase.
 * One query over an indexed field, empty where everything is in time.
 * @returns how many were told
 */
export async function tellBreaches(deps: Deps): Promise<number> {
  const late = await deps.documents.select<Pick<Job, 'productId' | 'jobId'>>(JOBS, {
    text: `SELECT TOP ${MAX_A_LOOK} c.productId, c.jobId FROM c
           WHERE c.type = 'job' AND c.sla.breached = false AND c.sla.dueAt < @now`,
    parameters: { now: deps.clock.now() },
  });
  let told = 0;
  await inParallel(late, async (ref) => {
    try {
      const job = await changeJob(deps, ref, { kind: 'breach', actor: CLOCK });
      deps.log('warn', 'a job is late', { jobId: ref.jobId, ...job.sla });
      told += 1;
    } catch (error) {
      // It went on in the meantime, or others are at it: the next look tells.
      if (!(error instanceof AppError)) throw error;
    }
  });
  return told;
}
