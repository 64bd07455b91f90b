import type { Stored } from '../../shared/cloud/documents.js';
import type { ParkedView } from '../../shared/contract/parked.js';
import type { RouteInput, RouteResult } from '../../shared/contract/routeTypes.js';
import { CONTROL } from '../../shared/topology.js';
import { visibleProducts, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import type { Parked } from './park.js';

/** Everything that is parked; the oldest first. */
export async function allParked(deps: Deps): Promise<Stored<Parked>[]> {
  const stored = await deps.documents.query<Parked>(CONTROL, {
    text: `SELECT * FROM c WHERE c.type = 'parked'`,
  });
  return stored.toSorted((one, other) => (one.document.at < other.document.at ? -1 : 1));
}

/** What of the caller's products was put aside, without its content. */
export async function listParked(
  deps: Deps,
  caller: Caller,
  { query }: RouteInput<'listParked'>,
): Promise<RouteResult<'listParked'>> {
  const visible = visibleProducts(caller);
  const parked = (await allParked(deps))
    .map(({ document }) => viewOf(document))
    .filter(({ productId }) => visible === '*' || visible.includes(productId));
  return { parked: parked.slice(0, query.limit), total: parked.length };
}

export const viewOf = ({ id, productId, by, error, at, retryAt, retries }: Parked): ParkedView => ({
  id,
  productId,
  by,
  about: id.slice(`parked:${by}:`.length),
  error: error.split('\n')[0] ?? '',
  at,
  ...(retryAt === undefined ? {} : { retryAt }),
  retries,
});
