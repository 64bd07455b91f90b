import { describe, expect, it } from 'vitest';
import { drainFactory } from '../../../functions/operations/drainFactory.js';
import { listFactories } from '../../../functions/operations/listFactories.js';
import { renewLease } from '../../../functions/operations/renewLease.js';
import {
  ADMIN,
  claim,
  claimOne,
  cloudOfTests,
  makeFactory,
  makeProduct,
  operator,
  submit,
} from '../fixture.js';

const { deps } = await cloudOfTests();

const drain = (factoryId: string, undo = false, caller = ADMIN) =>
  drainFactory(deps, caller, { params: { factoryId }, body: { reason: 'new disk', undo } });
const statusOf = async (factoryId: string) =>
  (await listFactories(deps, ADMIN)).factories.find(({ id }) => id === factoryId)?.status;

describe('a factory that is asked to go away', () => {
  it('gets nothing more, hears of it with its next renewal, and stays draining', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    await submit(deps, productId);
    const { job, run } = await claimOne(deps, factory);
    await submit(deps, productId);
    expect(await drain(factory.id)).toEqual({ factoryId: factory.id, jobs: [job.jobId] });
    expect(await claim(deps, factory)).toEqual([]);
    const params = { jobId: job.jobId, epoch: run.epoch };
    expect((await renewLease(deps, factory, { params, body: { running: 1 } })).directives).toEqual(['drain']);
    expect(await statusOf(factory.id)).toBe('draining');
    const other = await makeFactory(deps, productId);
    expect(await claim(deps, other)).toHaveLength(1);
  });

  it('may have work again when that is undone', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    await submit(deps, productId);
    await drain(factory.id);
    await drain(factory.id, true);
    expect(await statusOf(factory.id)).toBe('online');
    expect(await claim(deps, factory)).toHaveLength(1);
  });

  it('is asked by an operator of all that it serves, and the record says by whom and why', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    await expect(drain(factory.id, false, operator('viewer', productId))).rejects.toMatchObject({
      code: 'forbidden',
    });
    await expect(drain('nobody')).rejects.toMatchObject({ code: 'not-found' });
    await drain(factory.id, false, operator('operator', productId, 'olga'));
    const records = await deps.documents.select('fleet_control', {
      text: `SELECT c.action, c.reason, c.actor.id FROM c WHERE c.type = 'audit' AND c.factoryId = @id`,
      parameters: { id: factory.id },
    });
    expect(records).toEqual([{ action: 'drain', reason: 'new disk', id: 'olga' }]);
  });
});
