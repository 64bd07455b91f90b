/** Looking for files in a worktree: nothing outside of it, whatever links an engine has laid. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import picomatch from 'picomatch';

/** Looked at (entries): a build may write a million files. */
const MAX_ENTRIES = 500_000;

/**
 * Regular files that match one of the patterns, as sorted paths with `/`. Links are not followed; `.git` is never
 * looked into, and `node_modules` only where a pattern names it.
 * @param root absolute
 */
export async function filesMatching(root: string, patterns: readonly string[]): Promise<string[]> {
  if (patterns.length === 0) return [];
  const matches = picomatch([...patterns], { dot: true });
  const skipped = patterns.some((pattern) => pattern.includes('node_modules'))
    ? ['.git']
    : ['.git', 'node_modules'];
  const found: string[] = [];
  const folders = [''];
  let looked = 0;
  for (let folder = folders.pop(); folder !== undefined && looked < MAX_ENTRIES; folder = folders.pop()) {
    const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch(() => []);
    looked += entries.length;
    for (const entry of entries) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !skipped.includes(entry.name)) folders.push(name);
      else if (entry.isFile() && matches(name)) found.push(name);
    }
  }
  return found.sort();
}
