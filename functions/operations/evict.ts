import type { Lease } from '../../shared/contract/fleet.js';
import type { Actor, Job } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';

const SYSTEM: Actor = { kind: 'system', id: 'control' };

/**
 * Takes a running job from its holder and puts it back where it waits to be claimed, without counting an attempt. The
 * holder is fenced from here on and learns so with its renewal.
 * @param actor a factory that gives it back before it began has spent nothing; of one that is made to, nobody knows
 * @returns undefined when the holder had ended it, or lost it, by itself
 */
export async function evict(
  deps: Deps,
  { productId, jobId, epoch, holder }: Pick<Lease, 'productId' | 'jobId' | 'epoch' | 'holder'>,
  message: string,
  actor = SYSTEM,
): Promise<Job | undefined> {
  try {
    return await changeJob(
      deps,
      { productId, jobId },
      { kind: 'report', actor, epoch, factoryId: holder, report: { kind: 'released', message } },
    );
  } catch (error) {
    if (error instanceof AppError && (error.code === 'stale-epoch' || error.code === 'illegal-transition'))
      return undefined;
    throw error;
  }
}
