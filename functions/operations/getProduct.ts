import type { Product } from '../../shared/contract/fleet.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { readProduct } from './products.js';

/** @throws AppError forbidden, not-found */
export async function getProduct(
  deps: Deps,
  caller: Caller,
  { params }: { params: { productId: string } },
): Promise<Product> {
  requireRole(caller, 'viewer', params.productId);
  return readProduct(deps, params.productId);
}
