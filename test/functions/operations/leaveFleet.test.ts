import { describe, expect, it } from 'vitest';
import { drainFactory } from '../../../functions/operations/drainFactory.js';
import { leaveFleet } from '../../../functions/operations/leaveFleet.js';
import { listFactories } from '../../../functions/operations/listFactories.js';
import { ADMIN, claim, cloudOfTests, makeFactory, makeProduct, submit } from '../fixture.js';

const { deps } = await cloudOfTests();

const statusOf = async (factoryId: string) =>
  (await listFactories(deps, ADMIN)).factories.find(({ id }) => id === factoryId)?.status;

describe('a factory that ends', () => {
  it('is offline at once, and online again with its next claim', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    expect(await leaveFleet(deps, factory)).toEqual({ factoryId: factory.id });
    expect(await statusOf(factory.id)).toBe('offline');
    await submit(deps, productId);
    expect(await claim(deps, factory)).toHaveLength(1);
    expect(await statusOf(factory.id)).toBe('online');
  });

  it('stays draining when it was asked to go', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const params = { factoryId: factory.id };
    await drainFactory(deps, ADMIN, { params, body: { reason: 'new disk', undo: false } });
    await leaveFleet(deps, factory);
    expect(await statusOf(factory.id)).toBe('draining');
  });

  it('may be unknown by then', async () => {
    const { productId } = await makeProduct(deps);
    const factory = { ...(await makeFactory(deps, productId)), id: 'gone-already' };
    expect(await leaveFleet(deps, factory)).toEqual({ factoryId: 'gone-already' });
  });
});
