// The Functions host with the sample-style app in test/local/host/fixtures/commonjs: in the embedded host, or where
// CONFORMANCE_FUNCTIONS_URL says it is deployed (docs/embedded-cloud.md), with a host key in
// CONFORMANCE_FUNCTIONS_KEY and the settings GREETING=ahoy and TIMER_SCHEDULE.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type Host } from '../../../local/host/host.js';
import { fixtureDir } from '../../local/host/fixture.js';
import { realService } from '../environment.js';

const real = realService('CONFORMANCE_FUNCTIONS_URL');
const hostKey = realService('CONFORMANCE_FUNCTIONS_KEY') ?? 'host-key';

let host: Host | undefined;
beforeAll(async () => {
  if (real) return;
  const settings = { TIMER_SCHEDULE: '0 0 0 1 1 *', GREETING: 'ahoy' };
  host = await startHost({ appDir: fixtureDir('commonjs'), settings, hostKeys: [hostKey] });
});
afterAll(() => host?.close());

const get = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`${host?.url ?? real}/api${path}`, init);

describe('an HTTP function', () => {
  // The function's name is its route by default, below the prefix "api"; methods are those it lists.
  // https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger
  it('answers at its name, GET and POST', async () => {
    expect(await (await get('/hello?name=Ada')).text()).toBe('Hello, Ada!');
    expect(await (await get('/hello', { method: 'POST', body: 'Grace' })).text()).toBe('Hello, Grace!');
  });

  // HttpRequest: method, params (decoded), query, headers and body; HttpResponseInit: status, headers, cookies, JSON.
  // https://learn.microsoft.com/azure/azure-functions/functions-reference-node#http-request
  it('gets the request whole and answers with status, headers and cookies', async () => {
    const response = await get('/echo/7/x%20y?a=1&b=%C3%A4', {
      method: 'PUT',
      body: 'text',
      headers: { 'x-agent': 'test' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-made-by')).toBe('echo');
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^crumb=a%20b; max-age=60; path=\/; samesite=strict; httponly/i),
    ]);
    expect(await response.json()).toMatchObject({
      method: 'PUT',
      params: { id: '7', part: 'x y' },
      query: { a: '1', b: 'ä' },
      agent: 'test',
      body: 'text',
    });
  });

  // Route templates are those of ASP.NET Core: a literal before a constrained parameter, that before a free one, a
  // catch-all last; a constraint that does not hold is no match.
  // https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#customize-the-http-endpoint
  it('is chosen by the most specific route', async () => {
    const bodies = await Promise.all(
      ['fixed', '12', 'word', 'a/b/c'].map(async (tail) => (await get(`/precedence/${tail}`)).text()),
    );
    expect(bodies).toEqual(['literal', 'constrained', 'free', 'rest a/b/c']);
    expect((await get('/echo/seven')).status).toBe(404);
    expect((await get('/nowhere')).status).toBe(404);
  });

  // Methods that a function lists are served, HEAD and OPTIONS too.
  // https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#configuration
  it('serves HEAD and OPTIONS where it lists them', async () => {
    const head = await get('/echo/1', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([201, '']);
    const options = (await (await get('/echo/1', { method: 'OPTIONS' })).json()) as { method: string };
    expect(options.method).toBe('OPTIONS');
  });

  // A body may be bytes.
  // https://learn.microsoft.com/azure/azure-functions/functions-reference-node#http-response
  it('sends bytes unchanged', async () => {
    expect([...new Uint8Array(await (await get('/bytes')).arrayBuffer())]).toEqual([0, 1, 254, 255]);
  });

  // Without a return value the answer is 204 No Content.
  // https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-output#usage
  it('answers 204 when it returns nothing', async () => {
    expect((await get('/nothing')).status).toBe(204);
  });

  // An uncaught error is 500, and nothing of it is told to the caller.
  // https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages
  it('answers 500 when it throws, without saying why', async () => {
    const response = await get('/throws');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('a secret of the app');
  });

  // authLevel "function": a key in x-functions-key or ?code=, else 401. "anonymous" is the default.
  // https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
  it('asks for a key where its level says so', async () => {
    expect((await get('/guarded')).status).toBe(401);
    expect((await get('/guarded', { headers: { 'x-functions-key': 'wrong' } })).status).toBe(401);
    expect((await get('/guarded', { headers: { 'x-functions-key': hostKey } })).status).toBe(200);
    expect((await get(`/guarded?code=${encodeURIComponent(hostKey)}`)).status).toBe(200);
  });

  // Application settings are environment variables.
  // https://learn.microsoft.com/azure/azure-functions/functions-reference-node#environment-variables
  it('has the app’s settings as its environment', async () => {
    expect(await (await get('/setting')).text()).toBe('ahoy');
  });
});
