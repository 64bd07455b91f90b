// Whom an instance lets through by its token, and what it goes by.
import { describe, expect, it } from 'vitest';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { Standing, rotateToken } from '../../../functions/operations/factoryTokens.js';
import type { Documents } from '../../../shared/cloud/documents.js';
import type { Factory } from '../../../shared/contract/fleet.js';
import { FACTORIES, FLEET } from '../../../shared/topology.js';
import { cloudOfTests, makeFactory, makeProduct } from '../fixture.js';

const { cloud, deps } = await cloudOfTests();

async function enrolled(): Promise<FactoryCaller> {
  const { productId } = await makeProduct(deps);
  return makeFactory(deps, productId);
}

/** The factory as it calls with the token that it is given now. */
async function rotated(factory: FactoryCaller): Promise<FactoryCaller> {
  await rotateToken(deps, factory);
  const stored = await deps.documents.read<Factory>(FACTORIES, [FLEET], factory.id);
  return { ...factory, tokenId: stored?.document.tokens[0] ?? '' };
}

/** An instance whose replicas answer the same of every document, whatever was written since. */
const behind = (stored: unknown): Deps => {
  const read = (() => Promise.resolve(stored)) as Documents['read'];
  return { ...deps, documents: { ...deps.documents, read } };
};

describe('an instance that reads a factory as it was before', () => {
  it('lets it through with the token that it was just given', async () => {
    const before = await enrolled();
    const late = behind(await deps.documents.read<Factory>(FACTORIES, [FLEET], before.id));
    await expect(new Standing().require(late, await rotated(before))).resolves.toBeUndefined();
  });

  it('lets one through that was just enrolled', async () => {
    const factory = await enrolled();
    await expect(new Standing().require(behind(undefined), factory)).resolves.toBeUndefined();
  });

  it('refuses a token that was replaced twice, and one whose factory is gone', async () => {
    const before = await enrolled();
    await rotated(await rotated(before));
    await expect(new Standing().require(deps, before)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('replaced by newer ones') as string,
    });
    await deps.documents.remove(FACTORIES, [FLEET], before.id);
    await expect(new Standing().require(deps, before)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('not enrolled') as string,
    });
  });
});

it('an instance asks again ten seconds after it did', async () => {
  const factory = await enrolled();
  const standing = new Standing();
  await standing.require(deps, factory);
  await deps.documents.remove(FACTORIES, [FLEET], factory.id);
  await standing.require(deps, factory);
  cloud.clock.advance(10);
  await expect(standing.require(deps, factory)).rejects.toMatchObject({ code: 'unauthenticated' });
});
