/**
 * A pull request for the feature branch, where the repository is GitHub's and this machine has a token for it. Without
 * either the branch alone is there, as with any git server.
 */
import { callGithub, githubRefusal } from '../shared/cloud/github.js';
import type { PullRequest } from '../shared/contract/job.js';
import type { GithubTokens } from './githubToken.js';

const MAX_BODY_CHARS = 60_000;

export interface PullRequestSpec {
  /** The repository's address, as the job names it. */
  readonly repo: string;
  readonly branch: string;
  readonly baseBranch: string;
  readonly title: string;
  readonly body: string;
}

/** Where a repository's API is, and what it is called there. */
export interface GithubRepository {
  readonly apiUrl: string;
  readonly owner: string;
  readonly name: string;
}

/**
 * @param env `GH_HOST` names an Enterprise host, `GITHUB_API_URL` its API where that is elsewhere
 * @returns undefined for an address that is not on GitHub
 */
export function githubRepository(repo: string, env: NodeJS.ProcessEnv): GithubRepository | undefined {
  const match =
    /^(?:https?:\/\/(?:[^@/]*@)?|ssh:\/\/(?:[^@/]*@)?|[^@/\s]+@)([^/:]+)(?::\d+)?[/:]([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(
      repo,
    );
  const [, host = '', owner = '', name = ''] = match ?? [];
  const enterprise = env['GH_HOST'];
  if (match === null || (host !== 'github.com' && host !== enterprise)) return undefined;
  const standard = host === 'github.com' ? 'https://api.github.com' : `https://${host}/api/v3`;
  return { apiUrl: (env['GITHUB_API_URL'] ?? standard).replace(/\/+$/, ''), owner, name };
}

/**
 * Opens the pull request, or finds the one that an earlier run opened: one branch has one.
 * @returns undefined where there is no GitHub or no token
 * @throws Error with GitHub's answer
 */
export async function ensurePullRequest(
  spec: PullRequestSpec,
  env: NodeJS.ProcessEnv,
  tokens: Pick<GithubTokens, 'tokenFor'>,
  signal: AbortSignal,
): Promise<PullRequest | undefined> {
  const repository = githubRepository(spec.repo, env);
  if (repository === undefined) return undefined;
  const token = await tokens.tokenFor(repository, signal);
  if (token === undefined) return undefined;
  const pulls = `${repository.apiUrl}/repos/${repository.owner}/${repository.name}/pulls`;
  const found = async (): Promise<PullRequest | undefined> => {
    const query = new URLSearchParams({
      head: `${repository.owner}:${spec.branch}`,
      base: spec.baseBranch,
      state: 'open',
    });
    const listed = await callGithub(`${pulls}?${query.toString()}`, token, { signal });
    if (!listed.ok) throw await githubRefusal('list the pull requests', listed);
    const [first] = (await listed.json()) as unknown[];
    return first === undefined ? undefined : readPullRequest(first);
  };
  const open = await found();
  if (open !== undefined) return open;
  const created = await callGithub(pulls, token, {
    method: 'POST',
    body: {
      title: spec.title,
      head: spec.branch,
      base: spec.baseBranch,
      body: spec.body.slice(0, MAX_BODY_CHARS),
    },
    signal,
  });
  if (created.ok) return readPullRequest(await created.json());
  // Somebody else was faster, or our own answer got lost.
  const other = created.status === 422 ? await found() : undefined;
  if (other !== undefined) return other;
  throw await githubRefusal('open a pull request', created);
}

function readPullRequest(value: unknown): PullRequest {
  const { number, html_url: url } = (value ?? {}) as { number?: unknown; html_url?: unknown };
  if (typeof number !== 'number' || typeof url !== 'string')
    throw new Error('GitHub answered without a pull request');
  return { number, url };
}
