/** Finding programs on the PATH without starting anything. */
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';

/** Endings that Windows tries; elsewhere a program has its name and nothing more. */
const endings = (env: Readonly<Record<string, string | undefined>>): string[] =>
  process.platform === 'win32' ? (env['PATHEXT'] ?? '.EXE;.CMD;.BAT').split(';') : [''];

/** The first executable file of that name on the PATH; undefined when there is none. */
export async function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    for (const ending of endings(env)) {
      const file = path.join(folder, name + ending);
      try {
        await access(file, constants.X_OK);
        if ((await stat(file)).isFile()) return file;
      } catch {
        // not here
      }
    }
  }
  return undefined;
}
