/** The GitHub REST calls that the product makes, with the answers told apart as far as it acts on them. */
import { callGithub } from '../../shared/cloud/github.js';
import type { TrackerItem } from '../../shared/contract/job.js';
import type { Product } from '../../shared/contract/fleet.js';
import type { Deps } from './deps.js';

/** GitHub gives at most this many entries to a page. */
const PAGE_SIZE = 100;
/** An item with more comments than this is not looked through to the end. */
const MAX_PAGES = 50;

/** A call that failed. `passing`: the same call may succeed later. */
export class TrackerError extends Error {
  override readonly name = 'TrackerError';
  readonly passing: boolean;
  /** What the tracker asks us to wait, where it does. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, passing: boolean, retryAfterSeconds?: number, options?: { cause?: unknown }) {
    super(message, options);
    this.passing = passing;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface GithubItem {
  /** Adds a comment unless there is one with the marker; so a message that comes twice comments once. */
  commentOnce(marker: string, text: string): Promise<void>;
  addLabel(label: string): Promise<void>;
  /** Nothing happens where the label is not there. */
  removeLabel(label: string): Promise<void>;
  close(): Promise<void>;
}

type Tracker = NonNullable<Product['tracker']>;

/**
 * One issue of a product's repository. Calls throw TrackerError.
 * @throws TrackerError when the token's setting is empty: an admin has to set it
 */
export function githubItem(deps: Deps, tracker: Tracker, item: TrackerItem): GithubItem {
  const token = deps.settings.secret(tracker.tokenSetting);
  if (!token) throw new TrackerError(`the setting ${tracker.tokenSetting} is empty`, true);
  const base = `${tracker.apiUrl.replace(/\/+$/, '')}/repos/${item.repository}/issues/${item.number}`;

  const call = async (method: string, path: string, body?: object): Promise<Response> => {
    const response = await request(`${base}${path}`, method, token, body);
    if (response.ok || (response.status === 404 && method === 'DELETE')) return response;
    throw failureOf(response, `${method} ${base}${path} was answered ${response.status}`);
  };

  return {
    async commentOnce(marker, text) {
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const response = await call('GET', `/comments?per_page=${PAGE_SIZE}&page=${page}`);
        const comments = (await response.json()) as { body?: string }[];
        if (comments.some((comment) => comment.body?.includes(marker))) return;
        if (comments.length < PAGE_SIZE) break;
      }
      await call('POST', '/comments', { body: `${text}\n\n${marker}` });
    },
    async addLabel(label) {
      await call('POST', '/labels', { labels: [label] });
    },
    async removeLabel(label) {
      await call('DELETE', `/labels/${encodeURIComponent(label)}`);
    },
    async close() {
      await call('PATCH', '', { state: 'closed', state_reason: 'completed' });
    },
  };
}

async function request(url: string, method: string, token: string, body?: object): Promise<Response> {
  try {
    return await callGithub(url, token, { method, ...(body && { body }) });
  } catch (cause) {
    throw new TrackerError(`${new URL(url).origin} cannot be reached`, true, undefined, { cause });
  }
}

/**
 * 401 and 403 pass too: the token is wrong until somebody changes it, and 403 is also GitHub's secondary rate limit.
 * A missing or locked item stays so.
 */
function failureOf(response: Response, message: string): TrackerError {
  const passing = response.status >= 500 || [401, 403, 408, 429].includes(response.status);
  const retryAfter = Number(response.headers.get('retry-after'));
  return new TrackerError(message, passing, retryAfter > 0 ? retryAfter : undefined);
}

/** Hidden in a comment: which event it tells. */
export const commentMarker = (about: string): string => `<!-- gigafactory:${about} -->`;
