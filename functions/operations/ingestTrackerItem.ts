import type { CloudError } from '../../shared/cloud/errors.js';
import type { Product } from '../../shared/contract/fleet.js';
import type { Actor, TrackerItem } from '../../shared/contract/job.js';
import type { TrackerDelivery } from '../../shared/contract/messages.js';
import { AppError, type Problem } from '../../shared/errors.js';
import { validateManifest } from '../../shared/manifest.js';
import { TRACKER_INBOX } from '../../shared/topology.js';
import { tryLater } from './backOff.js';
import type { Deps } from './deps.js';
import { sha256 } from '../../shared/eventChain.js';
import { TrackerError, commentMarker, githubItem } from './githubItems.js';
import { readIssueEvent, type IssueEvent } from './issueEvent.js';
import { isOutage, park } from './park.js';
import { findProduct } from './products.js';
import { submitManifest } from './submitJob.js';

const TRACKER: Actor = { kind: 'tracker', id: 'github' };
/** The label `kind:roadmap` makes a composite of an item; a planner splits it unless it names another profile. */
const COMPOSITE_KIND = 'roadmap';
const PLANNER = 'planner';

type Tracker = NonNullable<Product['tracker']>;

/**
 * Makes a job of a tracker item that asks for one with the product's label. The idempotency key is the item with its
 * content, so deliveries that come twice, or one for each label, make one job. An item that cannot become a job gets
 * a comment that says why.
 */
export async function ingestTrackerItem(deps: Deps, message: TrackerDelivery): Promise<void> {
  try {
    await ingest(deps, message);
  } catch (error) {
    // Given back to the queue, its deliveries would be used up within a minute of an outage.
    if (!isOutage(error)) throw error;
    await postpone(deps, message.delivery, error);
  }
}

async function ingest(deps: Deps, { delivery }: TrackerDelivery): Promise<void> {
  const product = await findProduct(deps, delivery.productId);
  const tracker = product?.tracker;
  const event = readIssueEvent(delivery.payload);
  if (!product || !tracker || !event || !asksForRun(event, tracker)) {
    deps.log('info', 'a tracker delivery asks for no job', { deliveryId: delivery.deliveryId });
    return;
  }
  const item: TrackerItem = {
    tracker: 'github',
    repository: event.repository,
    number: event.number,
    url: event.url,
    ...(event.author === undefined ? {} : { author: event.author }),
  };
  const problems = await submitItem(deps, product, tracker, event, item);
  if (problems.length === 0) return;
  try {
    const about = `refused:${sha256(problems.map(({ message }) => message).join('\n')).slice(0, 16)}`;
    await githubItem(deps, tracker, item).commentOnce(commentMarker(about), refusal(problems, tracker.label));
  } catch (error) {
    if (!(error instanceof TrackerError)) throw error;
    await postpone(deps, delivery, error);
  }
}

function asksForRun(event: IssueEvent, tracker: Tracker): boolean {
  if (event.repository.toLowerCase() !== tracker.repository.toLowerCase()) return false;
  if (event.state !== 'open' || !event.labels.includes(tracker.label)) return false;
  // Other labels, the one of our own progress among them, start nothing.
  if (event.action === 'labeled') return event.addedLabel === tracker.label;
  return event.action === 'opened' || event.action === 'reopened';
}

/** @returns what keeps the item from being a job; empty when it is one now */
async function submitItem(
  deps: Deps,
  product: Product,
  tracker: Tracker,
  event: IssueEvent,
  item: TrackerItem,
): Promise<Problem[]> {
  const refused = refusedEngine(event, product, tracker);
  if (refused) return [refused];
  const parsed = validateManifest(manifestOf(event));
  if (parsed.kind === 'invalid') return parsed.problems;
  try {
    const { job, created } = await submitManifest(deps, {
      product,
      manifest: parsed.manifest,
      given: parsed.given,
      actor: TRACKER,
      trackerItem: item,
    });
    deps.log('info', created ? 'a tracker item became a job' : 'the tracker item is a job already', {
      jobId: job.jobId,
      item: item.url,
    });
    return [];
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid-manifest') return error.detail.problems ?? [];
    throw error;
  }
}

/**
 * Whoever may file an item chooses what runs. An engine by label must therefore be one that the product lists; and
 * `shell`, which runs the item's text as it is, must be listed also where it is the product's own default.
 */
function refusedEngine(event: IssueEvent, product: Product, tracker: Tracker): Problem | undefined {
  const labelled = labelValue(event, 'engine:');
  const listed: readonly string[] = tracker.engines;
  const engine = labelled ?? product.defaults.engine;
  const allowed =
    labelled === undefined ? engine !== 'shell' || listed.includes('shell') : listed.includes(labelled);
  if (allowed) return undefined;
  return {
    path: 'engine',
    message: `items of this product may not choose the engine ${engine ?? ''}`,
    expected: listed.length > 0 ? `one of ${listed.join(', ')}` : 'an item without an engine label',
  };
}

/** Labels that people set on the item decide what the body cannot: engine, priority, profile, kind. */
function manifestOf(event: IssueEvent): Record<string, unknown> {
  const isComposite = labelValue(event, 'kind:') === COMPOSITE_KIND;
  const optional = {
    engine: labelValue(event, 'engine:'),
    priority: labelValue(event, 'priority:'),
    profile: labelValue(event, 'profile:') ?? (isComposite ? PLANNER : undefined),
    kind: isComposite ? 'composite' : undefined,
  };
  const named = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const item = `${event.repository}#${event.number}`;
  const content = { title: event.title, body: event.body, ...named };
  return {
    ...content,
    'tracker-item': item,
    'idempotency-key': `${item}:${sha256(JSON.stringify(content)).slice(0, 32)}`,
  };
}

const labelValue = (event: IssueEvent, prefix: string): string | undefined =>
  event.labels.find((label) => label.startsWith(prefix))?.slice(prefix.length);

const refusal = (problems: readonly Problem[], label: string): string =>
  [
    'This item cannot become a job:',
    '',
    ...problems.map(
      ({ path, message, expected, nearest }) =>
        `- ${path ? `\`${path}\`: ` : ''}${message}` +
        (expected === undefined ? '' : ` (expected ${expected})`) +
        (nearest === undefined ? '' : `; did you mean \`${nearest}\`?`),
    ),
    '',
    `Change the item, then take the label \`${label}\` off and add it again: it is then looked at once more.`,
  ].join('\n');

async function postpone(
  deps: Deps,
  delivery: TrackerDelivery['delivery'],
  error: TrackerError | CloudError,
): Promise<void> {
  const { productId, deliveryId, attempt } = delivery;
  if (error instanceof TrackerError && !error.passing) {
    await park(deps, { productId, by: 'ingestTrackerItem', id: deliveryId, what: delivery, error });
    return;
  }
  deps.log('warn', 'a service is away; trying later', { deliveryId, attempt, error: error.message });
  const again: TrackerDelivery = { delivery: { ...delivery, attempt: attempt + 1 } };
  await tryLater(
    deps,
    TRACKER_INBOX,
    { body: again, messageId: deliveryId },
    attempt,
    error instanceof TrackerError ? error.retryAfterSeconds : undefined,
  );
}
