/** The jobs that the list shows, kept up to date. */
import { useEffect } from 'react';
import type { JobSummary } from '../../../shared/contract/api.js';
import { useControl } from '../control.js';
import { usePoll, type Poll } from '../hooks/usePoll.js';
import type { Work } from '../view/fleet.js';
import type { JobFilter } from '../view/jobFilter.js';
import { mergeJobs } from '../view/mergeJobs.js';

const POLL_MS = 1500;
/** The newest ones; the API takes up to 500. More rows than this are found by filtering, not by scrolling. */
export const LIST_LIMIT = 200;

export interface JobList {
  readonly jobs: readonly JobSummary[];
  /** There are more jobs than the list holds: counts are of the newest ones. */
  readonly truncated: boolean;
}

/** What the list tells of the factories: not everything when it is cut off or of one product. */
export const workOf = (list: JobList | undefined, product?: string): Work => ({
  jobs: list?.jobs ?? [],
  complete: list !== undefined && !list.truncated && product === undefined,
});

/** Where the newest jobs are too few for a stage, that stage is asked for by itself. */
export function useJobs(filter: JobFilter): Poll<JobList> {
  const { client } = useControl();
  const { product, stage } = filter;
  const read = async (signal: AbortSignal, previous: JobList | undefined): Promise<JobList> => {
    const query = { limit: LIST_LIMIT, ...(product && { productId: product }) };
    const newest = await client.listJobs({ query }, { signal });
    const truncated = newest.jobs.length === LIST_LIMIT;
    let all: readonly JobSummary[] = newest.jobs;
    if (truncated && stage) {
      const { jobs } = await client.listJobs({ query: { ...query, stage } }, { signal });
      const known = new Set(all.map((job) => job.jobId));
      all = [...all, ...jobs.filter((job) => !known.has(job.jobId))];
    }
    const jobs = mergeJobs(previous?.jobs, all);
    return previous && jobs === previous.jobs && truncated === previous.truncated
      ? previous
      : { jobs, truncated };
  };
  // The stage is no part of the key: choosing one must not empty the list for a moment.
  const poll = usePoll(`jobs ${product ?? ''}`, read, POLL_MS);
  const incomplete = poll.value?.truncated ?? false;
  const { refresh } = poll;
  useEffect(() => {
    if (incomplete && stage) refresh();
  }, [incomplete, stage, refresh]);
  return poll;
}
