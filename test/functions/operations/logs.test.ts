import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { serverSentEvents } from '../../../functions/lib/serverSentEvents.js';
import { appendLog } from '../../../functions/operations/appendLog.js';
import type { FactoryCaller } from '../../../functions/operations/caller.js';
import { streamLog, type LogEvent } from '../../../functions/operations/streamLog.js';
import { createClient } from '../../../shared/client.js';
import type { Claim } from '../../../shared/contract/api.js';
import {
  ADMIN,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  operator,
  report,
  submit,
} from '../fixture.js';

const { cloud, deps } = await cloudOfTests({ blobs: true });

interface Running {
  factory: FactoryCaller;
  claim: Claim;
  params: { jobId: string; epoch: number };
}

async function running(): Promise<Running> {
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId);
  await submit(deps, productId);
  const claim = await claimOne(deps, factory);
  await report(deps, factory, claim, { kind: 'started' });
  return { factory, claim, params: { jobId: claim.job.jobId, epoch: claim.run.epoch } };
}

const append = async (
  { factory, params }: Running,
  offset: number,
  text: string | Uint8Array,
  end = false,
): Promise<number> =>
  (await appendLog(deps, factory, { params, query: { offset, end }, body: Buffer.from(text) })).nextOffset;

const open = (
  run: Running,
  from = 0,
  signal = new AbortController().signal,
): Promise<AsyncGenerator<LogEvent>> => streamLog(deps, ADMIN, { params: run.params, from }, signal);

async function textOf(events: AsyncIterable<LogEvent>): Promise<string> {
  let text = '';
  for await (const event of events) if (event.kind === 'text') text += event.text;
  return text;
}

describe('appending to a log', () => {
  it('is idempotent: a chunk that comes twice is there once, and the answer says where to go on', async () => {
    const run = await running();
    expect(await append(run, 0, 'one\n')).toBe(4);
    expect(await append(run, 0, 'one\n')).toBe(4);
    expect(await append(run, 9, 'a gap')).toBe(4);
    expect(await append(run, 4, 'two\n', true)).toBe(8);
    expect(await textOf(await open(run))).toBe('one\ntwo\n');
  });

  it('is allowed to the factory of the run only, also just after the run', async () => {
    const run = await running();
    const other = await makeFactory(deps, run.claim.job.productId);
    const stale = { code: 'stale-epoch' };
    await expect(append({ ...run, factory: other }, 0, 'x')).rejects.toMatchObject(stale);
    await expect(append({ ...run, params: { ...run.params, epoch: 2 } }, 0, 'x')).rejects.toMatchObject(
      stale,
    );
    await report(deps, run.factory, run.claim, {
      kind: 'failed',
      reason: 'refused',
      message: 'x',
      exitCode: 1,
    });
    expect(await append(run, 0, 'the end', true)).toBe(7);
  });
});

describe('the stream of a log', () => {
  it('shows one who comes late the whole log, and ends', async () => {
    const run = await running();
    await append(run, 0, 'early\n');
    await append(run, 6, 'late\n', true);
    const kinds: string[] = [];
    for await (const event of await open(run)) kinds.push(event.kind);
    expect(kinds).toEqual(['text', 'end']);
  });

  it('follows what is appended, and goes on from an offset', async () => {
    const run = await running();
    await append(run, 0, '0123456789');
    const events = await open(run, 4);
    expect((await events.next()).value).toEqual({ kind: 'text', offset: 10, text: '456789' });
    const next = events.next();
    await append(run, 10, 'live', true);
    expect((await next).value).toEqual({ kind: 'text', offset: 14, text: 'live' });
    expect((await events.next()).value).toEqual({ kind: 'end', offset: 14 });
  });

  it('never cuts a character in two', async () => {
    const run = await running();
    const bytes = Buffer.from('a€😀');
    const events = await open(run);
    const pieces: string[] = [];
    for (let at = 0; at < bytes.length; at += 1) await append(run, at, bytes.subarray(at, at + 1), at === 7);
    for await (const event of events) if (event.kind === 'text') pieces.push(event.text);
    expect(pieces.join('')).toBe('a€😀');
  });

  it('ends for a run whose factory died without closing the log', async () => {
    const run = await running();
    await append(run, 0, 'last words');
    await report(deps, run.factory, run.claim, {
      kind: 'failed',
      reason: 'refused',
      message: 'x',
      exitCode: 1,
    });
    const events = await open(run);
    await events.next();
    cloud.clock.advance(10);
    expect((await events.next()).value).toEqual({ kind: 'end', offset: 10 });
  });

  it('stops when the reader goes', async () => {
    const run = await running();
    const gone = new AbortController();
    const events = await open(run, 0, gone.signal);
    const next = events.next();
    gone.abort();
    expect((await next).done).toBe(true);
  });

  it('is not there for a run that never was, nor for a person of another product', async () => {
    const run = await running();
    const never = { ...run, params: { ...run.params, epoch: 7 } };
    await expect(open(never)).rejects.toMatchObject({ code: 'not-found' });
    const stranger = operator('admin', 'other');
    const signal = new AbortController().signal;
    await expect(streamLog(deps, stranger, { params: run.params, from: 0 }, signal)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('reaches the client whole although the connection breaks in the middle', async () => {
    const run = await running();
    let connections = 0;
    const server = createServer((request, response) => {
      connections += 1;
      const cutAfter = connections < 3 ? 2 : Infinity;
      void (async () => {
        const gone = new AbortController();
        const events = await open(run, Number(request.headers['last-event-id'] ?? 0), gone.signal);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        let sent = 0;
        for await (const chunk of serverSentEvents(events, gone)) {
          response.write(chunk);
          sent += 1;
          if (sent === cutAfter) return response.destroy();
        }
        return response.end();
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const client = createClient({ baseUrl: `http://127.0.0.1:${port}/api`, token: 't' });
      let text = '';
      let ended = false;
      await append(run, 0, 'first ');
      for await (const part of client.streamLog({ params: run.params })) {
        if ('end' in part) {
          ended = true;
          continue;
        }
        text += part.text;
        if (text === 'first ') await append(run, 6, 'second ');
        if (text === 'first second ') await append(run, 13, 'third', true);
      }
      expect(text).toBe('first second third');
      expect(ended).toBe(true);
      expect(connections).toBe(3);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('a job that went wrong', () => {
  it('shows the end of its last log, in whole lines', async () => {
    const run = await running();
    await append(run, 0, `${'long ago\n'.repeat(1000)}the compiler said no\n`, true);
    const failed = { kind: 'failed', reason: 'refused', message: 'no', exitCode: 3 } as const;
    await report(deps, run.factory, run.claim, failed);
    const { lastLog } = await detail(deps, run.params.jobId);
    expect(lastLog?.epoch).toBe(run.params.epoch);
    expect(lastLog?.text).toMatch(/^long ago\n(long ago\n)+the compiler said no\n$/);
    expect(lastLog?.text.length).toBeLessThanOrEqual(4096);
  });
});
