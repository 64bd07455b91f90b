/**
 * Devin, over its HTTP API (v1): it works on a machine of its own and pushes a branch, which is fetched into the run's
 * worktree. From the service's documentation; tested against a stand-in that speaks it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { presenceOf, wanted, type Credential } from '../capabilities/credentials.js';
import type { Usage } from '../../shared/contract/job.js';
import { reasonOf } from '../log.js';
import { Git, GitError, TRANSFER_TIMEOUT_MS } from '../workspace/git.js';
import type { Engine, EngineRequest, EngineResult } from './engine.js';
import { USD_PER_ACU } from './prices.js';

const API = 'https://api.devin.ai';
const KEY = 'DEVIN_API_KEY';
/** Where the API is, for a gateway of your own. */
const API_VARIABLE = 'DEVIN_API_URL';
/** Between two looks at a session (ms); the variable is for a gateway that pushes back, and for tests. */
const POLL_MS = 10_000;
const POLL_VARIABLE = 'DEVIN_POLL_MS';
/** One call may take so long (ms). */
const CALL_MS = 30_000;
/** So many calls in a row may fail before the session counts as lost. */
const MAX_FAILED_CALLS = 6;
/** A service that asks for more patience than this (ms) is asked again all the same. */
const MAX_RETRY_AFTER_MS = 60_000;

const credential: Credential = { variables: [KEY], files: [] };

const CreatedSchema = z.object({ session_id: z.string(), url: z.string().optional() });
const SessionSchema = z.object({
  status_enum: z.string().nullish(),
  messages: z
    .array(
      z.object({
        event_id: z.string().optional(),
        type: z.string().optional(),
        message: z.string().optional(),
      }),
    )
    .nullish(),
  /** Told by some plans only. */
  acus_consumed: z.number().nonnegative().nullish(),
});
type Session = z.output<typeof SessionSchema>;

/** The branch that it is asked to push: of this run alone, and removed by nobody but its owner. */
const branchOf = (run: string): string => `devin/${run}`;

export const devin: Engine = {
  name: 'devin',
  // Its git runs here, and no agent beside it: the branch is fetched as the factory would.
  variables: [/^DEVIN_\w+$/, /^(SSH_AUTH_SOCK|GH_TOKEN|GITHUB_TOKEN)$/],

  async probe(env, settings) {
    const found = await presenceOf(credential, { ...env, ...settings.env });
    // There is no program to find: without a key this machine has nothing to do with it.
    if (found === undefined && settings.loggedIn !== true) return undefined;
    return {
      at: settings.env[API_VARIABLE] ?? env[API_VARIABLE] ?? API,
      loggedIn: true,
      credential: found ?? `none of ${wanted(credential)}`,
    };
  },

  async run(request, signal) {
    const env = { ...request.env, ...request.settings.env };
    const key = env[KEY];
    if (key === undefined) return { kind: 'unfit', message: `${KEY} is not set on this factory` };
    const pollMs = Number(env[POLL_VARIABLE]) || POLL_MS;
    return new DevinRun(request, { url: env[API_VARIABLE] ?? API, key, pollMs }).work(signal);
  },
};

interface Api {
  readonly url: string;
  readonly key: string;
  readonly pollMs: number;
}

/** The service said no. */
class DevinError extends Error {
  override readonly name = 'DevinError';
  readonly status: number;
  /** What it asks to wait (ms), at most MAX_RETRY_AFTER_MS; 0 where it does not say. */
  readonly retryAfterMs: number;

  constructor(what: string, status: number, body: string, retryAfter: string | null = null) {
    super(`devin: ${what} was answered with ${status}: ${body.slice(0, 500)}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs(retryAfter);
  }
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms || 0));
}

/** May the same call succeed later? Too many of them, a fault of the service, or no answer at all. */
const mayPass = (error: unknown): boolean => !(error instanceof DevinError) || error.status >= 429;

class DevinRun {
  private readonly request: EngineRequest;
  private readonly api: Api;
  private readonly startedAt = performance.now();
  private readonly shown = new Set<string>();
  private lastMessage = '';
  private acus: number | undefined;
  private created = false;

  constructor(request: EngineRequest, api: Api) {
    this.request = request;
    this.api = api;
  }

  async work(signal: AbortSignal): Promise<EngineResult> {
    const creating = this.create(signal);
    try {
      const session = await Promise.race([creating, whenAborted(signal)]);
      this.request.onStart();
      const end = await this.follow(session, signal);
      return end ?? (await this.takeOver(signal));
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted', usage: this.usage() };
      return this.isLate() ? this.ended('wall', this.lastMessage) : this.failed(error);
    } finally {
      // However the run ends, nothing of it may go on working, and costing, over there; nor what is only beginning.
      const terminated = creating
        .then((session) => this.call('DELETE', `/v1/sessions/${session}`))
        .catch(() => {});
      if (this.created) await terminated;
    }
  }

  private async create(signal: AbortSignal): Promise<string> {
    const { request } = this;
    const { usd } = request.limits;
    const body = {
      prompt: `${request.prompt}\n\n${instructions(request)}`,
      title: request.run,
      tags: ['gigafactory', request.run],
      // The same prompt again is the same session: an answer that was lost makes no second one.
      idempotent: true,
      ...(usd === undefined ? {} : { max_acu_limit: Math.max(1, Math.floor(usd / USD_PER_ACU)) }),
    };
    // Not given up with the run: who does not hear the answer does not know which session to end.
    const answer = await this.patiently(() => this.call('POST', '/v1/sessions', body), signal);
    const created = CreatedSchema.parse(answer);
    this.created = true;
    await this.say(`[engine] session ${created.url ?? created.session_id}`);
    return created.session_id;
  }

  /** Again while the service is busy or away, within the run's time. */
  private async patiently<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        signal.throwIfAborted();
        if (attempt === MAX_FAILED_CALLS || !mayPass(error) || this.isLate()) throw error;
        await this.wait(signal, error instanceof DevinError ? error.retryAfterMs : 0);
      }
    }
  }

  /** Until the next call, and not beyond the run's time. */
  private async wait(signal: AbortSignal, askedMs = 0): Promise<void> {
    const ms = Math.min(Math.max(this.api.pollMs, askedMs), Math.max(0, this.leftMs()) + 1);
    await delay(ms, undefined, { signal });
  }

  private leftMs(): number {
    return this.startedAt + this.request.limits.wallSeconds * 1000 - performance.now();
  }

  private isLate(): boolean {
    return this.leftMs() < 0;
  }

  /** Until it stops working. @returns how the run ends, or undefined when its branch is to be looked at */
  private async follow(session: string, signal: AbortSignal): Promise<EngineResult | undefined> {
    const { limits, settings } = this.request;
    let aliveAt = performance.now();
    const look = (): Promise<unknown> => this.call('GET', `/v1/sessions/${session}`, undefined, signal);
    for (;;) {
      await this.wait(signal);
      const now = performance.now();
      if (this.isLate()) return this.ended('wall', this.lastMessage);
      if (now - aliveAt > settings.stallSeconds * 1000) {
        return this.ended('stall', `it said nothing for ${settings.stallSeconds} s`);
      }
      const state = SessionSchema.parse(await this.patiently(look, signal));
      this.acus = state.acus_consumed ?? this.acus;
      if (await this.show(state)) aliveAt = now;
      if (limits.usd !== undefined && this.usage().usd >= limits.usd) {
        return this.ended(
          'usd',
          `it has cost $${this.usage().usd.toFixed(2)}; $${limits.usd.toFixed(2)} were left for it`,
        );
      }
      switch (state.status_enum) {
        case 'finished':
        // It waits for somebody to answer: what it has pushed may be all it can do.
        case 'blocked':
          return undefined;
        case 'expired':
        case 'suspend_requested':
        case 'suspend_requested_frontend':
          return {
            kind: 'failed',
            exitCode: null,
            message: `devin: the session is ${state.status_enum}\n${this.lastMessage}`.trim(),
            usage: this.usage(),
          };
        default:
          break;
      }
    }
  }

  /** Its branch becomes what the worktree contains. */
  private async takeOver(signal: AbortSignal): Promise<EngineResult> {
    const { worktree, repo, env, run } = this.request;
    const git = new Git(worktree, env);
    const branch = branchOf(run);
    try {
      await git.call(['fetch', '--no-tags', '--', repo, `refs/heads/${branch}`], {
        timeoutMs: TRANSFER_TIMEOUT_MS,
        signal,
      });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      const message = `devin stopped without a branch ${branch}: ${this.lastMessage || error.message}`;
      return { kind: 'failed', exitCode: null, message, usage: this.usage() };
    }
    await git.call(['reset', '--hard', '--quiet', 'FETCH_HEAD'], { signal });
    return { kind: 'completed', usage: this.usage() };
  }

  /** New messages to the log; false when there was none. */
  private async show({ messages }: Session): Promise<boolean> {
    let fresh = false;
    for (const [at, { event_id: id, type, message = '' }] of (messages ?? []).entries()) {
      const key = id ?? String(at);
      if (this.shown.has(key)) continue;
      this.shown.add(key);
      fresh = true;
      if (type === 'devin_message') this.lastMessage = message;
      if (type !== 'initial_user_message') await this.say(message);
    }
    return fresh;
  }

  private async say(line: string): Promise<void> {
    if (line.trim() !== '') await this.request.onOutput(Buffer.from(`${line.trim()}\n`));
  }

  /** It tells no tokens, and its units only on some plans: then nobody knows what it cost. */
  private usage(): Usage {
    const wallSeconds = (performance.now() - this.startedAt) / 1000;
    return this.acus === undefined
      ? { wallSeconds, tokens: 0, usd: 0, accuracy: 'unknown' }
      : { wallSeconds, tokens: 0, usd: this.acus * USD_PER_ACU, accuracy: 'estimated' };
  }

  private ended(ceiling: 'wall' | 'stall' | 'usd', message: string): EngineResult {
    return { kind: 'ended', ceiling, message, usage: this.usage() };
  }

  private failed(error: unknown): EngineResult {
    const message = reasonOf(error);
    const refused = error instanceof DevinError && (error.status === 401 || error.status === 403);
    return refused
      ? { kind: 'unfit', message: `the engine devin is not logged in on this factory: ${message}` }
      : { kind: 'failed', exitCode: null, message, usage: this.usage() };
  }

  private async call(method: string, route: string, body?: object, signal?: AbortSignal): Promise<unknown> {
    const limit = AbortSignal.timeout(CALL_MS);
    const answer = await fetch(this.api.url + route, {
      method,
      headers: { authorization: `Bearer ${this.api.key}`, 'content-type': 'application/json' },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = await answer.text();
    if (!answer.ok)
      throw new DevinError(`${method} ${route}`, answer.status, said, answer.headers.get('retry-after'));
    try {
      return JSON.parse(said) as unknown;
    } catch {
      throw new DevinError(`${method} ${route}`, answer.status, `no JSON: ${said}`);
    }
  }
}

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

const instructions = ({ repo, baseCommit, run }: EngineRequest): string =>
  [
    `Repository: ${repo}`,
    `Begin at commit ${baseCommit}. Push your work to the branch ${branchOf(run)} of that repository and to no other.`,
    'Open no pull request. When the branch is pushed you are done; ask nothing.',
  ].join('\n');
