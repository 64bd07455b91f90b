// Child processes that belong together: each says it is ready with one JSON line, is restarted when it dies, and is
// gone when we are.
import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long a child may take to say that it is ready (ms). */
const READY_TIMEOUT_MS = 30_000;
/** SIGTERM first; SIGKILL after this (ms). Together with the rest a stop stays under 3 s. */
const STOP_GRACE_MS = 2_300;
/**
 * A child that dies is started again after this (ms), the next time after twice as long, and so on: one that cannot
 * run must not keep the machine busy, and one whose cause is gone must come back by itself.
 */
const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 30_000;
/** After so long a life (ms) the delays begin anew. */
const STABLE_AFTER_MS = 60_000;

/**
 * Options of Node that end a forked child, as if asked to, when its parent is gone: also one that was killed and could
 * not say so. The channel to the parent does not keep the child alive.
 */
export const END_WITH_PARENT: readonly string[] = [
  '--import',
  `data:text/javascript,${encodeURIComponent(
    `process.on('disconnect', () => process.kill(process.pid, 'SIGTERM')); process.channel?.unref();`,
  )}`,
];

export interface ProcessSpec {
  readonly name: string;
  /** The built module to run. */
  readonly module: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly execArgv?: readonly string[];
  /** What a line says of the child's readiness; by default a line of JSON with `"ready":true`. */
  readonly readyLine?: (line: string) => ReadyLine | undefined;
  /** Arguments for a restart, made from what the first start answered: the same port again, for example. */
  readonly restartArgs?: (ready: ReadyLine) => readonly string[];
  /** Each line that is not the ready line, from either stream. */
  readonly onLine?: (line: string) => void;
  /** Told when it died unasked, and when it will be started again. */
  readonly onCrash?: (message: string) => void;
  /** The first and the longest delay before a restart (ms). */
  readonly restartDelaysMs?: readonly [first: number, longest: number];
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
    execArgv: [...(spec.execArgv ?? [])],
  });
  const tail: string[] = [];
  const ready = new Promise<ReadyLine>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${spec.name} was not ready within ${READY_TIMEOUT_MS / 1000} s`));
    }, READY_TIMEOUT_MS);
    const read = (line: string): void => {
      const answer = (spec.readyLine ?? parseReady)(line);
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
 * Starts a module as a process of its own and resolves when it is ready. If it dies later it is started again, each
 * time after a longer delay, until it is stopped.
 * @throws what the child printed, when it ends before it is ready
 */
export async function startProcess(spec: ProcessSpec): Promise<RunningProcess> {
  const [firstDelayMs, longestDelayMs] = spec.restartDelaysMs ?? [FIRST_RESTART_MS, LONGEST_RESTART_MS];
  let stopping = false;
  let delayMs = firstDelayMs;
  let pending: NodeJS.Timeout | undefined;
  let current = launch(spec, spec.args);
  const ready = await current.ready;
  let readyAt = Date.now();

  const revive = (): void => {
    current = launch(spec, spec.restartArgs?.(ready) ?? spec.args);
    watch(current.child);
    current.ready.then(
      () => {
        readyAt = Date.now();
      },
      // Its exit is seen by watch(), which tries again.
      () => undefined,
    );
  };
  const watch = (child: ChildProcess): void => {
    child.once('exit', (code, signal) => {
      if (stopping) return;
      if (Date.now() - readyAt > STABLE_AFTER_MS) delayMs = firstDelayMs;
      spec.onCrash?.(
        `${spec.name} ended with ${signal ?? `code ${code}`}; starting it again in ${delayMs / 1000} s`,
      );
      pending = setTimeout(revive, delayMs);
      pending.unref();
      delayMs = Math.min(delayMs * 2, longestDelayMs);
    });
  };
  watch(current.child);

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true;
    clearTimeout(pending);
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
