import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../../local/host/host.js';
import { Journal, startFixture } from './fixture.js';

describe('HTTP streaming', () => {
  const journal = new Journal();
  let host: Host;
  beforeAll(async () => {
    host = await startFixture('streaming', {
      log: journal.write,
      settings: { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1000000' },
    });
  });
  afterAll(() => host.close());

  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${host.url}/api${path}`, init);
  const release = async (): Promise<void> => {
    await get('/release', { method: 'POST' });
  };

  it('hands over the request and its answer; params also hold the query, as on Azure', async () => {
    const response = await get('/plain/7?extra=1', { headers: { 'x-agent': 'test' } });
    expect(response.status).toBe(202);
    expect(response.headers.getSetCookie()).toEqual(['crumb=x']);
    expect(response.headers.get('x-ms-invocation-id')).toBeNull();
    expect(await response.json()).toEqual({
      url: `${host.url}/api/plain/7?extra=1`,
      params: { id: '7', extra: '1' },
      agent: 'test',
    });
  });

  it('passes each part on as it is written', async () => {
    const response = await get('/drip');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    expect(await reader.read()).toEqual({ done: false, value: 'first\n' });
    await release();
    expect(await reader.read()).toEqual({ done: false, value: 'second\n' });
    expect((await reader.read()).done).toBe(true);
  });

  it('streams a request body in', async () => {
    const body = new Blob(['x'.repeat(400_000), 'y'.repeat(400_000)]).stream();
    const response = await get('/count', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(await response.text()).toBe('800000');
  });

  it('answers 413 to a body above the limit, declared or not', async () => {
    const large = 'x'.repeat(1_000_001);
    expect((await get('/count', { method: 'POST', body: large })).status).toBe(413);
    const stream = new Blob([large]).stream();
    const chunked = get('/count', { method: 'POST', body: stream, duplex: 'half' } as RequestInit);
    expect((await chunked).status).toBe(413);
  });

  it('survives a client that goes away in the middle', async () => {
    const controller = new AbortController();
    const response = await get('/drip', { signal: controller.signal });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    controller.abort();
    await release();
    await journal.until('Function.drip', 'Executed', 2);
    expect((await get('/plain/1')).status).toBe(202);
    await expect.poll(() => host.stats.running).toBe(0);
  });

  it('never answers when the handler throws, as on Azure, but says so in the log', async () => {
    const controller = new AbortController();
    const answered = get('/throws', { signal: controller.signal });
    await journal.until('Function.throws', 'its response never completes');
    const silence = new Promise((resolve) => setImmediate(resolve, 'silence'));
    expect(await Promise.race([answered, silence])).toBe('silence');
    controller.abort();
    await expect(answered).rejects.toThrow('aborted');
  });
});

describe('a host that closes', () => {
  it('cuts an event stream at once, and still answers what is not answered yet', async () => {
    const host = await startFixture('streaming');
    const open = await fetch(`${host.url}/api/drip`);
    const reader = (open.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    let finish = (): void => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('half '));
        finish = () => {
          controller.enqueue(Buffer.from('whole'));
          controller.close();
        };
      },
    });
    const counted = fetch(`${host.url}/api/count`, { method: 'POST', body, duplex: 'half' } as RequestInit);
    await expect.poll(() => host.stats.running).toBe(2);
    // At the end of the grace both would be cut: that the second is answered says that the first was cut before.
    const closed = host.close();
    await expect(reader.read()).rejects.toThrow('terminated');
    finish();
    expect(await (await counted).text()).toBe('10');
    await closed;
  });
});
