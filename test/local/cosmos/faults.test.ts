// Failures on purpose, as the real client meets them.
import { ChangeFeedStartFrom, type Container } from '@azure/cosmos';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cosmosFaults } from '../../../local/faultRequest.js';
import { drain } from '../../conformance/cosmos/fixture.js';
import { send, signed, startCloud, type Answer, type Cloud } from './fixture.js';

let cloud: Cloud;
let container: Container;

beforeAll(async () => {
  cloud = await startCloud();
  container = await cloud.container();
  await container.items.create({ id: 'one', pk: 'p' });
});
afterAll(() => cloud.close());
afterEach(() => cloud.server.faults.clear());

describe('a fault', () => {
  const { add, clear } = { add: (fault: object) => inject('POST', fault), clear: () => inject('DELETE') };
  const inject = (method: string, fault?: object): Promise<Answer> =>
    send(cloud.server, method, '/$faults', signed(method, '/$faults'), fault && JSON.stringify(fault));

  it('throttles, and the client comes through by waiting', async () => {
    await add({ kind: 'refuse', status: 429, times: 3, retryAfterMs: 5 });
    const { headers } = await container.items.upsert({ id: 'patient', pk: 'p' });
    expect(headers['x-ms-throttle-retry-count']).toBe(3);
    expect(cloud.server.faults.active).toEqual([]);
  });

  it('refuses writes with 449 or 503, which the client hands to the caller', async () => {
    await add({ kind: 'refuse', status: 449, on: 'writes', times: 1 });
    expect((await container.item('one', 'p').read()).statusCode).toBe(200);
    await expect(container.items.upsert({ id: 'one', pk: 'p' })).rejects.toMatchObject({ code: 449 });
    await add({ kind: 'refuse', status: 503, on: 'writes', times: 1 });
    await expect(container.items.upsert({ id: 'one', pk: 'p' })).rejects.toMatchObject({ code: 503 });
    expect((await container.items.upsert({ id: 'one', pk: 'p' })).statusCode).toBe(200);
  });

  it('loses the answer of a write that was made', async () => {
    await add({ kind: 'loseAck', on: 'writes', times: 1, container: container.id });
    const options = { method: 'POST', path: `/dbs/test/colls/${container.id}/docs` };
    const lost = send(
      cloud.server,
      options.method,
      options.path,
      { ...signed(options.method, options.path), 'x-ms-documentdb-partitionkey': '["p"]' },
      '{"id":"lost","pk":"p"}',
    );
    await expect(lost).rejects.toThrow(/hang up|ECONNRESET/);
    expect((await container.item('lost', 'p').read()).statusCode).toBe(200);
  });

  it('drops a connection before anything is done, and delays', async () => {
    await add({ kind: 'drop', times: 1 });
    const target = `/dbs/test/colls/${container.id}/docs`;
    await expect(send(cloud.server, 'DELETE', target, signed('DELETE', target))).rejects.toThrow(
      /hang up|ECONNRESET/,
    );
    await add({ kind: 'delay', ms: 30, times: 1 });
    const began = performance.now();
    expect((await send(cloud.server, 'GET', target, signed('GET', target))).status).toBe(200);
    expect(cloud.server.faults.active).toEqual([]);
    expect(performance.now() - began).toBeGreaterThan(25);
  });

  it('hits a share of requests, the same ones for the same seed', () => {
    const hits = (seed: number): string => {
      cloud.server.faults.seed(seed);
      return Array.from({ length: 50 }, () =>
        cloud.server.faults.judge({ isWrite: true, isFeed: false, container: 'c' }).drop ? '1' : '0',
      ).join('');
    };
    cloud.server.faults.add({ kind: 'drop', rate: 0.3 });
    expect(hits(7)).toBe(hits(7));
    expect(hits(7)).not.toBe(hits(8));
    expect(hits(7).split('1').length - 1).toBeGreaterThan(5);
    expect(hits(7).split('1').length - 1).toBeLessThan(30);
  });

  it('is refused if it is no fault, listed, and cleared', async () => {
    expect((await add({ kind: 'refuse', status: 200 })).status).toBe(400);
    expect((await add({ kind: 'delay' })).status).toBe(400);
    await add({ kind: 'loseAck', times: 2 });
    expect(JSON.parse((await inject('GET')).body)).toEqual({ faults: [{ kind: 'loseAck', times: 2 }] });
    await clear();
    expect(cloud.server.faults.active).toEqual([]);
  });

  it('is taken from the holder of the key alone', async () => {
    const json = { 'content-type': 'application/json' };
    const drop = '{"kind":"drop"}';
    for (const headers of [json, { ...json, ...signed('POST', '/$faults', undefined, 'b3RoZXI=') }])
      expect((await send(cloud.server, 'POST', '/$faults', headers, drop)).status).toBe(401);
    expect((await send(cloud.server, 'DELETE', '/$faults', json)).status).toBe(401);
    expect(cloud.server.faults.active).toEqual([]);
    const ask = async (method: 'POST' | 'DELETE', body?: string): Promise<number> => {
      const { url, headers } = cosmosFaults(cloud.server.connectionString, method);
      return (await fetch(url, { method, headers, ...(body !== undefined && { body }) })).status;
    };
    expect(await ask('POST', '{"kind":"loseAck","times":1}')).toBe(200);
    expect(cloud.server.faults.active).toHaveLength(1);
    expect(await ask('DELETE')).toBe(200);
    expect(cloud.server.faults.active).toEqual([]);
  });

  it('repeats a batch of the change feed, which is at-least-once', async () => {
    const changes = await cloud.container();
    for (let n = 0; n < 4; n++) await changes.items.create({ id: `${n}`, pk: 'p', n });
    const start = ChangeFeedStartFrom.Beginning('p');
    const first = await drain<{ n: number }>(changes, { changeFeedStartFrom: start });
    await changes.items.create({ id: '4', pk: 'p', n: 4 });
    await add({ kind: 'repeatFeed', changes: 2, times: 1 });
    const { documents } = await drain<{ n: number }>(changes, {
      changeFeedStartFrom: ChangeFeedStartFrom.Continuation(first.continuation),
    });
    expect(documents.map(({ n }) => n)).toEqual([2, 3, 4]);
  });

  it('skews the clock: items expire before their time', async () => {
    const mortal = await cloud.container({ defaultTtl: 60 });
    await mortal.items.create({ id: 'x', pk: 'p' });
    await add({ skewClockMs: 61_000 });
    expect((await mortal.item('x', 'p').read()).statusCode).toBe(404);
    await clear();
  });
});
