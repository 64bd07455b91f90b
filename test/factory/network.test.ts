// The factory behind a proxy, with certificates of a private authority.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, test } from 'vitest';
import { proxyFetch, proxyFor } from '../../shared/client/proxyFetch.js';
import { certificateFor } from '../support/certificate.js';
import { claimOf, ControlPlane } from './support/controlPlane.js';
import { createRepository, TemporaryFolder } from './support/repository.js';

/** No name server knows it: only the proxy does. */
const HOST = 'control-plane.test';

const listen = async (server: net.Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

/** A proxy that leads every CONNECT to one port, and answers plain requests itself. */
async function proxyTo(target: number, password = '') {
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const isKnown = ({ headers }: http.IncomingMessage): boolean =>
    password === '' ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`;
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(isKnown(request) ? 200 : 407, { 'set-cookie': ['a=1', 'b=2'] }).end('from the proxy');
  });
  server.on('connect', (request, near: net.Socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (!isKnown(request)) return void near.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const far = net.connect(target, '127.0.0.1', () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    for (const socket of [near, far]) {
      socket.on('error', () => {});
      sockets.add(socket);
    }
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** TLS in front of a plain port. */
async function tlsBefore(plain: number, { key, cert }: { key: string; cert: string }) {
  const server = tls.createServer({ key, cert }, (near) => {
    const far = net.connect(plain, '127.0.0.1');
    near.on('error', () => {});
    far.on('error', () => {});
    near.pipe(far).pipe(near);
  });
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  return {
    port,
    [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))),
  };
}

async function runOnce(home: string, env: Record<string, string>) {
  const main = path.resolve('dist/factory/main.js');
  const args = [main, '--name', 'laptop', '--once', '--data', path.join(home, 'data')];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said };
}

test('a factory reaches its control plane through a proxy, with a certificate of a private authority', async () => {
  using home = new TemporaryFolder();
  await using plane = await ControlPlane.start();
  plane.enrolments.add('one-time-token');
  const certificate = certificateFor(HOST);
  const ca = path.join(home.path, 'ca.pem');
  writeFileSync(ca, certificate.cert);
  await using front = await tlsBefore(Number(new URL(plane.url).port), certificate);
  await using proxy = await proxyTo(front.port, 'word');
  const repository = createRepository(home.path);
  const claim = claimOf({ repo: repository.path, body: 'echo two > b' });
  plane.ready.push(claim);
  const env = {
    AQ_FLEET_ROUTE: 'poll',
    GIGAFACTORY_API: `https://${HOST}/api`,
    GIGAFACTORY_ENROLMENT: 'one-time-token',
    HTTPS_PROXY: proxy.url.replace('://', '://ann:word@'),
  };
  const unknown = await runOnce(path.join(home.path, 'a'), env);
  expect([unknown.code, unknown.said]).toEqual([1, expect.stringMatching(/certificate|self.signed/i)]);
  const { code, said } = await runOnce(home.path, { ...env, NODE_EXTRA_CA_CERTS: ca });
  expect([code, said]).toEqual([0, expect.stringContaining('run finished')]);
  expect(plane.run(claim).reports.map(({ kind }) => kind)).toEqual(['started', 'finished']);
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${HOST}:443`]));
  expect(said).not.toContain('word@');
});

describe('fetch through a proxy', () => {
  it('asks for a plain address by its whole name, and gives all of the answer', async () => {
    await using proxy = await proxyTo(1);
    const answer = await proxyFetch({ http_proxy: proxy.url })('http://plain.test/a?b=c', {
      method: 'POST',
      body: 'x',
    });
    expect([answer.status, await answer.text()]).toEqual([200, 'from the proxy']);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(proxy.asked).toEqual(['POST http://plain.test/a?b=c']);
  });

  it('tells that the proxy refuses, and ends when it is told to', async () => {
    await using proxy = await proxyTo(1, 'word');
    const send = proxyFetch({ https_proxy: proxy.url });
    const refused = await send('https://a.test/').catch((error: Error) => error);
    expect(refused).toMatchObject({ cause: { message: expect.stringContaining('407') as unknown } });
    const over = AbortSignal.abort(new Error('enough'));
    await expect(send('https://a.test/', { signal: over })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([
    ['https://a.io/', { HTTPS_PROXY: 'http://p:1' }, 'p:1'],
    ['https://a.io/', { https_proxy: 'p:2', HTTPS_PROXY: 'http://p:1' }, 'p:2'],
    ['http://a.io/', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['http://a.io/', { HTTP_PROXY: 'http://p:1' }, 'p:1'],
    ['https://a.io/', { ALL_PROXY: 'http://p:1' }, 'p:1'],
    ['https://a.io/', { HTTPS_PROXY: '' }, undefined],
    ['https://a.io/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'b.io, a.io' }, undefined],
    ['https://x.a.io/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.a.io' }, undefined],
    ['https://x.a.io/', { HTTPS_PROXY: 'http://p:1', no_proxy: '*.a.io' }, undefined],
    ['https://xa.io/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.io' }, 'p:1'],
    ['https://a.io:8443/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.io:443' }, 'p:1'],
    ['https://a.io/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.io:443' }, undefined],
    ['https://[::1]/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '::1' }, undefined],
    ['https://a.io/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }, undefined],
  ])('%s with %o goes to %s', (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)?.host).toBe(proxy);
  });

  it('says what is no proxy', () => {
    expect(() => proxyFor(new URL('https://a.io'), { HTTPS_PROXY: 'socks5://p:1' })).toThrow('HTTPS_PROXY');
  });
});
