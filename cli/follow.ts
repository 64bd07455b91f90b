// Waiting for a job while telling what happens to it.
import type { Client } from '../shared/client.js';
import type { JobDetail } from '../shared/contract/api.js';
import { changeLabel } from '../shared/contract/prospects.js';
import type { JobView } from '../shared/contract/view.js';
import type { Context } from './context.js';
import { timelineLine } from './describe/timeline.js';
import { oneLine } from './text.js';

/** How often the job is looked at. */
const POLL_MS = 500;
/** A job that nobody took by then gets its explanation told, once (ms). */
const PATIENCE_MS = 10_000;

/** Nothing more happens to it by itself: it is over, or a person is asked. */
export function isSettled(job: JobView): boolean {
  switch (job.stage) {
    case 'shipped':
    case 'failed':
    case 'dead_letter':
      return true;
    case 'review':
    case 'testing':
      return job.holder === undefined && job.landing === undefined;
    case 'queued':
    case 'assigned':
    case 'building':
      return false;
  }
}

/**
 * Prints each new event of a job until it is settled.
 * @param after the number of events that are known already
 */
export async function followUntilSettled(
  context: Context,
  client: Client,
  jobId: string,
  after: number,
): Promise<JobDetail> {
  const { io } = context;
  const started = io.now();
  let known = after;
  let explained = false;
  for (;;) {
    const detail = await client.getJob({ params: { jobId } });
    const { job, events } = detail;
    events.forEach((event, at) => {
      if (event.seq > known) context.progress(timelineLine(event, events[at - 1], context.paint));
    });
    known = Math.max(known, job.events);
    if (isSettled(job)) return detail;
    if (!explained && !context.json && job.holder === undefined && io.now() - started > PATIENCE_MS) {
      explained = true;
      const explanation = await client.explainJob({ params: { jobId } });
      const { summary, wouldPlace } = explanation;
      const cure = wouldPlace === undefined ? '' : ` ${changeLabel(explanation)}: ${wouldPlace}.`;
      context.progress(context.paint('yellow', `still waiting: ${oneLine(summary + cure)}`));
    }
    await io.sleep(POLL_MS);
  }
}
