// Everything outside of the process that a command touches, in one place: a test hands in its own.
import { setTimeout as delay } from 'node:timers/promises';
import { proxyFetch } from '../shared/client/proxyFetch.js';

/** Where text goes. */
export interface Sink {
  write: (text: string) => void;
  /** A person looks at it: colours and redrawing make sense. */
  readonly isTTY: boolean;
  /** Characters a line. */
  readonly columns: number;
}

export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readStdin: () => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds since 1970. */
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  fetch: typeof globalThis.fetch;
}

/** Where a line ends when nobody tells, as in a pipe. */
const UNKNOWN_COLUMNS = 120;

const sink = (stream: NodeJS.WriteStream): Sink => ({
  write: (text) => void stream.write(text),
  get isTTY() {
    return stream.isTTY === true;
  },
  get columns() {
    return stream.columns > 0 ? stream.columns : UNKNOWN_COLUMNS;
  },
});

export function processIo(): Io {
  return {
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    async readStdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    },
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    sleep: (ms) => delay(ms),
    // Node's own looks at no proxy.
    fetch: proxyFetch(process.env),
  };
}
