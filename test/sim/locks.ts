// Which jobs run under one lock: a claim alone is not a run yet, its factory hears of it when the lease is there.
import type { Lease } from '../../shared/contract/fleet.js';
import type { Job } from '../../shared/contract/job.js';

/** The jobs that run now with the lock that this one runs with. */
export function rivalsOf(
  job: Job,
  jobs: Iterable<{ readonly job: Job }>,
  leases: ReadonlyMap<string, Lease>,
): string[] {
  const { lock } = job.manifest;
  if (lock === undefined || !runs(job, leases)) return [];
  return [...jobs]
    .map(({ job: other }) => other)
    .filter(
      (other) =>
        other.jobId !== job.jobId &&
        other.productId === job.productId &&
        other.manifest.lock === lock &&
        runs(other, leases),
    )
    .map(({ jobId }) => jobId);
}

function runs({ jobId, holder, epoch }: Job, leases: ReadonlyMap<string, Lease>): boolean {
  const lease = leases.get(jobId);
  return lease?.epoch === epoch && lease.holder === holder;
}
