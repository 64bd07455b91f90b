// The factory behind a proxy, with certificates of a private authority.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { proxyFetch, proxyFor } from '../../shared/client/proxyFetch.js';
import { certificateFor } from '../support/certificate.js';
import { proxyTo, tlsBefore } from '../support/proxy.js';
import { claimOf, ControlPlane } from './support/controlPlane.js';
import { runOnce } from './support/once.js';
import { createRepository, TemporaryFolder } from './support/repository.js';

/** No name server knows it: only the proxy does. */
const HOST = 'control-plane.test';

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
    ['http://127.0.0.1:7071/', { HTTP_PROXY: 'http://p:1' }, undefined],
    ['http://localhost:7071/', { HTTP_PROXY: 'http://p:1' }, undefined],
    ['https://[::1]:1/', { ALL_PROXY: 'http://p:1' }, undefined],
    ['https://127.0.0.1.a.io/', { HTTPS_PROXY: 'http://p:1' }, 'p:1'],
  ])('%s with %o goes to %s', (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)?.host).toBe(proxy);
  });

  it('says what is no proxy', () => {
    expect(() => proxyFor(new URL('https://a.io'), { HTTPS_PROXY: 'socks5://p:1' })).toThrow('HTTPS_PROXY');
  });
});
