// The host's way to its worker, against a server with Node's own defaults, as the library's is.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { forward, workerAgent } from '../../../../local/host/http/stream.js';

/** Longer than an idle connection is kept, shorter than the worker's server keeps it (ms). */
const PAUSE_MS = 4_500;

const agent = workerAgent();
let connections = 0;
const worker = http.createServer((request, response) => {
  response.write('begun,');
  setTimeout(() => response.end('ended'), request.url === '/slow' ? PAUSE_MS : 0);
});
worker.on('connection', () => (connections += 1));
const outcomes: string[] = [];
const front = http.createServer((request, response) => {
  const { port } = worker.address() as AddressInfo;
  const streamUrl = `http://127.0.0.1:${port}`;
  const invocationId = String(outcomes.length);
  const { done } = forward({ request, response, streamUrl, invocationId, agent, limit: 1000 });
  void done.then((outcome) => outcomes.push(outcome));
});

beforeAll(() =>
  Promise.all([worker, front].map((server) => once(server.listen(0, '127.0.0.1'), 'listening'))),
);
afterAll(() => {
  agent.destroy();
  for (const server of [front, worker]) {
    server.close();
    server.closeAllConnections();
  }
});

const get = async (path: string): Promise<string> => {
  const { port } = front.address() as AddressInfo;
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
};

it('uses a connection again, gives an idle one up before the worker does, and cuts no answer that pauses', async () => {
  await get('/');
  await get('/');
  expect(connections).toBe(1);
  await wait(PAUSE_MS);
  expect(await get('/')).toBe('begun,ended');
  expect(connections).toBe(2);
  expect(await get('/slow')).toBe('begun,ended');
  await expect.poll(() => outcomes).toEqual(['answered', 'answered', 'answered', 'answered']);
});
