import { CloudError } from '../../shared/cloud/errors.js';
import type { EventBody, JobEvent } from '../../shared/contract/event.js';
import type { Deps } from './deps.js';
import { dispatchJob } from './dispatchJob.js';
import { readJob } from './jobStore.js';

/**
 * Dispatches a job that an event may have made ready, in case the operation that wrote the event died before it
 * could. It looks at the job as it is now, not as it was.
 * @throws CloudError unavailable when the read is older than the event; the feed comes again
 */
export async function dispatchReadyJob(deps: Deps, event: JobEvent): Promise<void> {
  if (!makesReady(event.body)) return;
  const { document: job } = await readJob(deps, event);
  if (job.events < event.seq)
    throw new CloudError('unavailable', `${job.jobId} was read as of event ${job.events}, not ${event.seq}`);
  await dispatchJob(deps, job);
}

function makesReady(body: EventBody): boolean {
  switch (body.kind) {
    case 'job.submitted':
    case 'job.requeued':
    case 'ship.requested':
    case 'run.released':
    case 'run.failed':
    case 'run.lost':
    case 'job.resumed':
    case 'deps.met':
    case 'job.rerouted':
    case 'job.handed-over':
      return true;
    case 'job.assigned':
    case 'run.started':
    case 'run.checkpointed':
    case 'run.finished':
    case 'run.verified':
    case 'ship.landed':
    case 'ship.refused':
    case 'job.cancelled':
    case 'gate.approved':
    case 'gate.rejected':
    case 'gate.promoted':
    case 'gate.overridden':
    case 'job.held':
    case 'sla.breached':
    case 'run.planned':
    case 'children.requested':
    case 'children.ended':
      return false;
  }
}
