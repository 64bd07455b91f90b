import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteResult } from '../../../shared/contract/routeTypes.js';
import type { Ticket } from '../../../shared/contract/messages.js';
import { CONTROL, JOBS, READY } from '../../../shared/topology.js';
import { retryParked } from '../../../functions/operations/retryParked.js';
import type { Parked } from '../../../functions/operations/park.js';
import { depsOn, detail } from '../fixture.js';
import { context, startTestApp, type TestApp } from '../../support/functionApp.js';

let app: TestApp;
let token: string;
const productId = 'shop';
beforeAll(async () => {
  app = await startTestApp([['admin'], ['viewer'], ['admin.bakery']]);
  token = await app.token('admin');
  const body = { name: 'Shop', defaults: { repo: '/r.git', engine: 'shell' } };
  await app.call('putProduct', { token, params: { productId }, body });
});
afterAll(() => app.close());

async function submitted(): Promise<{ jobId: string; documents: object[] }> {
  const answer = await app.call('submitJob', { token, body: { productId, manifest: { body: 'x' } } });
  const { jobId } = (answer.json() as { job: Ticket['ticket'] }).job;
  const { job, events } = await detail(depsOn(app.cloud), jobId);
  // As the feed has them: with what the database adds.
  const documents = [job, ...events].map((document) => ({ ...document, _ts: 1, _etag: '"x"' }));
  return { jobId, documents };
}

const parked = (): Promise<string[]> =>
  app.cloud.documents.select<string>(CONTROL, {
    text: `SELECT VALUE c.id FROM c WHERE c.type = 'parked'`,
    partition: [productId],
  });
const feed = (documents: object[], retries = 0): Promise<unknown> =>
  app.handler('dispatchReadyJobs')(documents, context('dispatchReadyJobs', retries));

describe('a feed function', () => {
  it('works on events, and on nothing else of the container', async () => {
    const { jobId, documents } = await submitted();
    await app.cloud.documents.remove(READY, ['any'], jobId);
    await feed(documents);
    expect(await app.cloud.documents.read(READY, ['any'], jobId)).toBeDefined();
  });

  it('tries an event again that it cannot work on, then parks it and goes on with the others', async () => {
    const { jobId, documents } = await submitted();
    await app.cloud.documents.remove(READY, ['any'], jobId);
    const poison = { type: 'event', id: 'event:00000001', productId, jobId: 'job-x', what: 'is this' };
    await expect(feed([poison, ...documents])).rejects.toThrow('Invalid');
    expect(await parked()).toEqual([]);
    expect(await app.cloud.documents.read(READY, ['any'], jobId)).toBeDefined();
    await feed([poison, ...documents], 5);
    expect(await parked()).toEqual(['parked:dispatchReadyJobs:job-x:event:00000001']);
  });

  it('tries a parked event again with longer and longer pauses, until it goes through', async () => {
    const { clock, documents: database } = app.cloud;
    const { jobId, documents } = await submitted();
    const [job, event] = documents as [{ jobId: string }, object];
    await database.remove(READY, ['any'], jobId);
    // An event that comes before its job can be read: nothing is wrong with it for ever.
    const early = { ...event, jobId: 'job-00000000000early', prevHash: '' };
    await feed([early], 5);
    const id = 'parked:dispatchReadyJobs:job-00000000000early:event:00000001';
    const read = async () => (await database.read<Parked>(CONTROL, [productId], id))?.document;
    const pauses: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const { retryAt = '', retries } = (await read()) as Parked;
      expect(retries).toBe(turn);
      expect(await retryParked(depsOn(app.cloud))).toBe(0);
      expect((await read())?.retries).toBe(turn);
      pauses.push(Date.parse(retryAt) - Date.parse(clock.now()));
      clock.advance(pauses[turn]! / 1000 + 1);
      expect(await retryParked(depsOn(app.cloud))).toBe(0);
    }
    expect(pauses[1]).toBeGreaterThan(pauses[0]! * 1.3);
    expect(pauses[2]).toBeGreaterThan(pauses[1]! * 1.3);

    await database.create(JOBS, { ...job, id: 'job', jobId: 'job-00000000000early' });
    clock.advance(60);
    expect(await retryParked(depsOn(app.cloud))).toBe(1);
    expect(await read()).toBeUndefined();
    expect(await database.read(READY, ['any'], 'job-00000000000early')).toBeDefined();
  });

  it('shows what it parked, counts it in the health, and tries it again when a person says so', async () => {
    const { jobId, documents } = await submitted();
    const poison = { type: 'event', id: 'event:00000001', productId, jobId: 'job-y', what: 'is this' };
    const early = { ...documents[1], jobId: 'job-0000000000000011', prevHash: '' };
    await app.cloud.documents.remove(READY, ['any'], jobId);
    await feed([poison, early, ...documents], 5);
    expect(await app.cloud.documents.read(READY, ['any'], jobId)).toBeDefined();

    const list = async (as = token) =>
      (await app.call('listParked', { token: as })).json() as RouteResult<'listParked'>;
    const find = async (about: string) => (await list()).parked.find((one) => one.about === about);
    const seen = await find('job-y:event:00000001');
    expect(seen).toMatchObject({ by: 'dispatchReadyJobs', productId, retries: 0 });
    expect(seen?.error).not.toContain('\n');
    const health = (await app.call('getHealth')).json() as RouteResult<'getHealth'>;
    expect(health).toMatchObject({ status: 'ok', parked: (await list()).total });

    const retry = async (body: object, as = token) => app.call('retryParkedNow', { token: as, body });
    // Its job is there now: the pause is not waited for.
    await app.cloud.documents.create(JOBS, { ...documents[0], id: 'job', jobId: 'job-0000000000000011' });
    const id = 'parked:dispatchReadyJobs:job-0000000000000011:event:00000001';
    expect((await retry({ id })).json()).toEqual({ done: [id], parked: [] });
    expect(await find('job-0000000000000011:event:00000001')).toBeUndefined();
    expect((await retry({ id })).status).toBe(404);
    const again = (await retry({ id: seen?.id })).json() as RouteResult<'retryParkedNow'>;
    expect(again).toMatchObject({ done: [], parked: [{ id: seen?.id, retries: 1 }] });

    const [viewer, stranger] = await Promise.all([app.token('viewer'), app.token('admin.bakery')]);
    expect((await list(viewer)).total).toBe((await list()).total);
    expect((await retry({ id: seen?.id }, viewer)).status).toBe(403);
    expect(await list(stranger)).toEqual({ parked: [], total: 0 });
    expect((await retry({ id: seen?.id }, stranger)).status).toBe(404);
    expect((await retry({}, stranger)).json()).toEqual({ done: [], parked: [] });
  });

  it('never parks an event because a service is away', async () => {
    const { documents } = await submitted();
    const before = await parked();
    app.cloud.cosmos.faults.add({ kind: 'refuse', status: 503, on: 'writes', container: READY });
    await expect(feed(documents, 50)).rejects.toMatchObject({ kind: 'unavailable' });
    app.cloud.cosmos.faults.clear();
    expect(await parked()).toEqual(before);
  });
});

describe('a timer', () => {
  it('runs its operations', async () => {
    for (const name of ['reapLeases', 'sweepTickets', 'checkpointAudit', 'retryParked'])
      await expect(app.handler(name)({}, context(name))).resolves.toBeUndefined();
  });
});

describe('a queue function', () => {
  it('throws on a message that is none of ours, so that it ends in the dead-letter queue', async () => {
    for (const name of ['ingestTrackerItem', 'postToTracker'])
      await expect(app.handler(name)({ hello: 1 }, context(name))).rejects.toThrow('Invalid');
  });
});
