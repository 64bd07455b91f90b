import type { RouteInput, RouteResult } from '../../shared/contract/routeTypes.js';
import { TrackerDeliverySchema, TrackerPostSchema } from '../../shared/contract/messages.js';
import type { Stored } from '../../shared/cloud/documents.js';
import { AppError } from '../../shared/errors.js';
import { hasRole, requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { FEEDS } from './feeds.js';
import { ingestTrackerItem } from './ingestTrackerItem.js';
import { allParked, viewOf } from './listParked.js';
import { isOutage, parkedEvents, settleParked, type Parked } from './park.js';
import { postToTracker } from './postToTracker.js';
import { readEvent } from './readEvent.js';

/** How what was parked is worked on once more, by the function that parked it. */
const RETRIES: ReadonlyMap<string, (deps: Deps, what: unknown) => Promise<void>> = new Map([
  ...Object.entries(FEEDS).map(
    ([name, operate]) => [name, (deps: Deps, what: unknown) => operate(deps, readEvent(what))] as const,
  ),
  [
    'postToTracker',
    (deps: Deps, what: unknown) => postToTracker(deps, { post: TrackerPostSchema.shape.post.parse(what) }),
  ],
  [
    'ingestTrackerItem',
    (deps: Deps, what: unknown) =>
      ingestTrackerItem(deps, { delivery: TrackerDeliverySchema.shape.delivery.parse(what) }),
  ],
]);

/**
 * Tries events again that a feed function put aside, each with a longer pause than before and without end: what one
 * cannot be worked on may be repaired by the next release, and no event is ever skipped.
 * @returns how many went through
 */
export async function retryParked(deps: Deps): Promise<number> {
  let done = 0;
  for (const parked of await parkedEvents(deps)) if (await retry(deps, parked)) done += 1;
  return done;
}

/**
 * Tries parked documents again for a person who has repaired their cause, without waiting for the pause.
 * @throws AppError not-found, forbidden; unavailable when a service is away
 */
export async function retryParkedNow(
  deps: Deps,
  caller: Caller,
  { body: { id } }: RouteInput<'retryParkedNow'>,
): Promise<RouteResult<'retryParkedNow'>> {
  const all = await allParked(deps);
  const seen = all.filter(({ document }) => hasRole(caller, 'viewer', document.productId));
  const named = seen.filter(({ document }) => document.id === id);
  if (id !== undefined) {
    const [first] = named;
    if (!first)
      throw new AppError('not-found', `nothing is parked as ${id}; aq parked lists what is`, { id });
    requireRole(caller, 'operator', first.document.productId);
  }
  const chosen = id === undefined ? seen : named;
  const done: string[] = [];
  for (const parked of chosen) {
    if (!hasRole(caller, 'operator', parked.document.productId)) continue;
    if (await retry(deps, parked)) done.push(parked.document.id);
  }
  const tried = new Set(chosen.map(({ document }) => document.id));
  const left = (await allParked(deps)).filter(({ document }) => tried.has(document.id));
  return { done, parked: left.map(({ document }) => viewOf(document)) };
}

/** @returns whether it went through and is parked no more */
async function retry(deps: Deps, parked: Stored<Parked>): Promise<boolean> {
  const { by, what } = parked.document;
  try {
    const operate = RETRIES.get(by);
    if (!operate) throw new Error(`there is no function ${by} any more`);
    await operate(deps, what);
  } catch (error) {
    if (isOutage(error)) throw error;
    await settleParked(deps, parked, error);
    return false;
  }
  return settleParked(deps, parked);
}
