/**
 * Ending process trees. On POSIX every child of ours leads a process group of its own, so one signal reaches all of
 * its descendants but those that left the group; on Linux these are found by the run's name in their environment, or
 * by what they have open in the run's folders.
 */
import { spawn } from 'node:child_process';
import { readFile, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';

/** Names the run in the environment of everything that it starts. */
export const RUN_VARIABLE = 'GIGAFACTORY_RUN';

/** A process that forks while it is looked for is found in a later pass. */
const MAX_PASSES = 5;

/** How a tree is ended on a system: by one signal to its group, or by a program. */
export type TreeEnd =
  | { readonly kind: 'signal'; readonly pid: number; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'program'; readonly command: string; readonly args: readonly string[] };

/**
 * What ends the tree below a child of ours.
 * @param leader process id of the child, which leads a group of its own on POSIX (macOS and Linux alike)
 * @param isAlive false once the child has ended
 * @returns undefined where nothing can be done any more
 */
export function treeEndOf(
  leader: number,
  signal: 'SIGTERM' | 'SIGKILL',
  isAlive: boolean,
  platform: NodeJS.Platform = process.platform,
): TreeEnd | undefined {
  // The id of a group outlives its leader for as long as anybody is in it.
  if (platform !== 'win32') return { kind: 'signal', pid: -leader, signal };
  // Windows has no groups and no polite end for console programs: the tree is ended by its root. Without a root
  // there is no tree, and its id may be a stranger's by now.
  return isAlive
    ? { kind: 'program', command: 'taskkill', args: ['/pid', String(leader), '/T', '/F'] }
    : undefined;
}

/** Ends the tree below a child of ours; see treeEndOf. */
export function endTree(leader: number, signal: 'SIGTERM' | 'SIGKILL', isAlive: boolean): void {
  const end = treeEndOf(leader, signal, isAlive);
  if (end?.kind === 'program') {
    spawn(end.command, end.args, { stdio: 'ignore', windowsHide: true }).on('error', () => {});
    return;
  }
  try {
    if (end) process.kill(end.pid, end.signal);
  } catch {
    // nobody is left in it
  }
}

/**
 * Kills what a run left behind outside of its process groups (daemons, `setsid`). Linux only: macOS and Windows have no
 * /proc, and there the environment of another process cannot be read without its help.
 * @param run `<jobId>.<epoch>`
 * @param folders of the run alone: found there is also what threw its environment away (`env -i`)
 * @returns how many processes were killed
 */
export async function sweepRun(run: string, folders: readonly string[] = []): Promise<number> {
  return sweep((owner) => owner === run, folders);
}

/** Kills every process that belongs to one of these runs or has anything open in one of these folders. */
export async function sweep(
  isOurs: (run: string) => boolean,
  folders: readonly string[] = [],
): Promise<number> {
  if (process.platform !== 'linux') return 0;
  // One that takes its time to go is found again in the next pass.
  const killed = new Set<number>();
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const found = await processesOf(isOurs, folders);
    if (found.length === 0) break;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
        killed.add(pid);
      } catch {
        // it ended in the meantime
      }
    }
  }
  return killed.size;
}

const ENTRY = `${RUN_VARIABLE}=`;

async function processesOf(isOurs: (run: string) => boolean, folders: readonly string[]): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return false;
      // Ours alone can be read; a zombie has nothing.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const entry = environment.split('\0').find((variable) => variable.startsWith(ENTRY));
      if (entry !== undefined && isOurs(entry.slice(ENTRY.length))) return true;
      if (folders.length === 0) return false;
      const open = await openIn(pid);
      return folders.some((folder) => open.some((name) => isIn(name, folder)));
    }),
  );
  return pids.filter((_, at) => found[at]);
}

/** What a process works in, has open, and has in its memory: through each it could write to files of a later run. */
async function openIn(pid: number): Promise<string[]> {
  const at = `/proc/${pid}`;
  const [descriptors, maps] = await Promise.all([
    readdir(`${at}/fd`).catch(() => []),
    readFile(`${at}/maps`, 'utf8').catch(() => ''),
  ]);
  const links = ['cwd', 'root', ...descriptors.map((descriptor) => `fd/${descriptor}`)];
  return [
    ...(await Promise.all(links.map((link) => readlink(`${at}/${link}`).catch(() => '')))),
    ...maps.split('\n').map((line) => line.slice(line.indexOf('/'))),
  ];
}

/** The kernel adds a word to the name of a folder that was removed. */
const isIn = (name: string, folder: string): boolean =>
  name === folder || name === `${folder} (deleted)` || name.startsWith(folder + path.sep);
