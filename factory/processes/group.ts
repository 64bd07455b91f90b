/**
 * Ending process trees. On POSIX every child of ours leads a process group of its own, so one signal reaches all of
 * its descendants but those that left the group; on Linux these are found by the run's name in their environment.
 */
import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';

/** Names the run in the environment of everything that it starts. */
export const RUN_VARIABLE = 'GIGAFACTORY_RUN';

/** A process that forks while it is looked for is found in a later pass. */
const MAX_PASSES = 5;

/** Sends a signal to a whole process group; false when nobody is left in it. */
export function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  if (process.platform === 'win32') {
    // Windows has no groups and no polite end for console programs: the tree is ended by its root.
    spawn('taskkill', ['/pid', String(leader), '/t', '/f'], { stdio: 'ignore' }).on('error', () => {});
    return true;
  }
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Kills what a run left behind outside of its process groups (daemons, `setsid`). Linux only: elsewhere the
 * environment of another process cannot be read without its help.
 * @param run `<jobId>.<epoch>`
 * @returns how many processes were killed
 */
export async function sweepRun(run: string): Promise<number> {
  return sweep((owner) => owner === run);
}

/** Kills every process that belongs to one of these runs: after a crash of the factory itself. */
export async function sweep(isOurs: (run: string) => boolean): Promise<number> {
  if (process.platform !== 'linux') return 0;
  let killed = 0;
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const found = await processesOf(isOurs);
    if (found.length === 0) break;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
        killed += 1;
      } catch {
        // it ended in the meantime
      }
    }
  }
  return killed;
}

const ENTRY = `${RUN_VARIABLE}=`;

async function processesOf(isOurs: (run: string) => boolean): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const owners = await Promise.all(
    pids.map(async (pid) => {
      // Ours alone can be read; a zombie's environment is empty.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const entry = environment.split('\0').find((variable) => variable.startsWith(ENTRY));
      return entry?.slice(ENTRY.length);
    }),
  );
  return pids.filter((pid, at) => {
    const owner = owners[at];
    return pid !== process.pid && owner !== undefined && isOurs(owner);
  });
}
