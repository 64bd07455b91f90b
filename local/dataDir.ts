// The folder that holds everything of one installation: ours alone, and of one process at a time. What was not made by
// us is never written into or thrown away.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import { UsageError } from './usageError.js';

/** Says that the folder is ours; written when it is made ours. */
const MARKER = 'gigafactory.txt';
const MARKER_TEXT =
  'This folder belongs to the gigafactory; `npm start -- --reset` throws away what it holds.\n';
/** Who has the folder: a process id and when that process started. */
const LOCK = 'pid';
/** Files that only an installation has: folders from before there was a marker are known by one of them. */
const JOURNALS = [
  path.join('cloud', 'cosmos', 'cosmos.journal'),
  path.join('cloud', 'servicebus', 'messages.journal'),
];
/** Names of a stranger's files that a refusal tells. */
const NAMES_TOLD = 3;

/** A stranger's file of that name makes no folder ours. */
function isMarked(dataDir: string): boolean {
  try {
    return readFileSync(path.join(dataDir, MARKER), 'utf8') === MARKER_TEXT;
  } catch {
    return false;
  }
}

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/**
 * Makes the folder ours, if it is new, empty or was ours already, and takes it for this process.
 * @param options.reset throws away what our folder holds
 * @returns gives it back
 * @throws a sentence with the cure: it is a file, holds a stranger's files, or another living process has it
 */
export function claimDataDir(dataDir: string, options: { reset?: boolean } = {}): () => Promise<void> {
  const names = namesIn(dataDir);
  const isOurs = isMarked(dataDir) || JOURNALS.some((file) => existsSync(path.join(dataDir, file)));
  if (!isOurs && names.some((name) => name !== LOCK)) {
    const some = names.slice(0, NAMES_TOLD).join(', ') + (names.length > NAMES_TOLD ? ', …' : '');
    throw new UsageError(
      `The folder ${dataDir} holds files that are not the gigafactory's (${some}), so nothing in it was touched: ` +
        'choose an empty or a new folder with --data.',
    );
  }
  const release = lock(dataDir);
  if (options.reset)
    for (const name of names)
      if (name !== LOCK) rmSync(path.join(dataDir, name), { recursive: true, force: true });
  writeFileSync(path.join(dataDir, MARKER), MARKER_TEXT);
  return release;
}

/** One folder after the other: below /proc, Node's own `recursive` tries again without end. */
function makeFolder(folder: string): void {
  const above = path.dirname(folder);
  if (!existsSync(above)) makeFolder(above);
  mkdirSync(folder);
}

/** The names in the folder, which is made if it is not there. */
function namesIn(dataDir: string): string[] {
  let found: Stats | undefined;
  try {
    found = statSync(dataDir, { throwIfNoEntry: false });
    if (found?.isDirectory()) return readdirSync(dataDir);
    if (!found) {
      makeFolder(dataDir);
      return [];
    }
  } catch (error) {
    const why = hasCode(error, 'ENOTDIR', 'EEXIST')
      ? 'a part of its path is a file'
      : hasCode(error, 'EACCES', 'EPERM', 'EROFS')
        ? 'this user may not write there'
        : String(error);
    throw new UsageError(`The folder ${dataDir} cannot be used (${why}): choose another with --data.`, {
      cause: error,
    });
  }
  throw new UsageError(`${dataDir} is a file, and a folder was expected: choose a folder with --data.`);
}

/**
 * When a process started, in the system's own terms; ids are used again, this pair is not. Linux only: undefined
 * elsewhere, where the id alone has to do.
 */
function startOf(pid: number): string | undefined {
  try {
    // The fields after the name in parentheses, which may hold anything; proc(5): starttime is the 22nd of all.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, but belongs to somebody else.
    return hasCode(error, 'EPERM');
  }
}

function lock(dataDir: string): () => Promise<void> {
  const file = path.join(dataDir, LOCK);
  for (;;) {
    try {
      writeFileSync(file, `${process.pid} ${startOf(process.pid) ?? ''}`, { flag: 'wx' });
      return () => Promise.resolve(rmSync(file, { force: true }));
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const [id = '', started = ''] = readFileSync(file, 'utf8').split(' ');
    const holder = Number.parseInt(id, 10);
    const isTheSame = started === '' || startOf(holder) === undefined || startOf(holder) === started;
    if (Number.isInteger(holder) && holder !== process.pid && isAlive(holder) && isTheSame) {
      throw new Error(
        `The folder ${dataDir} is in use by process ${holder}: stop that one first, or choose another folder with --data.`,
      );
    }
    rmSync(file, { force: true });
  }
}
