import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../../local/host/host.js';
import { Journal, startFixture } from './fixture.js';

describe('HTTP functions of a CommonJS app', () => {
  const journal = new Journal();
  let host: Host;
  beforeAll(async () => {
    host = await startFixture('commonjs', {
      log: journal.write,
      masterKey: 'master',
      hostKeys: ['host-key'],
      functionKeys: { guarded: ['own-key'] },
      cors: { origins: ['https://console.example'], credentials: true },
      settings: {
        TIMER_SCHEDULE: '0 0 0 1 1 *',
        GREETING: 'ahoy',
        'AzureWebJobs.switchedOff.Disabled': 'true',
        FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '100000',
      },
    });
  });
  afterAll(() => host.close());

  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${host.url}/api${path}`, init);

  it('hands over method, url, route and query parameters, headers and body', async () => {
    const response = await get('/ECHO/7/x%20y?a=1&a=2&b=%C3%A4', {
      method: 'PUT',
      body: 'text',
      headers: { 'x-agent': 'test' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-made-by')).toBe('echo');
    expect(response.headers.getSetCookie()).toEqual([
      'crumb=a%20b; max-age=60; path=/; samesite=strict; httponly',
    ]);
    expect(await response.json()).toEqual({
      url: `${host.url}/api/ECHO/7/x%20y?a=1&a=2&b=%C3%A4`,
      method: 'PUT',
      params: { id: '7', part: 'x y' },
      query: { a: '1,2', b: 'ä' },
      agent: 'test',
      body: 'text',
    });
  });

  it('answers 404 to an unknown route, a failed constraint and a method that no route lists', async () => {
    expect((await get('/unknown')).status).toBe(404);
    expect((await get('/echo/seven')).status).toBe(404);
    expect((await get('/literal', { method: 'DELETE' })).status).toBe(404);
    expect((await get('/hello', { method: 'HEAD' })).status).toBe(404);
  });

  it('answers 500 without a body when the function throws, and logs why', async () => {
    const response = await get('/throws');
    expect([response.status, await response.text()]).toEqual([500, '']);
    expect(journal.find('Function.throws', 'a secret of the app')).toMatchObject({ level: 'error' });
  });

  it('answers 413 to a body above the limit, declared or not', async () => {
    const declared = await get('/hello', { method: 'POST', body: 'x'.repeat(100_001) });
    expect(declared.status).toBe(413);
    const stream = new Blob(['x'.repeat(60_000), 'y'.repeat(60_000)]).stream();
    const chunked = get('/hello', { method: 'POST', body: stream, duplex: 'half' } as RequestInit);
    expect((await chunked).status).toBe(413);
  });

  it('asks for a key where the function does', async () => {
    const status = async (path: string, key?: string): Promise<number> =>
      (await get(path, key ? { headers: { 'x-functions-key': key } } : {})).status;
    const refused = await get('/guarded');
    expect([refused.status, await refused.text()]).toEqual([401, '']);
    expect(await status('/guarded', 'own-key')).toBe(200);
    expect(await status('/guarded', 'host-key')).toBe(200);
    expect(await status('/guarded', 'master')).toBe(200);
    expect(await status('/guarded?code=own-key')).toBe(200);
    expect(await status('/guarded?code=own-key', 'wrong')).toBe(401);
    expect(await status('/forAdmins', 'host-key')).toBe(401);
    expect(await status('/forAdmins', 'master')).toBe(200);
  });

  it('answers a preflight itself and marks answers for allowed origins only', async () => {
    const preflight = await get('/hello', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://console.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(preflight.status).toBe(204);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': 'https://console.example',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization',
    });
    const stranger = await get('/hello', { headers: { origin: 'https://elsewhere.example' } });
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('gives the app its settings as environment and leaves disabled functions out', async () => {
    expect(await (await get('/setting')).text()).toBe('ahoy');
    expect((await get('/switchedOff')).status).toBe(404);
  });

  it('surfaces context.log and console.log', async () => {
    await get('/hello?name=log');
    await get('/prints');
    expect(journal.find('Function.hello.User', 'Http function processed')).toMatchObject({
      level: 'information',
    });
    await journal.until('Host.Function.Console', 'straight to the console');
  });

  it('lists its functions and its state to the master key alone', async () => {
    const admin = (path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`${host.url}/admin${path}`, { headers: { 'x-functions-key': 'master' }, ...init });
    expect((await fetch(`${host.url}/admin/host/status`)).status).toBe(401);
    expect((await fetch(`${host.url}/admin/host/ping`)).status).toBe(200);
    expect(await (await admin('/host/status')).json()).toMatchObject({ state: 'Running' });
    const functions = (await (await admin('/functions')).json()) as { name: string }[];
    expect(functions.map(({ name }) => name)).toContain('everySecond');
    expect(await (await admin('/functions/echo')).json()).toMatchObject({
      invoke_url_template: `${host.url}/api/echo/{id:int}/{part?}`,
    });
    expect((await admin('/functions/nobody')).status).toBe(404);
    const post = { method: 'POST', body: JSON.stringify({ input: '' }) };
    const key = { headers: { 'x-functions-key': 'master' } };
    expect((await admin('/functions/everySecond', { ...post, ...key })).status).toBe(202);
    await journal.until('Function.everySecond.User', '"isPastDue":false');
    expect((await admin('/functions/hello', { ...post, ...key })).status).toBe(400);
  });

  it('kills or pauses its worker on demand of the master key, and works on', async () => {
    const fault = async (body: string, key = 'master'): Promise<number> =>
      (
        await fetch(`${host.url}/admin/faults`, {
          method: 'POST',
          body,
          headers: { 'x-functions-key': key },
        })
      ).status;
    expect(await fault('{"kind":"killWorker"}', 'host-key')).toBe(401);
    for (const bad of ['', '{', '{"kind":"odd"}', '{"kind":"pauseWorker"}'])
      expect(await fault(bad)).toBe(400);
    const started = performance.now();
    expect(await fault('{"kind":"pauseWorker","ms":300}')).toBe(200);
    expect(await (await get('/hello?name=late')).text()).toBe('Hello, late!');
    expect(performance.now() - started).toBeGreaterThan(250);
    const before = host.workerPid;
    expect(await fault('{"kind":"killWorker"}')).toBe(200);
    await expect.poll(() => host.workerPid !== before && host.workerPid !== undefined).toBe(true);
    const answered = async (): Promise<number> => (await get('/hello')).status;
    await expect.poll(answered, { timeout: 10_000 }).toBe(200);
  });

  it('tells what it hosts', () => {
    expect(host.functions).toContainEqual({
      name: 'echo',
      trigger: 'http',
      route: 'echo/{id:int}/{part?}',
      methods: ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS'],
    });
    expect(host.functions).toContainEqual({ name: 'everySecond', trigger: 'timer' });
  });
});

describe('an ESM app with hooks', () => {
  const journal = new Journal();
  let host: Host;
  beforeAll(async () => {
    host = await startFixture('esm', { log: journal.write });
  });
  afterAll(() => host.close());

  it('loads through the glob in main and obeys the route prefix and custom headers', async () => {
    const response = await fetch(`${host.url}/v1/greet/Ada`);
    expect(await response.text()).toBe('Good day, Ada');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await fetch(`${host.url}/api/greet/Ada`)).status).toBe(404);
  });

  it('lets hooks replace the handler and share data', async () => {
    const response = await fetch(`${host.url}/v1/greet/Ada`);
    expect(response.headers.get('x-hooked')).toBe('yes');
    expect(journal.find('Function.greet.User', 'after greet true')).toBeDefined();
  });

  it('lets a post-invocation hook turn a failure into a result', async () => {
    const response = await fetch(`${host.url}/v1/rescued`);
    expect([response.status, await response.text()]).toEqual([200, 'rescued']);
  });

  it('filters the log by category and lets log hooks rewrite it', async () => {
    await fetch(`${host.url}/v1/quiet`);
    expect(journal.find('Function.quiet', 'not to be seen')).toBeUndefined();
    expect(journal.find('Function.quiet.User', 'my *** is out')).toMatchObject({ level: 'error' });
  });
});
