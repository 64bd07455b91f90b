import { expect, test } from 'vitest';
import { createEnrolment } from '../../../functions/operations/createEnrolment.js';
import { enrolFactory } from '../../../functions/operations/enrolFactory.js';
import { revokeFactory } from '../../../functions/operations/factoryTokens.js';
import type { Deps } from '../../../functions/operations/deps.js';
import { poolQueueName } from '../../../shared/topology.js';
import { drain } from '../../support/queues.js';
import { ADMIN, claim, cloudOfTests, makeFactory, makeProduct, submit } from '../fixture.js';

const { cloud, deps } = await cloudOfTests();
const QUEUE = poolQueueName('any');

async function enrol(of: Deps, productId: string, name: string) {
  const { enrolmentToken } = await createEnrolment(of, ADMIN, {
    body: { products: [productId], expiresInSeconds: 60 },
  });
  const descriptor = { name, advertises: ['os:linux', 'engine:shell'], stations: 1, agentVersion: '1' };
  return enrolFactory(of, ADMIN, { body: { enrolmentToken, descriptor } });
}

const ticketsOf = async (jobId: string): Promise<number> =>
  (await cloud.bus.waiting(QUEUE, 500)).filter((id) => id.startsWith(`${jobId}.`)).length;

test('a factory that enrols is rung for the jobs that waited for it, at once and once', async () => {
  const { productId } = await makeProduct(deps);
  const other = await makeFactory(deps, productId);
  const { jobId } = await submit(deps, productId, { targetFactoryId: 'mac-mini' });
  const early = await submit(deps, productId, { targetFactoryId: 'later' });
  // Another factory follows the tickets, and may take neither job.
  expect(await drain(cloud, QUEUE, { sessions: true })).toHaveLength(2);
  expect(await claim(deps, other, 4)).toEqual([]);
  expect(await ticketsOf(jobId)).toBe(0);
  const { factoryId, pools } = await enrol(deps, productId, 'mac-mini');
  expect(await ticketsOf(jobId)).toBe(1);
  await enrol(deps, productId, 'another');
  expect(await ticketsOf(jobId)).toBe(1);
  const self = { kind: 'factory', id: factoryId, tokenId: 't', pools, products: [productId] } as const;
  const claims = await claim(deps, self, 4);
  expect(claims.map(({ job }) => job.jobId)).toEqual([jobId]);
  expect(early.stage).toBe('queued');
});

test('enrols although the bus is away: the sweeper rings later', async () => {
  const { productId } = await makeProduct(deps);
  const { jobId } = await submit(deps, productId, { targetFactoryId: 'deaf' });
  await drain(cloud, QUEUE, { sessions: true });
  const away = (): Promise<never> => Promise.reject(new Error('the bus is away'));
  const cut = { ...deps, bus: { ...deps.bus, send: away, waiting: away } };
  expect(await enrol(cut, productId, 'deaf')).toMatchObject({ factoryId: 'deaf' });
  expect(await ticketsOf(jobId)).toBe(0);
});

test('comes in once, under its own name, when the answers of the database are lost', async () => {
  const { productId } = await makeProduct(deps);
  const { documents } = deps;
  // What the client does then: it writes again.
  const twice: Deps = {
    ...deps,
    documents: {
      ...documents,
      create: async (...call) => {
        await documents.create(...call);
        return documents.create(...call);
      },
      upsert: async (...call) => {
        await documents.upsert(...call);
        return documents.upsert(...call);
      },
    },
  };
  expect(await enrol(twice, productId, 'unlucky')).toMatchObject({ factoryId: 'unlucky' });
  const { factoryId } = await enrol(twice, productId, 'unlucky');
  expect(factoryId).toMatch(/^unlucky-[0-9a-f]{4}$/);
  const input = { params: { factoryId }, body: { reason: 'sold' } };
  expect(await revokeFactory(twice, ADMIN, input)).toEqual({ factoryId, requeued: [] });
});
