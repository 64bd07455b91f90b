/** Asking a program of this machine something, outside of any run. */
import os from 'node:os';
import { runChild } from './child.js';
import { cleanEnvironment } from './environment.js';

/**
 * What it says; undefined when it cannot be started, fails, or does not answer in time.
 * @param timeoutMs then it is killed at once: nobody waits for its last words
 */
export async function ask(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<{ readonly stdout: string; readonly stderr: string } | undefined> {
  const said = { stdout: '', stderr: '' };
  const end = await runChild(
    {
      command: program,
      args,
      cwd: os.tmpdir(),
      env: cleanEnvironment(env),
      timeoutMs,
      killGraceMs: 0,
      onOutput(chunk, stream) {
        said[stream] += chunk.toString('utf8');
        return undefined;
      },
    },
    signal,
  ).catch(() => undefined);
  return end?.exitCode === 0 ? said : undefined;
}
