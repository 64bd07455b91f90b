// An event as one line of a seed's story.
import type { JobEvent } from '../../shared/contract/event.js';

export function told({ jobId, seq, stage, from, actor, body }: JobEvent): string {
  const epoch = 'epoch' in body ? ` epoch ${body.epoch}` : '';
  const way = from === undefined ? stage : `${from} → ${stage}`;
  return `${jobId} #${seq} ${body.kind}${epoch} by ${actor.id}: ${way}`;
}
