/** Calling git: never through a shell, never asking anything, never running anybody's hooks. */
import { runChild, SpawnError } from '../processes/child.js';
import { lastLines } from '../runs/tail.js';

/** Local commands answer in milliseconds; this is for a disk that hangs (ms). */
const LOCAL_TIMEOUT_MS = 120_000;
/** Asking a remote for its branches (ms): a doomed job fails in seconds. */
export const ASK_TIMEOUT_MS = 20_000;
/** Moving objects (ms): a first fetch of a large repository takes minutes. */
export const TRANSFER_TIMEOUT_MS = 15 * 60_000;
/** More output than any command of ours needs (bytes); a list of 100,000 changed paths fits. */
export const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** Settings that hold whatever the user's, the repository's or an engine's own configuration says. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotePath=false',
  'core.useReplaceRefs=false',
  'commit.gpgSign=false',
  'tag.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'fetch.recurseSubmodules=false',
  'push.recurseSubmodules=no',
  'protocol.ext.allow=never',
  'advice.detachedHead=false',
].flatMap((setting) => ['-c', setting]);

/** A git command that failed: what it said, without credentials of an address. */
export class GitError extends Error {
  override readonly name = 'GitError';
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    what: string,
    end: { exitCode: number | null; stdout: string; stderr: string; timedOut: boolean },
  ) {
    const said = lastLines(Buffer.from(end.stderr || end.stdout), 5);
    super(
      `git ${what}: ${end.timedOut ? 'took too long and was ended' : said || `exit code ${end.exitCode}`}`,
    );
    this.exitCode = end.exitCode;
    this.stdout = end.stdout;
    this.stderr = end.stderr;
  }
}

/** A git command printed more than is taken from one (MAX_OUTPUT_BYTES). */
export class OutputTooLargeError extends Error {
  override readonly name = 'OutputTooLargeError';

  constructor(what: string) {
    super(`git ${what} printed more than ${MAX_OUTPUT_BYTES} bytes`);
  }
}

export interface GitCall {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Exit codes that are answers rather than failures. */
  readonly allow?: readonly number[];
}

/** Git as the factory calls it. */
export class Git {
  readonly cwd: string;
  private readonly env: Readonly<Record<string, string>>;

  /** @param env a clean environment, see processes/environment.ts */
  constructor(cwd: string, env: Readonly<Record<string, string>>) {
    this.cwd = cwd;
    this.env = { ...env, LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' };
  }

  /**
   * The same git in exactly this repository: nothing is looked for in the folder, where an engine may have put a
   * `.git` that leads elsewhere.
   * @param gitDir absolute; need not be a repository for commands that can do without
   * @param worktree absolute; absent for a bare repository
   */
  in(gitDir: string, worktree?: string): Git {
    const at = worktree === undefined ? {} : { GIT_WORK_TREE: worktree };
    return new Git(worktree ?? this.cwd, { ...this.env, GIT_DIR: gitDir, ...at });
  }

  /**
   * Runs one command and answers with its standard output.
   * @throws GitError when it fails, also when git is missing; an AbortError when the signal ended it
   */
  async call(args: readonly string[], options: GitCall = {}): Promise<string> {
    return (await this.run(args, options)).stdout;
  }

  /** As `call`, with the exit code, for commands whose exit code is their answer (see `allow`). */
  async run(
    args: readonly string[],
    { timeoutMs = LOCAL_TIMEOUT_MS, signal, allow = [] }: GitCall = {},
  ): Promise<{ stdout: string; exitCode: number | null }> {
    signal?.throwIfAborted();
    const collected = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let size = 0;
    const what = args.find((arg) => !arg.startsWith('-')) ?? '';
    const end = await runChild(
      {
        command: 'git',
        args: [...SETTINGS, ...args],
        cwd: this.cwd,
        env: this.env,
        timeoutMs,
        onOutput(chunk, stream) {
          size += chunk.length;
          if (size > MAX_OUTPUT_BYTES) throw new OutputTooLargeError(what);
          collected[stream].push(chunk);
          return undefined;
        },
      },
      signal,
    ).catch((error: unknown) => {
      if (!(error instanceof SpawnError)) throw error;
      throw new GitError(what, { exitCode: null, stdout: '', stderr: error.message, timedOut: false });
    });
    signal?.throwIfAborted();
    const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(collected[stream]).toString('utf8');
    if (end.exitCode !== 0 && !(end.exitCode !== null && allow.includes(end.exitCode))) {
      throw new GitError(what, {
        exitCode: end.exitCode,
        stdout: withoutCredentials(text('stdout')),
        stderr: withoutCredentials(text('stderr')),
        timedOut: end.cause === 'timeout',
      });
    }
    return { stdout: text('stdout'), exitCode: end.exitCode };
  }
}

/** `https://user:token@host/…` as it may be shown. */
export const withoutCredentials = (text: string): string =>
  text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi, '$1***@');
