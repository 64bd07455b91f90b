/** The products that the person may look at, with and without jobs. */
import { allProducts } from '../../../shared/client/allProducts.js';
import type { ProductSummary } from '../../../shared/contract/fleet.js';
import { useControl } from '../control.js';
import { usePoll, type Poll } from './usePoll.js';

/** Products come and go by an admin's hand. */
const POLL_MS = 60_000;

/** By id, all pages. */
export function useProducts(): Poll<readonly ProductSummary[]> {
  const { client } = useControl();
  return usePoll('products', (signal) => allProducts(client, { signal }), POLL_MS);
}
