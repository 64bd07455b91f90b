/** What keeps a job out of the ready set although no factory holds it, and what would let it in. */
import type { Job } from '../contract/job.js';

export interface KeptBack {
  /** One sentence for people. */
  readonly summary: string;
  readonly wouldPlace: string;
}

/** Undefined for a job that nothing keeps back. */
export function keptBack(job: Job): KeptBack | undefined {
  const { hold } = job;
  if (hold === undefined) return undefined;
  return {
    summary: `On hold by ${hold.by.id} since ${hold.at}: ${hold.reason}`,
    wouldPlace: `the hold lifted (resume ${job.jobId})`,
  };
}
