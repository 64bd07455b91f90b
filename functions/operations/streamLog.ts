import { AppError } from '../../shared/errors.js';
import { LOGS, logName } from './appendLog.js';
import type { Caller } from './caller.js';
import type { Deps } from './deps.js';
import { jobFor, readRun } from './jobStore.js';

/** The platform cuts an answer after 230 s; the client then resumes where it was. */
const STREAM_MS = 200_000;
/** Proxies close a connection that is silent for a minute or so. */
const HEARTBEAT_MS = 15_000;
/** Appends on another instance ring no bell here. */
const POLL_MS = 1000;
/** A run that is over without a closed log (its factory died) gets that long for the last lines. */
const LINGER_MS = 3000;
const READ_BYTES = 256 * 1024;

export type LogEvent =
  /** `offset` is where the text ends: the place to resume from. */
  | { readonly kind: 'text'; readonly offset: number; readonly text: string }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'end'; readonly offset: number };

/**
 * The log of a run from an offset on: first what is there, then live, until the run's log is complete or the stream
 * has lasted its time. Ends without `end` in the second case.
 * @throws AppError not-found
 */
export async function streamLog(
  deps: Deps,
  caller: Caller,
  input: { params: { jobId: string; epoch: number }; from: number },
  signal: AbortSignal,
): Promise<AsyncGenerator<LogEvent>> {
  const { jobId, epoch } = input.params;
  const job = await jobFor(deps, caller, jobId, 'viewer');
  if (!(await readRun(deps, job, epoch)))
    throw new AppError('not-found', `${jobId} has no run ${epoch}`, { jobId, epoch });

  const runIsOver = async (): Promise<boolean> => (await readRun(deps, job, epoch))?.endedAt !== undefined;
  return follow(deps, logName(job, epoch), input.from, runIsOver, signal);
}

async function* follow(
  deps: Deps,
  name: string,
  from: number,
  runIsOver: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<LogEvent> {
  const milliseconds = (): number => Date.parse(deps.clock.now());
  const started = milliseconds();
  let position = from;
  let lastSent = started;
  let lastGrowth = started;
  while (!signal.aborted && milliseconds() - started < STREAM_MS) {
    // Listening begins before looking, or a chunk that comes in between would wait for the poll.
    const listening = new AbortController();
    const rung = deps.bell.wait(name, POLL_MS, AbortSignal.any([signal, listening.signal]));
    try {
      const log = await deps.blobs.log(LOGS, name);
      if (log && log.length > position) {
        const bytes = await deps.blobs.read(
          LOGS,
          name,
          position,
          Math.min(READ_BYTES, log.length - position),
        );
        const whole = position + bytes.length === log.length && log.closed ? bytes : completeText(bytes);
        if (whole.length > 0) {
          position += whole.length;
          lastGrowth = milliseconds();
          lastSent = lastGrowth;
          yield { kind: 'text', offset: position, text: new TextDecoder().decode(whole) };
          continue;
        }
      }
      const complete = log?.closed === true && position >= log.length;
      if (complete || (milliseconds() - lastGrowth > LINGER_MS && (await runIsOver()))) {
        yield { kind: 'end', offset: position };
        return;
      }
      if (milliseconds() - lastSent > HEARTBEAT_MS) {
        lastSent = milliseconds();
        yield { kind: 'heartbeat' };
      }
      await rung;
    } finally {
      listening.abort();
    }
  }
}

/** Without the beginning of a character whose other bytes are not there yet (at most three bytes of UTF-8). */
function completeText(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(4, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
