/** One call of GitHub's REST API, the same wherever the product makes one. */

/** One call (ms). */
const TIMEOUT_MS = 15_000;

export interface GithubCall {
  /** GET where left out. */
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
}

/**
 * @param url whole
 * @param token of whatever kind: a person's, an app's JWT, an installation's
 * @throws what fetch throws when GitHub cannot be reached within 15 s
 */
export function callGithub(
  url: string,
  token: string,
  { method = 'GET', body, signal, fetch: send = globalThis.fetch }: GithubCall = {},
): Promise<Response> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  return send(url, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'user-agent': 'gigafactory',
      'x-github-api-version': '2022-11-28',
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
}

/** What GitHub said against a call. */
export async function githubRefusal(what: string, response: Response): Promise<Error> {
  const { message, errors } = (await response.json().catch(() => ({}))) as {
    message?: unknown;
    errors?: { message?: unknown }[];
  };
  const why = [message, ...(errors ?? []).map((one) => one.message)].filter((one) => typeof one === 'string');
  return new Error(`GitHub refused to ${what} (${response.status}): ${why.join('; ') || 'no reason given'}`);
}
