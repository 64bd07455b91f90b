import { isCloudError } from '../../shared/cloud/errors.js';
import type { Product } from '../../shared/contract/fleet.js';
import { CONTROL } from '../../shared/topology.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { readProduct } from './products.js';
import { sweepSoon } from './sweepTickets.js';

/**
 * Stops the claims of a product and of no other; what runs goes on.
 * @throws AppError forbidden, not-found
 */
export async function pauseProduct(
  deps: Deps,
  caller: Caller,
  { params: { productId }, body }: { params: { productId: string }; body: { reason: string } },
): Promise<Product> {
  requireRole(caller, 'operator', productId);
  await readProduct(deps, productId);
  const paused = { reason: body.reason, since: deps.clock.now() };
  const stored = await deps.documents.patch<Product>(CONTROL, [productId], 'product', [
    { op: 'set', path: '/paused', value: paused },
  ]);
  return stored.document;
}

/**
 * Lets a paused product go on. One that is not paused stays as it is.
 * @throws AppError forbidden, not-found
 */
export async function resumeProduct(
  deps: Deps,
  caller: Caller,
  { params: { productId } }: { params: { productId: string } },
): Promise<Product> {
  requireRole(caller, 'operator', productId);
  const product = await readProduct(deps, productId);
  if (!product.paused) return product;
  try {
    // What is not there cannot be removed: without the condition a second one to resume would be a bad request.
    await deps.documents.patch<Product>(
      CONTROL,
      [productId],
      'product',
      [{ op: 'remove', path: '/paused' }],
      'FROM c WHERE IS_DEFINED(c.paused)',
    );
  } catch (error) {
    if (!isCloudError(error, 'precondition')) throw error;
  }
  await sweepSoon(deps);
  return readProduct(deps, productId);
}
