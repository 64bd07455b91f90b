import { CONTROL } from '../../shared/topology.js';
import type { Deps } from './deps.js';

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
}

/** Puts aside what would block everything behind it. Safe to repeat. */
export async function park(
  deps: Deps,
  about: { productId: string; by: string; id: string; what: unknown; error: unknown },
): Promise<void> {
  const { productId, by, id, what, error } = about;
  const text = error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);
  const parked: Parked = {
    id: `parked:${by}:${id}`,
    type: 'parked',
    productId,
    by,
    what,
    error: text,
    at: deps.clock.now(),
  };
  await deps.documents.upsert(CONTROL, parked);
  deps.log('error', 'parked for a person to look at', { id: parked.id, productId, error: text });
}
