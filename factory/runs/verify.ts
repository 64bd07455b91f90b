/** The job's own check of its change. */
import type { VerifyResult } from '../../shared/contract/job.js';
import { runChild } from '../processes/child.js';
import { findProgram } from '../processes/program.js';
import type { Checkout } from '../workspace/workspace.js';
import { PreflightError } from '../workspace/preflight.js';
import { Tail } from './tail.js';

/** How much of the output the result keeps (bytes); the contract takes 8,000 characters. */
const TAIL_BYTES = 7500;

export interface VerifySpec {
  /** For `sh -c`. */
  readonly command: string;
  readonly checkout: Checkout;
  readonly env: Readonly<Record<string, string>>;
  readonly run: string;
  /** The check may take as long as the engine. */
  readonly seconds: number;
}

/**
 * Runs the command in the worktree, which stands at the change's commit. A check that does not end in time, or cannot
 * be run, has not passed.
 * @throws PreflightError when there is no shell
 */
export async function verifyChange(
  spec: VerifySpec,
  onOutput: (chunk: Buffer) => Promise<void> | undefined,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const shell = await findProgram('sh', spec.env);
  if (shell === undefined) throw new PreflightError(`sh is not on this factory's PATH`);
  const tail = new Tail(TAIL_BYTES);
  const end = await runChild(
    {
      command: shell,
      args: ['-c', spec.command],
      cwd: spec.checkout.path,
      env: spec.env,
      run: spec.run,
      folders: [spec.checkout.path, spec.checkout.scratch],
      timeoutMs: spec.seconds * 1000,
      mergeOutput: true,
      onOutput(chunk) {
        tail.add(chunk);
        return onOutput(chunk);
      },
    },
    signal,
  );
  const late = end.cause === 'timeout' ? `\n(ended after its ${spec.seconds} s were over)` : '';
  return {
    command: spec.command,
    passed: end.cause === 'exit' && end.exitCode === 0,
    exitCode: end.exitCode,
    durationMs: end.durationMs,
    tail: `${tail.text()}${late}`.trim(),
  };
}
