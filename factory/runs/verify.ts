/** The job's own check of its change. */
import type { VerifyResult } from '../../shared/contract/job.js';
import { runCommand, type CommandSpec } from './command.js';

/**
 * Runs the command where the change is checked out. A check that does not end in time, or cannot be run, has not
 * passed.
 * @throws PreflightError when there is no shell; the signal's reason when it was stopped
 */
export async function verifyChange(spec: CommandSpec, signal: AbortSignal): Promise<VerifyResult> {
  const { passed, exitCode, durationMs, tail } = await runCommand(spec, signal);
  return { command: spec.command, passed, exitCode, durationMs, tail };
}
