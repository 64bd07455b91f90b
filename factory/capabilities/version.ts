/** Asking a program for its version. */
import { ask } from '../processes/ask.js';

/** A tool that does not tell its version by then is there without one (ms). They are asked at the same time. */
const TIMEOUT_MS = 5000;

/** The first number in what a tool prints that looks like a version. */
const VERSION = /\d+\.\d+(?:\.\d+)?/;

/** Undefined when it does not say in time. @param timeoutMs for programs that take long to start */
export async function versionOf(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  timeoutMs = TIMEOUT_MS,
): Promise<string | undefined> {
  const said = await ask(program, args, env, timeoutMs);
  // A warning about something else must not be taken for the answer.
  return said && VERSION.exec(said.stdout + said.stderr)?.[0];
}
