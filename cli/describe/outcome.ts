// Where a job stands when nothing more happens to it by itself, and what a person can do next.
import type { JobView } from '../../shared/contract/view.js';
import { assertExhaustive } from '../../shared/errors.js';
import { shortCommit } from '../../shared/eventText.js';
import { oneLine, type Paint } from '../text.js';
import { isCancelled, paintStage } from './stage.js';

/** @param notPushedDirectly why not, where its profile would have */
export function describeExitFrom(job: JobView, paint: Paint, notPushedDirectly?: string): string {
  const told = exitFrom(job, paint);
  return notPushedDirectly === undefined
    ? told
    : `${told}\nnot pushed directly: ${oneLine(notPushedDirectly)}`;
}

function exitFrom(job: JobView, paint: Paint): string {
  const stage = `${job.jobId} is in ${paintStage(paint, job.stage)}`;
  switch (job.stage) {
    case 'testing':
      return `${stage}: verified. Merge it with: aq ship ${job.jobId}`;
    case 'review':
      return job.verify === undefined
        ? `${stage}: it names no verify, so a person looks at it. Merge it with: aq ship ${job.jobId}`
        : `${stage}: a person looks at it. What there is to see: aq show ${job.jobId}`;
    case 'shipped':
      return `${stage}${job.mergeCommit === undefined ? '' : `: ${shortCommit(job.mergeCommit)}`}`;
    case 'failed':
    case 'dead_letter':
      return isCancelled(job)
        ? `${job.jobId} was cancelled. Run it after all with: aq requeue ${job.jobId}`
        : `${stage}${job.failure ? ` (${job.failure.reason.replaceAll('_', ' ')})` : ''}. See aq show ${job.jobId}; try again with: aq requeue ${job.jobId}`;
    case 'queued':
    case 'assigned':
    case 'building':
      return stage;
    default:
      return assertExhaustive(job.stage);
  }
}
