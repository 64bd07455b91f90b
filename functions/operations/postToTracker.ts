import type { TrackerPost } from '../../shared/contract/messages.js';
import { AppError, assertExhaustive } from '../../shared/errors.js';
import { TRACKER_OUTBOX } from '../../shared/topology.js';
import { tryLater } from './backOff.js';
import type { Deps } from './deps.js';
import { sessionOf } from './echoToTracker.js';
import { TrackerError, commentMarker, githubItem, type GithubItem } from './githubItems.js';
import { readJob } from './jobStore.js';
import { isOutage, park } from './park.js';
import { readProduct } from './products.js';
import { commentFor, newsOf, type ItemChange } from './trackerComment.js';

const IN_PROGRESS = 'status:in-progress';

/**
 * Tells an item what happened to its job: a comment, and its state. Everything in it may be repeated, since the
 * queue delivers at least once. A tracker or a store that is away delays it: given back to the queue, its deliveries
 * would be used up within a minute. A tracker that refuses for good has it parked.
 */
export async function postToTracker(deps: Deps, { post }: TrackerPost): Promise<void> {
  const id = `${post.event.jobId}:${post.event.seq}`;
  try {
    await tell(deps, post, id);
  } catch (error) {
    const isAway = isOutage(error) || (error instanceof TrackerError && error.passing);
    if (!isAway && !(error instanceof TrackerError) && !isGone(error)) throw error;
    if (!isAway) {
      await park(deps, { productId: post.productId, by: 'postToTracker', id, what: post, error });
      return;
    }
    deps.log('warn', 'a service is away; trying later', {
      id,
      attempt: post.attempt,
      error: error.message,
    });
    const again: TrackerPost = { post: { ...post, attempt: post.attempt + 1 } };
    await tryLater(
      deps,
      TRACKER_OUTBOX,
      { body: again, messageId: id, sessionId: sessionOf(post.item) },
      post.attempt,
      error instanceof TrackerError ? error.retryAfterSeconds : undefined,
    );
  }
}

const isGone = (error: unknown): error is AppError => error instanceof AppError && error.code === 'not-found';

async function tell(deps: Deps, post: TrackerPost['post'], id: string): Promise<void> {
  const { tracker } = await readProduct(deps, post.productId);
  if (!tracker) throw new AppError('not-found', `product ${post.productId} has no tracker any more`);
  const { document: job } = await readJob(deps, { productId: post.productId, jobId: post.event.jobId });
  const text = commentFor(post, job);
  if (text === undefined) return;
  const item = githubItem(deps, tracker, post.item);
  await item.commentOnce(commentMarker(id), text);
  await setState(item, newsOf(post.event) ?? 'none');
}

async function setState(item: GithubItem, change: ItemChange): Promise<void> {
  switch (change) {
    case 'start':
      await item.addLabel(IN_PROGRESS);
      return;
    case 'stop':
      await item.removeLabel(IN_PROGRESS);
      return;
    case 'close':
      await item.removeLabel(IN_PROGRESS);
      await item.close();
      return;
    case 'none':
      return;
    default:
      assertExhaustive(change);
  }
}
