/** A real repository to work on, and looking into it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ENV = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.invalid',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.invalid',
};

export const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env: ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** A folder that goes away with the test. */
export class TemporaryFolder implements Disposable {
  readonly path = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'factory-test-')));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

export interface Repository {
  /** What the factory is given. */
  readonly path: string;
  /** Somebody else's checkout of it. */
  readonly checkout: string;
  /** Commits files on a branch of that checkout and pushes them. */
  commit(files: Readonly<Record<string, string>>, branch?: string): string;
  show(ref: string, file: string): string;
  head(branch: string): string | undefined;
}

/** A bare repository with a first commit on `main`. */
export function createRepository(
  folder: string,
  files: Readonly<Record<string, string>> = { 'a.txt': 'one\n' },
): Repository {
  const bare = path.join(folder, 'origin.git');
  const checkout = path.join(folder, 'checkout');
  git(folder, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  git(folder, 'init', '--quiet', '--initial-branch=main', checkout);
  git(checkout, 'remote', 'add', 'origin', bare);
  const repository: Repository = {
    path: bare,
    checkout,
    commit(changes, branch = 'main') {
      if (git(checkout, 'branch', '--show-current') !== branch)
        git(checkout, 'checkout', '--quiet', '-B', branch);
      for (const [name, text] of Object.entries(changes)) {
        mkdirSync(path.dirname(path.join(checkout, name)), { recursive: true });
        writeFileSync(path.join(checkout, name), text);
      }
      git(checkout, 'add', '--all');
      git(checkout, 'commit', '--quiet', '-m', 'somebody else');
      git(checkout, 'push', '--quiet', 'origin', branch);
      return git(checkout, 'rev-parse', 'HEAD');
    },
    show: (ref, file) => git(bare, 'show', `${ref}:${file}`),
    head(branch) {
      const ref = git(bare, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);
      return ref === '' ? undefined : ref;
    },
  };
  repository.commit(files);
  return repository;
}
