// The HTTP front: who gets in, and what it answers to what it should not get.
import { connect } from 'node:net';
import { CosmosClient, type Container } from '@azure/cosmos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { startCosmos } from '../../../local/cosmos/server.js';
import { send, signed, startCloud, type Answer, type Cloud } from './fixture.js';

let cloud: Cloud;
let container: Container;

beforeAll(async () => {
  cloud = await startCloud();
  container = await cloud.container();
  await container.items.create({ id: 'one', pk: 'p' });
});
afterAll(() => cloud.close());

describe('authorization', () => {
  it('lets in the holder of the key only', async () => {
    const wrong = new CosmosClient({
      endpoint: cloud.server.endpoint,
      key: Buffer.alloc(64).toString('base64'),
    });
    await expect(wrong.databases.create({ id: 'x' })).rejects.toMatchObject({ code: 401 });
    wrong.dispose();
    for (const authorization of [
      '',
      'nonsense',
      '%',
      'type=master&ver=1.0&sig=',
      'type=resource&ver=1&sig=abc',
      'type=aad&ver=1.0&sig=jwt',
    ])
      expect((await send(cloud.server, 'GET', '/dbs', { authorization })).status).toBe(401);
    expect((await send(cloud.server, 'GET', '/dbs', {})).status).toBe(401);
    expect((await send(cloud.server, 'GET', '/dbs', signed('GET', '/dbs'))).status).toBe(200);
  });

  it('refuses a signature of another request, and one of long ago', async () => {
    expect((await send(cloud.server, 'GET', '/dbs', signed('POST', '/dbs'))).status).toBe(401);
    expect((await send(cloud.server, 'GET', '/dbs', signed('GET', '/dbs/x'))).status).toBe(401);
    const old = new Date(Date.now() - 3_600_000).toUTCString();
    expect((await send(cloud.server, 'GET', '/dbs', signed('GET', '/dbs', old))).status).toBe(403);
    expect((await send(cloud.server, 'GET', '/dbs', signed('GET', '/dbs', 'yesterday'))).status).toBe(403);
  });

  it('lets in an Entra token that the configured check accepts', async () => {
    const server = await startCosmos({ verifyJwt: async (token) => token === 'good' });
    const client = (token: string) =>
      new CosmosClient({
        endpoint: server.endpoint,
        tokenProvider: async () => `type=aad&ver=1.0&sig=${token}`,
      });
    const [good, bad] = [client('good'), client('bad')];
    expect((await good.databases.create({ id: 'x' })).statusCode).toBe(201);
    await expect(bad.databases.create({ id: 'y' })).rejects.toMatchObject({ code: 401 });
    good.dispose();
    bad.dispose();
    await server.close();
  });

  it('has the key of every sample, and a connection string', async () => {
    const client = new CosmosClient(cloud.server.connectionString);
    expect((await client.databases.readAll().fetchAll()).resources.map(({ id }) => id)).toEqual(['test']);
    client.dispose();
  });
});

describe('what does not exist or is not allowed', () => {
  const status = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<number> =>
    (await send(cloud.server, method, path, { ...signed(method, path), ...headers }, body)).status;
  const pk = { 'x-ms-documentdb-partitionkey': '["p"]' };

  it('gets the service’s own error', async () => {
    const docs = `/dbs/test/colls/${container.id}/docs`;
    expect(await status('GET', '/dbs/none')).toBe(404);
    expect(await status('GET', '/nowhere')).toBe(404);
    expect(await status('GET', `${docs}/none`, pk)).toBe(404);
    expect(await status('POST', `${docs}/one`, pk, '{}')).toBe(405);
    expect(await status('PUT', '/dbs', {}, '{}')).toBe(405);
    expect(await status('OPTIONS', '/dbs')).toBe(405);
    expect(await status('POST', '/dbs', {}, '{')).toBe(400);
    expect(await status('POST', '/dbs', {}, '{"id":"a/b"}')).toBe(400);
    expect(await status('POST', '/dbs', {}, '{"id":"test"}')).toBe(409);
    expect(await status('POST', docs, pk, '{"id":1}')).toBe(400);
    expect(await status('POST', docs, {}, '{"id":"x","pk":"p"}')).toBe(400);
    expect(await status('POST', docs, pk, '{"id":"x","pk":"other"}')).toBe(400);
    expect(await status('POST', docs, pk, `"${'x'.repeat(5 * 1024 * 1024)}"`).catch(() => 413)).toBe(413);
    expect(await status('GET', `/dbs/test/colls/${container.id}/sprocs`)).toBe(400);
    expect(await status('GET', '/dbs/%E0%A4%A')).toBe(400);
    expect(await status('POST', '/dbs/test/colls', {}, '{"id":"c"}')).toBe(400);
    expect(await status('POST', '/dbs/test/colls', {}, '{"id":"c","partitionKey":{"paths":["pk"]}}')).toBe(
      400,
    );
    expect(
      await status('POST', '/dbs/test/colls', {}, '{"id":"c","partitionKey":{"paths":["/pk"],"version":1}}'),
    ).toBe(400);
  });

  it('says which: code, message and the reason in words', async () => {
    const { body } = await send(cloud.server, 'GET', '/dbs/none', signed('GET', '/dbs/none'));
    expect(JSON.parse(body)).toEqual({
      code: 'NotFound',
      message: expect.stringContaining('Resource Not Found'),
    });
    const vector = { id: 'v', partitionKey: { paths: ['/pk'] }, vectorEmbeddingPolicy: {} };
    const answer = await send(
      cloud.server,
      'POST',
      '/dbs/test/colls',
      signed('POST', '/dbs/test/colls'),
      JSON.stringify(vector),
    );
    expect(answer.body).toContain('The embedded cloud has no vectorEmbeddingPolicy');
  });

  it('is never a crash: broken HTTP gets 400 and the next request is served', async () => {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(cloud.server.port, '127.0.0.1', () =>
        socket.write('\u0000\u0001 nonsense\r\n\r\n'),
      );
      socket.on('data', (data) => {
        expect(data.toString()).toMatch(/^HTTP\/1.1 400/);
        socket.destroy();
      });
      socket.on('close', () => resolve());
      socket.on('error', reject);
    });
    expect(await status('GET', '/dbs')).toBe(200);
  });
});

describe('request units', () => {
  it('are charged by size and kind', async () => {
    const small = await container.items.create({ id: 'small', pk: 'ru' });
    const large = await container.items.create({ id: 'large', pk: 'ru', x: 'x'.repeat(100_000) });
    expect(small.requestCharge).toBeGreaterThan(4);
    expect(large.requestCharge).toBeGreaterThan(5 * small.requestCharge);
    expect((await container.item('small', 'ru').read()).requestCharge).toBe(1);
    const { requestCharge } = await container.item('large', 'ru').read();
    expect(requestCharge).toBeGreaterThan(6);
    expect(requestCharge).toBeLessThan(10);
    expect(
      (await container.item('small', 'ru').replace({ id: 'small', pk: 'ru' })).requestCharge,
    ).toBeGreaterThan(1.5 * small.requestCharge);
    const query = await container.items.query('SELECT * FROM c', { partitionKey: 'ru' }).fetchAll();
    expect(query.requestCharge).toBeGreaterThan(2);
  });

  it('run out: 429 with the time to wait, in the busy partition only', async () => {
    const clock = new VirtualClock();
    const limited = await startCloud({ ruPerSecond: 100, clock });
    const busy = await limited.container();
    const raw = limited.server.engine.container('test', busy.id);
    const write = (pk: string): void => void raw.execute([pk], { kind: 'upsert', body: { id: 'x', pk } });
    const hot = 'p0';
    const cold = ['p1', 'p2', 'p3', 'p4'].find((pk) => raw.rangeOf([pk]) !== raw.rangeOf([hot]))!;
    let refused: { status: number; details: { retryAfterMs?: number } } | undefined;
    for (let n = 0; n < 20 && !refused; n++)
      try {
        write(hot);
      } catch (error) {
        refused = error as typeof refused;
      }
    expect(refused).toMatchObject({ status: 429 });
    expect(() => write(cold)).not.toThrow();
    const target = `/dbs/test/colls/${busy.id}/docs/x`;
    const answer = await send(limited.server, 'GET', target, {
      ...signed('GET', target),
      'x-ms-documentdb-partitionkey': JSON.stringify([hot]),
    });
    expect(answer).toMatchObject({ status: 429, headers: { 'x-ms-substatus': '3200' } });
    expect(Number(answer.headers['x-ms-retry-after-ms'])).toBe(refused!.details.retryAfterMs);
    clock.advanceBy(refused!.details.retryAfterMs!);
    expect(() => write(hot)).not.toThrow();
    await limited.close();
  });
});

describe('a session token', () => {
  it('ahead of the store is answered with 404/1002, a malformed one with 400', async () => {
    const { headers } = await container.item('one', 'p').read();
    expect(headers['x-ms-session-token']).toMatch(/^[01]:-1#\d+$/);
    expect(headers['x-ms-alt-content-path']).toBe(`dbs/test/colls/${container.id}`);
    const target = `/dbs/test/colls/${container.id}/docs/one`;
    const read = (token: string): Promise<Answer> =>
      send(cloud.server, 'GET', target, {
        ...signed('GET', target),
        'x-ms-documentdb-partitionkey': '["p"]',
        'x-ms-session-token': token,
      });
    expect(await read('0:-1#999999,1:-1#999999')).toMatchObject({
      status: 404,
      headers: { 'x-ms-substatus': '1002' },
    });
    expect((await read('x')).status).toBe(400);
    expect((await read(String(headers['x-ms-session-token']))).status).toBe(200);
  });
});

describe('a client at session consistency', () => {
  it('reads its own writes, and is told when the store it wrote to is gone', async () => {
    const first = await startCosmos();
    const settings = { endpoint: first.endpoint, key: first.key, consistencyLevel: 'Session' as const };
    const client = new CosmosClient({ ...settings, connectionPolicy: { enableEndpointDiscovery: false } });
    const make = async (): Promise<Container> => {
      const { database } = await client.databases.createIfNotExists({ id: 'db' });
      return (await database.containers.createIfNotExists({ id: 'c', partitionKey: { paths: ['/pk'] } }))
        .container;
    };
    const written = await make();
    for (let n = 0; n < 10; n++) await written.items.upsert({ id: 'x', pk: 'p', n });
    expect((await written.item('x', 'p').read()).resource?.n).toBe(9);
    expect(
      (await written.items.query('SELECT VALUE c.n FROM c', { partitionKey: 'p' }).fetchAll()).resources,
    ).toEqual([9]);
    await first.close();
    const second = await startCosmos({
      port: first.port,
      databases: [{ id: 'db', containers: [{ id: 'c', partitionKey: { paths: ['/pk'] } }] }],
    });
    const answer = await written.item('x', 'p').read();
    expect(answer.statusCode).toBe(404);
    client.dispose();
    await second.close();
  });
});

describe('a taken port', () => {
  it('is an error that names it and the cure', async () => {
    await expect(startCosmos({ port: cloud.server.port })).rejects.toThrow(
      `port ${cloud.server.port} is taken: stop what listens there, or choose another`,
    );
  });
});
