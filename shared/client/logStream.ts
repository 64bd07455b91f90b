import { AppError } from '../errors.js';

/** A piece of a log, with the offset where it ends; then, once, that the log is complete. */
export type LogPart = { readonly offset: number; readonly text: string } | { readonly end: true };

export interface LogCall {
  readonly params: { readonly jobId: string; readonly epoch: number };
  /** Offset in bytes to go on from; 0 is the beginning. */
  readonly from?: number;
  readonly signal?: AbortSignal;
}

/** Opens the stream at an offset. */
export type OpenLog = (from: number, signal: AbortSignal) => Promise<Response>;

/** The server says something at least every 15 s: a connection that is silent for longer is dead. */
const SILENCE_MS = 40_000;
const RETRY_BASE_MS = 200;
const RETRY_CAP_MS = 5000;

/**
 * Follows a log until it ends or `signal` is aborted. The server ends a stream after some minutes, and connections
 * break: it is then opened again where the last one ended.
 * @throws AppError when the service refuses (unknown run, no token)
 */
export async function* followLog(call: LogCall, open: OpenLog): AsyncGenerator<LogPart> {
  let from = call.from ?? 0;
  let failures = 0;
  while (!call.signal?.aborted) {
    const connection = new AbortController();
    const stop = (): void => {
      connection.abort();
    };
    call.signal?.addEventListener('abort', stop, { once: true });
    try {
      const response = await open(from, connection.signal);
      for await (const event of readEvents(response, stop)) {
        failures = 0;
        if (event.name === 'end') {
          yield { end: true };
          return;
        }
        const part = JSON.parse(event.data) as { offset: number; text: string };
        from = part.offset;
        yield part;
      }
    } catch (error) {
      if (call.signal?.aborted) return;
      if (error instanceof AppError && error.code !== 'unavailable') throw error;
      failures += 1;
    } finally {
      call.signal?.removeEventListener('abort', stop);
      connection.abort();
    }
    if (failures > 0)
      await delay(Math.random() * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** failures), call.signal);
  }
}

interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** Server-sent events as the standard has them, as far as the service uses them: comments, `event`, `data`, `id`. */
async function* readEvents(response: Response, giveUp: () => void): AsyncGenerator<StreamEvent> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let silence = setTimeout(giveUp, SILENCE_MS);
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(giveUp, SILENCE_MS);
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parseBlock(block);
        if (event) yield event;
      }
    }
  } finally {
    clearTimeout(silence);
    await reader.cancel().catch(() => {});
  }
}

function parseBlock(block: string): StreamEvent | undefined {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  }
  return data.length > 0 ? { name, data: data.join('\n') } : undefined;
}

/** Ends early, without an error, when the signal is aborted. */
function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
