import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type Client } from '../../shared/client.js';
import { AppError } from '../../shared/errors.js';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  authorization: string | undefined;
  body: string;
}

let server: Server;
let client: Client;
let answer: (response: ServerResponse, seen: Seen) => void;
const seen: Seen[] = [];

beforeAll(async () => {
  server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, authorization: headers.authorization, body });
      answer(response, seen.at(-1) as Seen);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = createClient({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    token: async () => 't',
  });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen.length = 0;
});

const json = (status: number, body: object) => (response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const params = { jobId: 'job-0123456789abcdef', epoch: 2 };

describe('the client', () => {
  it('sends what the route table says', async () => {
    answer = json(200, { jobs: [] });
    expect(await client.listJobs({ query: { stage: 'queued' } })).toEqual({ jobs: [] });
    await client.appendLog({ params, query: { offset: 3, end: true }, body: new TextEncoder().encode('hi') });
    await client.submitJob({ body: { productId: 'shop', text: 'x' } });
    expect(seen).toEqual([
      { method: 'GET', url: '/api/fleet/jobs?stage=queued', authorization: 'Bearer t', body: '' },
      {
        method: 'POST',
        url: '/api/fleet/jobs/job-0123456789abcdef/runs/2/log?offset=3&end=true',
        authorization: 'Bearer t',
        body: 'hi',
      },
      {
        method: 'POST',
        url: '/api/fleet/jobs',
        authorization: 'Bearer t',
        body: '{"productId":"shop","text":"x"}',
      },
    ]);
  });

  it('throws the error that the service told, with all its facts', async () => {
    const problems = [{ path: 'engine', message: 'no', line: 2 }];
    answer = json(400, {
      code: 'invalid-manifest',
      title: 'bad',
      status: 400,
      type: 'x',
      problems,
      legal: ['ship'],
    });
    const error = await client
      .submitJob({ body: { productId: 'p1', text: '' } })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      code: 'invalid-manifest',
      message: 'bad',
      detail: { problems, legal: ['ship'] },
    });
  });

  it('tells from the status what a proxy means', async () => {
    answer = (response) => response.writeHead(502).end('<html>bad gateway</html>');
    await expect(client.claimJobs({ body: { pool: 'any', stations: 1, running: 0 } })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('asks again for what it only reads, and never repeats a write', async () => {
    answer = (response) =>
      seen.length < 3 ? response.writeHead(503).end() : json(200, { factories: [] })(response);
    expect(await client.listFactories()).toEqual({ factories: [] });
    expect(seen).toHaveLength(3);
    seen.length = 0;
    await expect(client.shipJob({ params })).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toHaveLength(1);
  });

  it('says where nobody answers', async () => {
    const away = createClient({ baseUrl: 'http://127.0.0.1:9/api', token: 't' });
    await expect(away.shipJob({ params })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('http://127.0.0.1:9') as string,
    });
  });

  it('stops when it is told to, also between two tries', async () => {
    answer = (response) => response.writeHead(503).end();
    const stop = new AbortController();
    const call = client.getHealth({}, { signal: stop.signal });
    stop.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  });
});
