import type { JobEvent } from '../../shared/contract/event.js';
import type { TrackerItem } from '../../shared/contract/job.js';
import type { TrackerPost } from '../../shared/contract/messages.js';
import { TRACKER_OUTBOX } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { instanceMemory } from './instanceMemory.js';
import { readJob } from './jobStore.js';
import { newsOf } from './trackerComment.js';

/** A job's item never changes, and a job has several events: about 200 bytes each. */
const MAX_KNOWN = 5000;
const items = instanceMemory(() => new Map<string, TrackerItem | undefined>());

/**
 * Puts an event that the job's item should hear of into the outbox. One session an item keeps them in order; the
 * message id drops an event that the feed brings again soon, the marker in the comment one that it brings later.
 */
export async function echoToTracker(deps: Deps, event: JobEvent): Promise<void> {
  if (newsOf(event) === undefined) return;
  const item = await itemOf(deps, event);
  if (!item) return;
  const { productId, jobId, seq, at, stage, body } = event;
  const message: TrackerPost = {
    post: { productId, item, event: { jobId, seq, at, stage, body }, attempt: 0 },
  };
  await deps.bus.send(TRACKER_OUTBOX, {
    body: message,
    sessionId: sessionOf(item),
    messageId: `${jobId}:${seq}`,
  });
}

/** Session ids are at most 128 characters; the end tells items of one repository apart. */
export const sessionOf = (item: TrackerItem): string =>
  `${item.tracker}:${item.repository}#${item.number}`.slice(-128);

async function itemOf(deps: Deps, event: JobEvent): Promise<TrackerItem | undefined> {
  const known = items(deps);
  if (known.has(event.jobId)) return known.get(event.jobId);
  const { document: job } = await readJob(deps, event);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(event.jobId, job.trackerItem);
  return job.trackerItem;
}
