/** One shell command of a run: a check, a setup step, a hook. */
import { runChild, type ChildEnd } from '../processes/child.js';
import { findProgram } from '../processes/program.js';
import { PreflightError } from '../workspace/preflight.js';
import { Tail } from './tail.js';

/** How much of the output is kept (bytes); the contract takes 8,000 characters. */
const TAIL_BYTES = 7500;

export interface CommandSpec {
  /** For `sh -c`. */
  readonly command: string;
  readonly cwd: string;
  /** Folders of the run alone: whoever is still in one afterwards is ended. */
  readonly folders: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `<jobId>.<epoch>` */
  readonly run: string;
  readonly seconds: number;
  /** Called with the output of both streams, in order; the command waits while the promise is pending. */
  readonly onOutput: (chunk: Buffer) => Promise<void> | undefined;
}

export interface CommandEnd extends ChildEnd {
  readonly passed: boolean;
  /** The end of its output; says so when the time was over. */
  readonly tail: string;
}

/** A step of the run did not end in its time: reported as `timeout`. */
export class StepTimeoutError extends Error {
  override readonly name = 'StepTimeoutError';
}

/**
 * Runs the command until it and all that it started have ended.
 * @throws PreflightError when there is no shell; the signal's reason when it was stopped
 */
export async function runCommand(spec: CommandSpec, signal: AbortSignal): Promise<CommandEnd> {
  const shell = await findProgram('sh', spec.env);
  if (shell === undefined) throw new PreflightError(`sh is not on this factory's PATH`);
  const tail = new Tail(TAIL_BYTES);
  const end = await runChild(
    {
      command: shell,
      args: ['-c', spec.command],
      cwd: spec.cwd,
      env: spec.env,
      run: spec.run,
      folders: spec.folders,
      timeoutMs: spec.seconds * 1000,
      mergeOutput: true,
      onOutput(chunk) {
        tail.add(chunk);
        return spec.onOutput(chunk);
      },
    },
    signal,
  );
  signal.throwIfAborted();
  const late = end.cause === 'timeout' ? `\n(ended after its ${spec.seconds} s were over)` : '';
  return {
    ...end,
    passed: end.cause === 'exit' && end.exitCode === 0,
    tail: `${tail.text()}${late}`.trim(),
  };
}
