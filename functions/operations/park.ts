import type { Stored } from '../../shared/cloud/documents.js';
import { CloudError, isCloudError } from '../../shared/cloud/errors.js';
import { after } from '../../shared/rules/leases.js';
import { CONTROL } from '../../shared/topology.js';
import { backOffSeconds } from './backOff.js';
import type { Deps } from './deps.js';

/** Parked events that one turn tries again; the next one goes on. */
const MAX_RETRIES = 50;

/** Something that cannot be worked on, kept for a person to look at. */
export interface Parked {
  readonly id: string;
  readonly type: 'parked';
  readonly productId: string;
  /** The function that gave up. */
  readonly by: string;
  readonly what: unknown;
  readonly error: string;
  readonly at: string;
  /** An event of the feed is tried again from then on; absent where only a person can help. */
  readonly retryAt?: string;
  /** How often it was tried again. */
  readonly retries: number;
}

/**
 * Puts aside what would block everything behind it. Safe to repeat.
 * @param about.isRetried whether it is tried again by itself (events of the feed)
 */
export async function park(
  deps: Deps,
  about: { productId: string; by: string; id: string; what: unknown; error: unknown; isRetried?: boolean },
): Promise<void> {
  const { productId, by, id, what, error, isRetried } = about;
  const text = textOf(error);
  const now = deps.clock.now();
  const parked: Parked = {
    id: `parked:${by}:${id}`,
    type: 'parked',
    productId,
    by,
    what,
    error: text,
    at: now,
    retries: 0,
    ...(isRetried ? { retryAt: retryAt(deps, 0) } : {}),
  };
  await deps.documents.upsert(CONTROL, parked);
  deps.log('error', isRetried ? 'parked, to be tried again' : 'parked for a person to look at', {
    id: parked.id,
    productId,
    error: text,
  });
}

/** Events whose next try is due. */
export const parkedEvents = (deps: Deps): Promise<Stored<Parked>[]> =>
  deps.documents.query<Parked>(CONTROL, {
    text: `SELECT TOP ${MAX_RETRIES} * FROM c WHERE c.type = 'parked' AND c.retryAt <= @now`,
    parameters: { now: deps.clock.now() },
  });

/**
 * After a try: gone when it went through, otherwise put aside for longer. The feed may have parked it anew.
 * @returns whether it is gone
 */
export async function settleParked(
  deps: Deps,
  { document, etag }: Stored<Parked>,
  error?: unknown,
): Promise<boolean> {
  const { id, productId } = document;
  try {
    if (error === undefined) {
      await deps.documents.remove(CONTROL, [productId], id, etag);
      deps.log('info', 'a parked event went through', { id, productId, retries: document.retries + 1 });
      return true;
    }
    const retries = document.retries + 1;
    const isRetried = document.retryAt !== undefined;
    const later = {
      ...document,
      error: textOf(error),
      retries,
      ...(isRetried ? { retryAt: retryAt(deps, retries) } : {}),
    };
    await deps.documents.replace(CONTROL, [productId], later, etag);
  } catch (failure) {
    if (!isCloudError(failure, 'precondition', 'not-found')) throw failure;
  }
  return false;
}

export async function countParked(deps: Deps): Promise<number> {
  const [count] = await deps.documents.select<number>(CONTROL, {
    text: `SELECT VALUE COUNT(1) FROM c WHERE c.type = 'parked'`,
  });
  return count ?? 0;
}

/** A service that is away says nothing about what was to be done with it. */
export const isOutage = (error: unknown): error is CloudError =>
  error instanceof CloudError && (error.kind === 'unavailable' || error.kind === 'throttled');

const retryAt = (deps: Deps, retries: number): string =>
  after(deps.clock.now(), backOffSeconds(retries, deps.chance.random()));

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);
