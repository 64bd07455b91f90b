// A job that nobody will take before somebody acts would wait for ever: its submitter hears of it at once.
import type { Client } from '../shared/client.js';
import { changeLabel, isStranded } from '../shared/contract/prospects.js';
import type { JobView } from '../shared/contract/view.js';
import { AppError } from '../shared/errors.js';
import type { Context } from './context.js';
import { oneLine } from './text.js';

/** Tells on standard error when nobody takes the job until somebody acts: a halt, a pause, a fleet that lacks something. */
export async function warnIfStranded(context: Context, client: Client, job: JobView): Promise<void> {
  if (job.stage !== 'queued') return;
  const explanation = await client.explainJob({ params: { jobId: job.jobId } }).catch((error: unknown) => {
    // The job is in: that nobody could say how it will fare is no failure of the submit.
    if (error instanceof AppError) return undefined;
    throw error;
  });
  if (!explanation || !isStranded(explanation)) return;
  const { summary, wouldPlace } = explanation;
  const cure = wouldPlace === undefined ? '' : ` ${changeLabel(explanation)}: ${wouldPlace}.`;
  context.warn(`No factory takes it now; it stays queued. ${oneLine(summary + cure)}`, {
    jobId: job.jobId,
    summary,
    wouldPlace,
  });
}
