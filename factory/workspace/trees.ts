/** Folders with the files of a repository: removing them, and finding what a fresh checkout would not have. */
import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { chmod, lstat, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** Looked at together: a repository has more files than a process may ask for at once. */
const LOOKED_AT_TOGETHER = 256;
/** Those of owner, group and others, and the bits above them. */
const PERMISSIONS = 0o7777;

/** Removes a tree also where it holds folders without write permission, as package caches do. */
export async function removeTree(folder: string): Promise<void> {
  const remove = (): Promise<void> =>
    rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  try {
    await remove();
  } catch (error) {
    if (process.platform === 'win32') throw error;
    await promisify(execFile)('chmod', ['-R', 'u+rwX', '--', folder]).catch(() => {});
    await remove();
  }
}

/**
 * Files whose content is right but that a checkout would have made otherwise: with a second name somewhere, through
 * which they could still be changed, or with other permissions. Folders get theirs back.
 * @param files relative to the root, in folders that are no links
 */
export async function oddFiles(root: string, files: readonly string[]): Promise<string[]> {
  if (process.platform === 'win32') return among(root, files, (found) => found.isFile() && found.nlink > 1);
  const allowed = 0o777 & ~process.umask();
  const plain = 0o666 & allowed;
  const folders = new Set(files.map((file) => path.dirname(file)));
  for (const folder of folders) if (folder !== '.') folders.add(path.dirname(folder));
  const strange = await among(root, [...folders], ({ mode }) => (mode & PERMISSIONS) !== allowed);
  await Promise.all(strange.map((folder) => chmod(path.join(root, folder), allowed)));
  return among(root, files, (found) => {
    const mode = found.mode & PERMISSIONS;
    return found.isFile() && (found.nlink > 1 || (mode !== plain && mode !== allowed));
  });
}

async function among(
  root: string,
  names: readonly string[],
  is: (found: Stats) => boolean,
): Promise<string[]> {
  const some: string[] = [];
  for (let at = 0; at < names.length; at += LOOKED_AT_TOGETHER) {
    const batch = names.slice(at, at + LOOKED_AT_TOGETHER);
    const found = await Promise.all(batch.map((name) => lstat(path.join(root, name))));
    some.push(...batch.filter((_, n) => is(found[n] as Stats)));
  }
  return some;
}
