import type { Product } from '../../shared/contract/fleet.js';
import { CONTROL } from '../../shared/topology.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { refuseReserved } from './products.js';

/**
 * Creates or replaces a product.
 * @throws AppError forbidden, invalid-request for the reserved id
 */
export async function putProduct(
  deps: Deps,
  caller: Caller,
  { params, body }: { params: { productId: string }; body: Omit<Product, 'id' | 'type' | 'productId'> },
): Promise<Product> {
  refuseReserved(params.productId);
  requireRole(caller, 'admin', params.productId);
  const product: Product = { ...body, id: 'product', type: 'product', productId: params.productId };
  return (await deps.documents.upsert(CONTROL, product)).document;
}
