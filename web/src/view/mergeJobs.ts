/** Keeps a polled list calm. */
import type { JobSummary } from '../../../shared/contract/api.js';

/**
 * The new list, but with the old object for every job that did not change, and the old list when none did: React
 * then leaves those rows alone. Each change of a job appends an event, so the head of its chain tells; that it
 * is late comes with time alone.
 */
export function mergeJobs(
  previous: readonly JobSummary[] | undefined,
  next: readonly JobSummary[],
): readonly JobSummary[] {
  if (!previous) return next;
  const known = new Map(previous.map((job) => [job.jobId, job]));
  const merged = next.map((job) => {
    const old = known.get(job.jobId);
    const same =
      old?.headHash === job.headHash && old.events === job.events && old.sla?.breached === job.sla?.breached;
    return same ? old : job;
  });
  const unchanged =
    merged.length === previous.length && merged.every((job, index) => job === previous[index]);
  return unchanged ? previous : merged;
}
