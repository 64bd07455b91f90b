/** One child process: its output with backpressure, its time limit, and the certain end of its whole tree. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { endTree, sweepRun } from './group.js';
import { findProgram, invocationOf } from './program.js';

/** Between SIGTERM and SIGKILL (ms). A drain has a few seconds in all, so it stays well below. */
const KILL_GRACE_MS = 1000;
/** The largest delay that a Node timer takes (ms). */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** A pipe that says nothing for so long after its process ended is held open by somebody who escaped us (ms). */
const HELD_PIPE_MS = 500;

/**
 * A dead man's switch around the command. A grandchild waits on descriptor 3, whose other end is ours: when the
 * factory dies, however it dies, the pipe closes and the whole group is killed. It is forked twice so that the
 * command never sees it as a child of its own. Standard error joins standard output here, in order, where asked.
 *
 * The shell stays between the factory and the command, so that `kill $PPID` in a job hits the shell. It outlives a
 * SIGTERM to the group, because its end would be taken for the command's, and then ends as the command did.
 */
const guard = (merge: boolean): string =>
  // Its own standard error is closed off: a shell remarks there that its child was killed.
  '( ( read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 & ); trap : TERM; exec 4>&2 2>/dev/null; ' +
  `( exec "$@" 3<&- 2>&${merge ? 1 : 4} 4>&- ); code=$?; ` +
  'trap - TERM; [ $code -le 128 ] || kill -$((code - 128)) $$; exit $code';

export interface ChildSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /**
   * Called with each piece of output; the child's writing waits while the promise is pending. What it throws is thrown
   * by the run, and nothing more is read.
   */
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => Promise<void> | undefined;
  /** One stream for both, in the order of writing. */
  readonly mergeOutput?: boolean;
  /** An open file that becomes its standard input; nothing to read when absent. */
  readonly stdin?: number;
  /** What it still said is delivered although it was aborted. */
  readonly keepOutput?: boolean;
  readonly timeoutMs?: number;
  /** `<jobId>.<epoch>`: descendants that left the group are ended too, and all of them when the factory dies. */
  readonly run?: string;
  /** Folders of the run alone: on Linux whoever is still in one when the command has ended is ended too. */
  readonly folders?: readonly string[];
  readonly killGraceMs?: number;
}

export interface ChildEnd {
  /** Why it ended: by itself, or because we ended it. */
  readonly cause: 'exit' | 'timeout' | 'aborted';
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
}

/** The command could not be started at all: it is missing, or may not be executed. */
export class SpawnError extends Error {
  override readonly name = 'SpawnError';
}

/**
 * Runs a command until it, its descendants and its output have ended. Never throws because of what the command does.
 * @param signal ends the tree: SIGTERM, grace, SIGKILL
 * @throws SpawnError; what `onOutput` throws
 */
export async function runChild(spec: ChildSpec, signal?: AbortSignal): Promise<ChildEnd> {
  const startedAt = performance.now();
  const guarded = spec.run !== undefined && process.platform !== 'win32';
  const { command, args, isVerbatim } = guarded
    ? {
        command: '/bin/sh',
        args: ['-c', guard(spec.mergeOutput ?? false), 'sh', spec.command, ...spec.args],
        isVerbatim: false,
      }
    : invocationOf(await programOf(spec), spec.args, spec.env);
  const child = spawn(command, args, {
    cwd: spec.cwd,
    env: spec.env,
    windowsVerbatimArguments: isVerbatim,
    // A group of its own: a Ctrl-C in our terminal does not reach it, and one signal of ours reaches all of it.
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdio: [spec.stdin ?? 'ignore', 'pipe', 'pipe', ...(guarded ? ['pipe' as const] : [])],
  });
  const ended = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', (error) => reject(new SpawnError(`${spec.command}: ${error.message}`)));
    child.once('exit', (exitCode, by) => resolve({ exitCode, signal: by }));
  });
  const output = new Output(child, spec.onOutput);
  const ending = endWhenAsked(child, spec, signal);
  try {
    const end = await ended;
    if (child.pid !== undefined) endTree(child.pid, 'SIGKILL', false);
    if (spec.run !== undefined) await sweepRun(spec.run, spec.folders);
    await output.end(ending.cause() === 'aborted' && spec.keepOutput !== true);
    return { ...end, cause: ending.cause(), durationMs: performance.now() - startedAt };
  } finally {
    ending.cancel();
    for (const stream of child.stdio) stream?.destroy();
  }
}

/** On Windows a bare name would first be looked for in the working folder, which is where an agent writes. */
const programOf = async ({ command, env }: ChildSpec): Promise<string> =>
  (process.platform === 'win32' ? await findProgram(command, env) : undefined) ?? command;

/** Starts the end of the tree at the time limit or when the signal fires; remembers which it was. */
function endWhenAsked(
  child: ChildProcess,
  spec: ChildSpec,
  signal: AbortSignal | undefined,
): { cause(): ChildEnd['cause']; cancel(): void } {
  let cause: ChildEnd['cause'] = 'exit';
  let killTimer: NodeJS.Timeout | undefined;
  const terminate = (because: 'timeout' | 'aborted'): void => {
    if (cause !== 'exit' || child.pid === undefined) return;
    const leader = child.pid;
    cause = because;
    const end = (by: 'SIGTERM' | 'SIGKILL'): void =>
      endTree(leader, by, child.exitCode === null && child.signalCode === null);
    end('SIGTERM');
    killTimer = setTimeout(() => end('SIGKILL'), spec.killGraceMs ?? KILL_GRACE_MS);
  };
  const onAbort = (): void => terminate('aborted');
  const limit =
    spec.timeoutMs === undefined
      ? undefined
      : setTimeout(() => terminate('timeout'), Math.min(spec.timeoutMs, MAX_TIMER_MS));
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  return {
    cause: () => cause,
    cancel() {
      clearTimeout(limit);
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** Both output pipes, read one piece at a time. */
class Output {
  private readonly reading: Promise<unknown>;
  private readonly streams: Readable[];
  private lastAt = performance.now();
  private delivering = 0;

  constructor(child: ChildProcess, deliver: ChildSpec['onOutput']) {
    const pipes = [
      ['stdout', child.stdout],
      ['stderr', child.stderr],
    ] as const;
    this.streams = pipes.map(([, stream]) => stream).filter((stream) => stream !== null);
    this.reading = Promise.all(
      pipes.map(([name, stream]) => this.read(stream, (chunk) => deliver(chunk, name))),
    );
    // Seen by end(); a failure before that must not count as unhandled.
    this.reading.catch(() => {});
  }

  private async read(
    stream: Readable | null,
    deliver: (chunk: Buffer) => Promise<void> | undefined,
  ): Promise<void> {
    if (!stream) return;
    let refusal: { readonly error: unknown } | undefined;
    try {
      for await (const chunk of stream) {
        this.delivering += 1;
        try {
          await deliver(chunk as Buffer);
        } catch (error) {
          // Kept apart from failures of the pipe, which is destroyed by leaving it.
          refusal = { error };
          break;
        } finally {
          this.delivering -= 1;
        }
        this.lastAt = performance.now();
      }
    } catch (error) {
      // A pipe that we destroyed ends early.
      if (!stream.destroyed) throw error;
    }
    if (refusal) throw refusal.error;
  }

  /** Resolves when everything was delivered; at once when nobody wants the rest. */
  async end(discard: boolean): Promise<void> {
    let done = discard;
    const read = this.reading.then(() => {
      done = true;
    });
    this.lastAt = performance.now();
    while (!done) {
      await Promise.race([read, delay(HELD_PIPE_MS)]);
      if (this.delivering === 0 && performance.now() - this.lastAt > HELD_PIPE_MS) break;
    }
    for (const stream of this.streams) stream.destroy();
  }
}
