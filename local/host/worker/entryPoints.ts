// Which files of an app hold functions: the glob in `main` of its package.json.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const WILD = /[*?{[]/;

export interface EntryPoints {
  /** Absolute paths, sorted: functions are registered in the same order on every start. */
  files: string[];
  /** What `"type"` says of a `.js` file. */
  moduleType: 'module' | 'commonjs';
  /** Folder below which the built output lies (the glob's fixed part); a change in it means a reload. */
  outputDir: string;
}

/** @throws Error naming what is missing: package.json, its "main", or files that match it */
export function findEntryPoints(appDir: string): EntryPoints {
  const manifest = path.join(appDir, 'package.json');
  if (!existsSync(manifest)) throw new Error(`${appDir} has no package.json, so it is no function app.`);
  const { main, type } = JSON.parse(readFileSync(manifest, 'utf8')) as { main?: string; type?: string };
  if (!main) throw new Error(`${manifest} has no "main": set it to a glob of the built function files.`);
  const pattern = path.posix.normalize(main.replace(/^\.\//, ''));
  const segments = pattern.split('/');
  const firstWild = segments.findIndex((segment) => WILD.test(segment));
  const fixed = segments.slice(0, firstWild < 0 ? -1 : firstWild).join('/');
  const files = listFiles(appDir, fixed)
    .filter((file) => globToRegExp(pattern).test(file))
    .toSorted()
    .map((file) => path.join(appDir, file));
  if (files.length === 0) throw new Error(`No file matches "main" (${main}) in ${appDir}: is the app built?`);
  return {
    files,
    moduleType: type === 'module' ? 'module' : 'commonjs',
    outputDir: path.join(appDir, segments.length > 1 ? (segments[0] ?? '') : ''),
  };
}

function listFiles(root: string, folder: string): string[] {
  const absolute = path.join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { withFileTypes: true }).flatMap((entry) => {
    const relative = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : listFiles(root, relative);
    return [relative];
  });
}

/** Globs as package.json's use them: `*`, `**`, `?`, `[abc]` and `{a,b}`, matched against posix paths. */
export function globToRegExp(glob: string): RegExp {
  let braces = 0;
  const source = glob.replaceAll(/\*\*\/|\*\*|\*|\?|\{|\}|,|[.+^$()|\\]/g, (token) => {
    switch (token) {
      case '**/':
        return '(?:[^/]+/)*';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      case '{':
        braces++;
        return '(?:';
      case '}':
        braces--;
        return ')';
      case ',':
        return braces > 0 ? '|' : ',';
      default:
        return `\\${token}`;
    }
  });
  return new RegExp(`^${source}$`);
}
