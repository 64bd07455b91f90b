import type { ProductSummary } from '../../shared/contract/fleet.js';
import type { RouteInput, RouteResult } from '../../shared/contract/routeTypes.js';
import { CONTROL } from '../../shared/topology.js';
import { visibleProducts, type Caller } from './caller.js';
import type { Deps } from './deps.js';

/** A page of the products that the caller may look at, by id. One more is read than is told: whether there is a next page. */
export async function listProducts(
  deps: Deps,
  caller: Caller,
  { query: { after = '', limit } }: RouteInput<'listProducts'>,
): Promise<RouteResult<'listProducts'>> {
  const visible = visibleProducts(caller);
  const found = await deps.documents.select<ProductSummary>(CONTROL, {
    text: `SELECT TOP ${limit + 1} c.productId, c.name, c.paused FROM c
           WHERE c.type = 'product' AND c.productId > @after
           ${visible === '*' ? '' : 'AND ARRAY_CONTAINS(@visible, c.productId)'}
           ORDER BY c.productId`,
    parameters: { after, ...(visible === '*' ? {} : { visible }) },
  });
  const products = found.slice(0, limit);
  const next = found.length > limit ? products.at(-1)?.productId : undefined;
  return { products, ...(next !== undefined && { next }) };
}
