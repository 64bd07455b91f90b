/** Which token this machine has for a repository on GitHub: that of an app, one that somebody set, or that of `gh`. */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { callGithub, githubRefusal } from '../shared/cloud/github.js';
import { reasonOf } from './log.js';
import { ask } from './processes/ask.js';
import { findProgram } from './processes/program.js';
import type { GithubRepository } from './pullRequests.js';

/** The variables that this reads; no command of a run sees them unless the owner passes them on. */
const APP_ID = 'GITHUB_APP_ID';
const APP_KEY = 'GITHUB_APP_PRIVATE_KEY';
const APP_KEY_FILE = 'GITHUB_APP_PRIVATE_KEY_FILE';

/** GitHub takes ten minutes at most (s), and its clock may be behind ours. */
const JWT_SECONDS = 540;
const CLOCK_SKEW_SECONDS = 60;
/** A token that runs out sooner is replaced (ms). */
const MIN_LIFE_MS = 60_000;
/** `gh` reads a file or a key ring (ms). */
const GH_TIMEOUT_MS = 5000;

const InstallationSchema = z.object({ id: z.number() });
const AccessSchema = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

export class GithubTokens {
  private readonly env: NodeJS.ProcessEnv;
  private readonly know: (token: string) => void;
  private readonly now: () => number;
  private readonly installed = new Map<string, { token: string; expiresAt: number }>();

  /**
   * @param know is told each token before anybody uses it: it must never be seen in a log
   * @param now ms since 1970
   */
  constructor(env: NodeJS.ProcessEnv, know: (token: string) => void, now: () => number = Date.now) {
    this.env = env;
    this.know = know;
    this.now = now;
  }

  /**
   * @returns undefined where this machine has none
   * @throws Error when there is an app and GitHub does not take it, or its key cannot be read: what, and where from
   */
  async tokenFor(repository: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
    const appId = this.env[APP_ID];
    if (appId) return this.installationToken(appId, repository, signal);
    return this.env['GH_TOKEN'] || this.env['GITHUB_TOKEN'] || (await this.ofGh(repository, signal));
  }

  /** For this repository alone, with no more rights than a branch and its pull request need. */
  private async installationToken(
    appId: string,
    { apiUrl, owner, name }: GithubRepository,
    signal: AbortSignal,
  ): Promise<string> {
    const key = `${apiUrl} ${owner}/${name}`.toLowerCase();
    const cached = this.installed.get(key);
    if (cached && cached.expiresAt - this.now() > MIN_LIFE_MS) return cached.token;
    const jwt = await this.appToken(appId);
    const found = await callGithub(`${apiUrl}/repos/${owner}/${name}/installation`, jwt, { signal });
    if (!found.ok) throw await githubRefusal(`find the app ${appId} on ${owner}/${name}`, found);
    const { id } = InstallationSchema.parse(await found.json());
    const given = await callGithub(`${apiUrl}/app/installations/${id}/access_tokens`, jwt, {
      method: 'POST',
      body: { repositories: [name], permissions: { contents: 'write', pull_requests: 'write' } },
      signal,
    });
    if (!given.ok) throw await githubRefusal(`give the app ${appId} a token for ${owner}/${name}`, given);
    const access = AccessSchema.parse(await given.json());
    this.know(access.token);
    this.installed.set(key, { token: access.token, expiresAt: Date.parse(access.expires_at) });
    return access.token;
  }

  private async appToken(appId: string): Promise<string> {
    const seconds = Math.floor(this.now() / 1000);
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(appId)
      .setIssuedAt(seconds - CLOCK_SKEW_SECONDS)
      .setExpirationTime(seconds + JWT_SECONDS)
      .sign(await this.appKey());
    this.know(token);
    return token;
  }

  /** GitHub gives the key as PKCS #1; anything that Node reads will do. */
  private async appKey(): Promise<ReturnType<typeof createPrivateKey>> {
    const file = this.env[APP_KEY_FILE];
    const from = file ? file : APP_KEY;
    try {
      // In a variable the lines are often written with \n.
      const pem = file ? await readFile(file, 'utf8') : (this.env[APP_KEY] ?? '').replaceAll('\\n', '\n');
      if (pem.trim() === '') throw new Error(`neither ${APP_KEY_FILE} nor ${APP_KEY} is set`);
      return createPrivateKey(pem);
    } catch (error) {
      throw new Error(
        `${APP_ID} is set, but the app's private key (${from}) cannot be read: ${reasonOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  private async ofGh({ apiUrl }: GithubRepository, signal: AbortSignal): Promise<string | undefined> {
    const gh = await findProgram('gh', this.env);
    if (gh === undefined) return undefined;
    const host = apiUrl === 'https://api.github.com' ? 'github.com' : (this.env['GH_HOST'] ?? 'github.com');
    const said = await ask(gh, ['auth', 'token', '--hostname', host], this.env, GH_TIMEOUT_MS, signal);
    const token = said?.stdout.trim() ?? '';
    if (token === '') return undefined;
    this.know(token);
    return token;
  }
}
