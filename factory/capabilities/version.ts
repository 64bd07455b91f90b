/** Asking a program for its version. */
import os from 'node:os';
import { runChild } from '../processes/child.js';
import { cleanEnvironment } from '../processes/environment.js';

/** A tool that does not tell its version by then is there without one (ms). They are asked at the same time. */
const TIMEOUT_MS = 5000;

/** The first number in what a tool prints that looks like a version. */
const VERSION = /\d+\.\d+(?:\.\d+)?/;

/** Undefined when it does not say in time. */
export async function versionOf(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  let said = '';
  const end = await runChild({
    command: program,
    args,
    cwd: os.tmpdir(),
    env: cleanEnvironment(env),
    timeoutMs: TIMEOUT_MS,
    killGraceMs: 0,
    onOutput(chunk, stream) {
      // A warning about something else must not be taken for the answer.
      said = stream === 'stdout' ? chunk.toString('utf8') + said : said + chunk.toString('utf8');
      return undefined;
    },
  }).catch(() => undefined);
  return end?.exitCode === 0 ? VERSION.exec(said)?.[0] : undefined;
}
