import type { Client, CallOptions } from '../client.js';
import type { ProductSummary } from '../contract/fleet.js';

/** Every product that the caller may look at, by id: all pages of the list. */
export async function allProducts(
  client: Pick<Client, 'listProducts'>,
  options?: CallOptions,
): Promise<ProductSummary[]> {
  const products: ProductSummary[] = [];
  let after: string | undefined;
  do {
    const page = await client.listProducts({ query: after === undefined ? {} : { after } }, options);
    products.push(...page.products);
    after = page.next;
  } while (after !== undefined);
  return products;
}
