// The HTTP front: who gets in, what it answers to what it should not get, and failures on purpose.
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { CosmosClient, type Container } from '@azure/cosmos';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { CosmosError } from '../../../local/cosmos/errors.js';
import { parseQuery } from '../../../local/cosmos/sql/parser.js';
import { startCosmos, type CosmosServer } from '../../../local/cosmos/server.js';
import { startCloud, type Cloud } from './fixture.js';

/** Requests of the fuzz test; the long run asks for more. */
const FUZZ_RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500);

let cloud: Cloud;
let container: Container;
const logged: string[] = [];
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  cloud = await startCloud({ log: (message) => logged.push(message) });
  container = await cloud.container();
  await container.items.create({ id: 'one', pk: 'p' });
});
afterAll(async () => {
  agent.destroy();
  await cloud.close();
});
afterEach(() => cloud.server.faults.clear());

interface Answer {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}

function send(
  server: CosmosServer,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> {
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: server.port, method, path, headers: { ...headers, ...length }, agent },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Headers with a valid master-key signature. */
function signed(
  method: string,
  path: string,
  date = new Date().toUTCString(),
  key = cloud.server.key,
): Record<string, string> {
  const segments = path
    .split('?')[0]!
    .split('/')
    .filter(Boolean)
    .map((segment) => {
      try {
        return decodeURIComponent(segment);
      } catch {
        return segment;
      }
    });
  const isFeed = segments.length % 2 === 1;
  const type = segments.at(isFeed ? -1 : -2) ?? '';
  const link = (isFeed ? segments.slice(0, -1) : segments).join('/');
  const text =
    `${method}\n${type}\n`.toLowerCase() +
    `${type === 'offers' ? link.toLowerCase() : link}\n${date.toLowerCase()}\n\n`;
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  return { authorization: encodeURIComponent(`type=master&ver=1.0&sig=${signature}`), 'x-ms-date': date };
}

/** Whether an error has the body without which the client breaks. */
function isErrorBody(text: string): boolean {
  const body = JSON.parse(text) as Record<string, unknown>;
  return typeof body['code'] === 'string' && typeof body['message'] === 'string';
}

function outcomeOf(query: string): string {
  try {
    parseQuery(query);
    return 'parsed';
  } catch (error) {
    return error instanceof CosmosError ? `${error.status} ${error.message}` : String(error);
  }
}

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

  it('is never a 500, whatever comes', async () => {
    const json = fc.oneof(fc.json({ maxDepth: 3 }), fc.string({ maxLength: 40 }));
    const docs = `/dbs/test/colls/${container.id}/docs`;
    const path = fc.oneof(
      fc.constantFrom(
        '/',
        '/dbs',
        '/dbs/test',
        '/dbs/test/colls',
        docs,
        docs,
        docs,
        `${docs}/one`,
        `/dbs/test/colls/${container.id}`,
        `/dbs/test/colls/${container.id}/pkranges`,
        '/offers',
        '/$faults',
      ),
      fc.array(fc.webPath({ size: 'small' }), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
    );
    const value = fc.oneof(
      fc.constantFrom(
        'true',
        'True',
        '*',
        '0',
        '-1',
        '5',
        '["p"]',
        '["p","q"]',
        '[{}]',
        '"1"',
        'Incremental Feed',
        'application/query+json',
        '0:-1#999',
      ),
      fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).map((text) => text.trim()),
    );
    const names = [
      'x-ms-documentdb-partitionkey',
      'x-ms-documentdb-partitionkeyrangeid',
      'x-ms-documentdb-isquery',
      'x-ms-cosmos-is-query-plan-request',
      'x-ms-cosmos-is-batch-request',
      'x-ms-cosmos-batch-atomic',
      'x-ms-documentdb-is-upsert',
      'x-ms-continuation',
      'x-ms-max-item-count',
      'x-ms-session-token',
      'if-match',
      'if-none-match',
      'if-modified-since',
      'a-im',
      'content-type',
      'x-ms-start-epk',
      'x-ms-end-epk',
      'prefer',
    ];
    const body = fc.oneof(
      json,
      fc
        .record({
          query: fc.oneof(
            fc.string(),
            fc.constantFrom(
              'SELECT * FROM c',
              'SELECT VALUE COUNT(1) FROM c',
              'SELECT c.x FROM c ORDER BY c.x DESC',
              'SELECT * FROM c WHERE c.a = @a',
            ),
          ),
          parameters: fc.oneof(fc.constant([]), fc.jsonValue()),
        })
        .map((query) => JSON.stringify(query)),
      fc
        .array(
          fc.record(
            {
              operationType: fc.constantFrom('Create', 'Upsert', 'Patch', 'Read', 'Delete', 'Replace', 'Odd'),
              id: fc.string(),
              resourceBody: fc.jsonValue(),
              partitionKey: fc.constantFrom('["p"]', 'x'),
            },
            { requiredKeys: [] },
          ),
          { maxLength: 3 },
        )
        .map((operations) => JSON.stringify(operations)),
    );
    logged.length = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
        path,
        fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5 }),
        body,
        async (method, target, headers, text) => {
          fc.pre(
            !(method === 'DELETE' && !target.includes('docs')) &&
              !(method === 'POST' && target === '/$faults'),
          );
          const answer = await send(
            cloud.server,
            method,
            target,
            { ...signed(method, target), ...headers },
            method === 'GET' ? undefined : text,
          );
          expect(answer.status).toBeLessThan(500);
          expect(answer.status < 400 || isErrorBody(answer.body)).toBe(true);
        },
      ),
      { numRuns: FUZZ_RUNS },
    );
    expect(logged).toEqual([]);
  }, 120_000);

  it('is a syntax error with its place, whatever stands in a query', () => {
    const word = fc.constantFrom(
      'SELECT',
      'VALUE',
      '*',
      'FROM',
      'c',
      'WHERE',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '.',
      ',',
      '=',
      'AND',
      'NOT',
      'IN',
      'BETWEEN',
      'ORDER',
      'BY',
      'GROUP',
      'TOP',
      '1',
      "'a'",
      '@p',
      '-',
      '?',
      ':',
      'COUNT',
      'IS_DEFINED',
      'a',
      '"b"',
      'OFFSET',
      'LIMIT',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(word, { maxLength: 14 }).map((words) => words.join(' ')),
          fc.array(word, { maxLength: 8 }).map((words) => `SELECT * FROM c WHERE ${words.join(' ')}`),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          expect(outcomeOf(text)).toMatch(/^(parsed|400 .*line \d+, column \d+)/s);
        },
      ),
      { numRuns: 5000 },
    );
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

describe('a fault', () => {
  const { add, clear } = { add: (fault: object) => inject('POST', fault), clear: () => inject('DELETE') };
  const inject = (method: string, fault?: object): Promise<Answer> =>
    send(
      cloud.server,
      method,
      '/$faults',
      { 'content-type': 'application/json' },
      fault && JSON.stringify(fault),
    );

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
        cloud.server.faults.judge({ isWrite: true, container: 'c' }).drop ? '1' : '0',
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
});

describe('a taken port', () => {
  it('is an error that names it and the cure', async () => {
    await expect(startCosmos({ port: cloud.server.port })).rejects.toThrow(
      `port ${cloud.server.port} is taken: stop what listens there, or choose another`,
    );
  });
});
