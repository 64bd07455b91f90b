/** Finding programs on the PATH without starting anything, and how each system wants one started. */
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** What Windows tries where it is not told. */
const USUAL_ENDINGS = '.COM;.EXE;.BAT;.CMD';

/** The first executable file of that name on the PATH, or a path itself where a file is; undefined when there is none. */
export async function findProgram(name: string, env: Env = process.env): Promise<string | undefined> {
  for (const file of placesOf(name, env)) {
    try {
      await access(file, constants.X_OK);
      if ((await stat(file)).isFile()) return file;
    } catch {
      // not here
    }
  }
  return undefined;
}

/**
 * Where a program may be, in the order of the PATH; relative folders have no say, as they mean another place in each
 * run. On Windows with the endings of PATHEXT, unless the name has one of them itself.
 */
export function placesOf(name: string, env: Env, platform: NodeJS.Platform = process.platform): string[] {
  const isWindows = platform === 'win32';
  const paths = isWindows ? path.win32 : path.posix;
  const list = variable(env, 'PATH', platform) ?? '';
  if (paths.isAbsolute(name)) return [name];
  const folders = isWindows ? unquoted(list) : list.split(':');
  const endings = isWindows ? endingsFor(name, variable(env, 'PATHEXT', platform)) : [''];
  return folders
    .filter((folder) => paths.isAbsolute(folder))
    .flatMap((folder) => endings.map((ending) => paths.join(folder, name + ending)));
}

/** A copy of an environment keeps the letters that Windows itself does not mind: `Path`, `PathExt`. */
function variable(env: Env, name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return env[name];
  const key = Object.keys(env).find((one) => one.toUpperCase() === name);
  return key === undefined ? undefined : env[key];
}

/** Folders between semicolons; in quotes one may have a semicolon of its own. */
const unquoted = (list: string): string[] =>
  (list.match(/(?:"[^"]*"?|[^;"])+/g) ?? []).map((folder) => folder.replaceAll('"', '').trim());

function endingsFor(name: string, told: string | undefined): string[] {
  const endings = (told || USUAL_ENDINGS).split(';').filter((ending) => ending.startsWith('.'));
  const hasOne = endings.some((ending) => name.toLowerCase().endsWith(ending.toLowerCase()));
  return hasOne ? [''] : endings;
}

export interface Invocation {
  readonly command: string;
  readonly args: readonly string[];
  /** The arguments are quoted already, for `windowsVerbatimArguments`. */
  readonly isVerbatim: boolean;
}

/** What every interpreter of a command line passes on as it is. */
const PLAIN = /^[\w.:=/\\@+-]+$/;
/** What cmd.exe takes for something else than text, also between quotes. */
const META = /[()[\]%!^"`<>&|;, *?]/g;

/**
 * How a program is started. On Windows a batch file, as which npm installs every CLI, can only be started by cmd.exe,
 * and takes its arguments apart once more when it passes them on to Node: so each is escaped twice.
 */
export function invocationOf(
  program: string,
  args: readonly string[],
  env: Env,
  platform: NodeJS.Platform = process.platform,
): Invocation {
  if (platform !== 'win32' || !/\.(cmd|bat)$/i.test(program))
    return { command: program, args: [...args], isVerbatim: false };
  const line = [escaped(path.win32.normalize(program)), ...args.map(forBatch)].join(' ');
  const command = variable(env, 'COMSPEC', platform) ?? 'cmd.exe';
  return { command, args: ['/d', '/s', '/c', `"${line}"`], isVerbatim: true };
}

const escaped = (text: string): string => text.replace(META, '^$&');

function forBatch(arg: string): string {
  if (PLAIN.test(arg)) return arg;
  // As the C runtime of the program reads it: backslashes count before a quote only.
  const quoted = `"${arg.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
  return escaped(escaped(quoted));
}
