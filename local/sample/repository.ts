// The sample project as a bare repository, the remote that factories clone from and push to. The same files, names
// and dates give the same commit ids on every machine.
import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { devNull } from 'node:os';
import path from 'node:path';
import { SAMPLE_FAILING_TEST, SAMPLE_FILES } from './project.js';

/** 1 January 2026, 09:00 UTC, in seconds; the second commit comes a day later. */
const FIRST_COMMIT_AT = 1_767_258_000;
const DAY_SECONDS = 86_400;
const AUTHOR = 'Ada Meyer <ada@acme.example>';
/** Marks the state that the sample starts from. */
const BASE_TAG = 'refs/tags/sample-base';

export interface Sample {
  /** Absolute path; what git can clone. */
  bareRepo: string;
  /** The commit whose test fails; `main` moves on from it. */
  baseCommit: string;
}

/**
 * Makes `<dir>/repo.git`, or finds it there as an earlier start left it.
 * @throws Error with git's own words
 */
export async function prepareSample({ dir }: { dir: string }): Promise<Sample> {
  const bareRepo = path.resolve(dir, 'repo.git');
  if (!(await exists(bareRepo))) {
    // Made aside and moved: a start that was interrupted leaves no half repository.
    const fresh = `${bareRepo}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    await git(['init', '--quiet', '--bare', '--initial-branch=main', '--template=', fresh]);
    await git(['-C', fresh, 'fast-import', '--quiet'], importStream());
    await rename(fresh, bareRepo);
  }
  const baseCommit = (await git(['-C', bareRepo, 'rev-parse', '--verify', `${BASE_TAG}^{commit}`])).trim();
  return { bareRepo, baseCommit };
}

/** Both commits and the tag in the language of `git fast-import`. */
function importStream(): string {
  const commit = (
    day: number,
    message: string,
    files: Readonly<Record<string, string>>,
    from: string[],
  ): string[] => {
    const by = `${AUTHOR} ${FIRST_COMMIT_AT + day * DAY_SECONDS} +0000`;
    return [
      'commit refs/heads/main',
      `mark :${day + 1}`,
      `author ${by}`,
      `committer ${by}`,
      sized(message),
      ...from,
      ...Object.entries(files).flatMap(([file, content]) => [`M 100644 inline ${file}`, sized(content)]),
      '',
    ];
  };
  return [
    ...commit(0, 'Price orders in whole cents\n', SAMPLE_FILES, []),
    ...commit(1, 'Say in a test what a volume discount is\n', SAMPLE_FAILING_TEST, ['from :1']),
    `reset ${BASE_TAG}`,
    'from :2',
    'done',
    '',
  ].join('\n');
}

const sized = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}`;

/** Runs git without anything that this machine's settings would add. */
function git(args: readonly string[], input = ''): Promise<string> {
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  return new Promise((resolve, reject) => {
    const child = execFile('git', [...args], { env }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(new Error(`git ${args.join(' ')}: ${stderr.trim() || error.message}`, { cause: error }));
    });
    // A git that ends early closes its input; its exit code tells the reason.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
