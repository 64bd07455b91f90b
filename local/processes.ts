// Child processes that belong together: each says it is ready with one JSON line, is restarted when it dies, and is
// gone when we are.
import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long a child may take to say that it is ready (ms). */
const READY_TIMEOUT_MS = 30_000;
/** SIGTERM first; SIGKILL after this (ms). Together with the rest a stop stays under 3 s. */
const STOP_GRACE_MS = 2_300;
/** A child that dies is started again after this (ms) … */
const RESTART_DELAY_MS = 500;
/** … but not more often than this in a row without having been up for a minute. */
const MAX_RESTARTS = 5;
const STABLE_AFTER_MS = 60_000;

export interface ProcessSpec {
  readonly name: string;
  /** The built module to run. */
  readonly module: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments for a restart, made from what the first start answered: the same port again, for example. */
  readonly restartArgs?: (ready: ReadyLine) => readonly string[];
  /** Each line that is not the ready line, from either stream. */
  readonly onLine?: (line: string) => void;
  /** How often in a row it is started again without having been up for a minute; 5 unless said. */
  readonly maxRestarts?: number;
  /** Told when it died unasked and is started again, or for good. */
  readonly onCrash?: (message: string) => void;
}

/** What a child prints when it is ready: `{"ready":true, …}`. */
export interface ReadyLine {
  readonly ready: true;
  readonly [fact: string]: unknown;
}

export interface RunningProcess {
  readonly name: string;
  readonly ready: ReadyLine;
  readonly pid: number | undefined;
  stop(): Promise<void>;
  /** SIGKILL, and not started again: what a crash of the machine looks like. */
  kill(): Promise<void>;
}

const isReadyLine = (value: unknown): value is ReadyLine =>
  typeof value === 'object' && value !== null && 'ready' in value && value.ready === true;

const parseReady = (line: string): ReadyLine | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isReadyLine(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** One life of the child. Rejects with what it printed last when it ends before it is ready. */
const launch = (
  spec: ProcessSpec,
  args: readonly string[],
): { child: ChildProcess; ready: Promise<ReadyLine> } => {
  const child = fork(spec.module, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...spec.env },
    // A Ctrl-C in the terminal reaches the whole foreground group: a group of its own lets us stop it in order.
    detached: true,
    execArgv: [],
  });
  const tail: string[] = [];
  const ready = new Promise<ReadyLine>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${spec.name} was not ready within ${READY_TIMEOUT_MS / 1000} s`));
    }, READY_TIMEOUT_MS);
    const read = (line: string): void => {
      const answer = parseReady(line);
      if (answer) {
        clearTimeout(timer);
        resolve(answer);
        return;
      }
      tail.push(line);
      if (tail.length > 20) tail.shift();
      spec.onLine?.(line);
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', read);
    }
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      reject(
        new Error(
          tail.join('\n').trim() || `${spec.name} ended with ${signal ?? `code ${code}`} before it was ready`,
        ),
      );
    });
  });
  return { child, ready };
};

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

/**
 * Starts a module as a process of its own and resolves when it is ready. If it dies later it is started again with
 * the same arguments, at most MAX_RESTARTS times in a row.
 * @throws what the child printed, when it ends before it is ready
 */
export async function startProcess(spec: ProcessSpec): Promise<RunningProcess> {
  let stopping = false;
  let restarts = 0;
  let current = launch(spec, spec.args);
  const ready = await current.ready;
  let readyAt = Date.now();

  const revive = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, RESTART_DELAY_MS).unref());
    if (stopping) return;
    current = launch(spec, spec.restartArgs?.(ready) ?? spec.args);
    watch(current.child);
    try {
      await current.ready;
      readyAt = Date.now();
    } catch {
      // its exit is seen by watch(), which counts it and tries again
    }
  };
  const watch = (child: ChildProcess): void => {
    child.once('exit', (code, signal) => {
      if (stopping) return;
      if (Date.now() - readyAt > STABLE_AFTER_MS) restarts = 0;
      restarts += 1;
      const how = signal ?? `code ${code}`;
      if (restarts > (spec.maxRestarts ?? MAX_RESTARTS)) {
        spec.onCrash?.(`${spec.name} ended with ${how} for the ${restarts}th time and is left down`);
        return;
      }
      spec.onCrash?.(`${spec.name} ended with ${how}; starting it again`);
      void revive();
    });
  };
  watch(current.child);

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true;
    const { child } = current;
    const over = ended(child);
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await over;
    clearTimeout(timer);
  };

  return {
    name: spec.name,
    ready,
    get pid() {
      return current.child.pid;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}
