import type { Deps } from '../operations/deps.js';
import type { FeedOperation } from '../operations/feeds.js';
import { isOutage, park } from '../operations/park.js';
import { readEvent } from '../operations/readEvent.js';

/** An event that fails so often by itself, while every service is there, is put aside. */
const PARK_AFTER = 5;
/** Jobs of one batch that are worked on side by side. */
const CONCURRENCY = 16;

/**
 * Works on one batch of the feed, the events of each job in their order. An event that fails stops those of its job
 * that come after it, and the batch comes again; after some tries it is parked instead, unless a service is away;
 * operations/retryParked.ts tries it again later.
 * @param documents of the jobs' container, as the feed has them; what is no event is left out
 * @param tries how often this batch was tried before
 * @throws the first failure: the batch must come again
 */
export async function workOnBatch(
  deps: Deps,
  { name, operate }: { name: string; operate: FeedOperation },
  documents: readonly unknown[],
  tries: number,
): Promise<void> {
  const lastTry = tries >= PARK_AFTER;
  const failures: unknown[] = [];

  const ofOneJob = async (events: readonly unknown[]): Promise<void> => {
    for (const document of events) {
      try {
        await operate(deps, readEvent(document));
      } catch (error) {
        if (!lastTry || isOutage(error)) {
          failures.push(error);
          return;
        }
        await park(deps, { ...identify(document), by: name, what: document, error, isRetried: true });
      }
    }
  };
  const jobs = byJob(documents);
  await Promise.all(
    Array.from({ length: Math.min(CONCURRENCY, jobs.length) }, async () => {
      for (let events = jobs.shift(); events; events = jobs.shift()) await ofOneJob(events);
    }),
  );
  if (failures.length > 0) throw failures[0];
}

/** Events only, grouped by job and in the order of the feed. */
function byJob(documents: readonly unknown[]): unknown[][] {
  const groups = new Map<string, unknown[]>();
  for (const document of documents) {
    const { type, jobId } = fields(document);
    if (type !== 'event') continue;
    const key = String(jobId as string);
    groups.set(key, [...(groups.get(key) ?? []), document]);
  }
  return [...groups.values()];
}

function identify(document: unknown): { productId: string; id: string } {
  const { productId, jobId, id } = fields(document);
  return { productId: String(productId as string), id: `${String(jobId as string)}:${String(id as string)}` };
}

const fields = (document: unknown): Record<string, unknown> =>
  typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {};
