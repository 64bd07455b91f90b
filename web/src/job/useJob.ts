/** One job with its runs and events, kept up to date. */
import type { JobDetail } from '../../../shared/contract/api.js';
import type { Explanation } from '../../../shared/contract/explanation.js';
import { useControl } from '../control.js';
import { usePoll, type Poll } from '../hooks/usePoll.js';

const POLL_MS = 1500;
const EXPLAIN_POLL_MS = 5000;

/** The old detail when nothing happened, so that nothing renders. */
function keepIfSame(previous: JobDetail | undefined, next: JobDetail): JobDetail {
  const same =
    previous?.sla?.breached === next.sla?.breached &&
    previous?.job.headHash === next.job.headHash &&
    previous.events.length === next.events.length &&
    previous.runs.length === next.runs.length &&
    JSON.stringify(previous.rollup) === JSON.stringify(next.rollup) &&
    previous.legal.join() === next.legal.join();
  return same && previous ? previous : next;
}

export function useJob(jobId: string): Poll<JobDetail> {
  const { client } = useControl();
  return usePoll(
    `job ${jobId}`,
    async (signal, previous) => keepIfSame(previous, await client.getJob({ params: { jobId } }, { signal })),
    POLL_MS,
  );
}

/** Why the job is where it is. The fleet around it changes too, so it is asked for again and again. */
export function useExplanation(jobId: string): Poll<Explanation> {
  const { client } = useControl();
  return usePoll(
    `explanation ${jobId}`,
    (signal) => client.explainJob({ params: { jobId } }, { signal }),
    EXPLAIN_POLL_MS,
  );
}
