/** What grows without end where jobs come and go: branches and checkpoints on a remote, and mirrors on the disk. */
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Mirror } from './mirror.js';

/** A mirror is tended so often (ms). */
const EVERY_MS = 24 * 3600 * 1000;
/** Nobody goes on with a checkpoint that is so old. */
export const CHECKPOINT_DAYS = 30;

export interface Abandoned {
  /** Feature branches whose last commit is so old are deleted; undefined: never. */
  readonly branchDays: number | undefined;
}

/**
 * Tends a mirror when its day has come; the first day begins with its first run.
 * @param stamps a folder for the times of it
 * @returns whether it was tended
 * @throws GitError
 */
export async function tend(mirror: Mirror, stamps: string, { branchDays }: Abandoned): Promise<boolean> {
  const stamp = path.join(stamps, path.basename(mirror.path));
  const before = await stat(stamp).catch(() => undefined);
  if (before !== undefined && Date.now() - before.mtimeMs < EVERY_MS) return false;
  await mkdir(stamps, { recursive: true });
  await writeFile(stamp, '');
  await utimes(stamp, new Date(), new Date());
  if (before === undefined) return false;
  const stale = [
    ...(await mirror.refsOlderThan('refs/aq/checkpoint/', CHECKPOINT_DAYS)),
    ...(branchDays === undefined ? [] : await mirror.refsOlderThan('refs/heads/aq/', branchDays)),
  ];
  if (stale.length > 0) await mirror.deleteRefs(stale);
  await mirror.collectGarbage();
  return true;
}
