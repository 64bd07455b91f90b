import { describe, expect, it } from 'vitest';
import { listProducts } from '../../../functions/operations/listProducts.js';
import { pauseProduct } from '../../../functions/operations/pauseProduct.js';
import { ADMIN, cloudOfTests, makeProduct, operator } from '../fixture.js';

const { deps } = await cloudOfTests();
const pageOf = (caller = ADMIN, query: { after?: string; limit?: number } = {}) =>
  listProducts(deps, caller, { query: { limit: 100, ...query } });

describe('the list of products', () => {
  it('comes page by page, by id, each product once', async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.push((await makeProduct(deps)).productId);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await pageOf(ADMIN, { limit: 2, ...(after !== undefined && { after }) });
      expect(page.products.length).toBeLessThanOrEqual(2);
      seen.push(...page.products.map(({ productId }) => productId));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(made.toSorted());
  });

  it('has no next page where the last one is just full', async () => {
    const { products } = await pageOf();
    expect((await pageOf(ADMIN, { limit: products.length })).next).toBeUndefined();
  });

  it('shows a person of one product that one, and of its settings its name and whether it is paused', async () => {
    const { productId, name } = await makeProduct(deps);
    await pauseProduct(deps, ADMIN, { params: { productId }, body: { reason: 'release week' } });
    expect(await pageOf(operator('viewer', productId))).toEqual({
      products: [
        { productId, name, paused: { reason: 'release week', since: expect.any(String) as unknown } },
      ],
    });
  });
});
