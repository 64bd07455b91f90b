import type { Product } from '../../shared/contract/fleet.js';
import { AppError } from '../../shared/errors.js';
import { CONTROL, FLEET } from '../../shared/topology.js';
import type { Deps } from './deps.js';

export async function findProduct(deps: Deps, productId: string): Promise<Product | undefined> {
  return (await deps.documents.read<Product>(CONTROL, [productId], 'product'))?.document;
}

/** @throws AppError not-found */
export async function readProduct(deps: Deps, productId: string): Promise<Product> {
  const product = await findProduct(deps, productId);
  if (product) return product;
  throw new AppError('not-found', `there is no product ${productId}; an admin creates it`, { productId });
}

/** @throws AppError invalid-request for the name that is kept for the fleet's own documents */
export function refuseReserved(productId: string): void {
  if (productId !== FLEET) return;
  throw new AppError('invalid-request', `the product id ${FLEET} is reserved`, {
    problems: [{ path: 'productId', message: `${FLEET} is reserved for the fleet's own documents` }],
  });
}
