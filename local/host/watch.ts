// Says when an app's built output, or its host.json, has changed.
import { watch } from 'node:fs';
import path from 'node:path';
import { findEntryPoints } from './worker/entryPoints.js';

/** ms without a change before it is told: a compiler writes many files in a row. */
const QUIET = 150;

/** @returns how to stop watching */
export function watchApp(appDir: string, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const told = (_: unknown, file: string | null): void => {
    if (file?.split(path.sep).some((part) => part === 'node_modules' || part.startsWith('.'))) return;
    clearTimeout(timer);
    timer = setTimeout(changed, QUIET);
  };
  const { outputDir } = findEntryPoints(appDir);
  // An app whose entry points lie beside its package.json is watched without its subfolders.
  const watchers = [watch(outputDir, { recursive: outputDir !== appDir }, told)];
  if (outputDir !== appDir)
    watchers.push(watch(appDir, (event, file) => file === 'host.json' && told(event, file)));
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
