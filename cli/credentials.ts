// A token by the client-credentials grant (RFC 6749, section 4.4), kept as long as this process lives.
import { AppError } from '../shared/errors.js';
import type { Io } from './io.js';

/** A token is replaced so long before it ends (ms): none expires on its way. */
const RENEW_BEFORE_MS = 60_000;
const TOKEN_TIMEOUT_MS = 10_000;

export interface Credentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
}

/**
 * @returns a source of tokens; callers at the same time share one request
 * @throws AppError (from the source) unavailable, unauthenticated
 */
export function clientCredentials(
  io: Pick<Io, 'fetch' | 'now'>,
  credentials: Credentials,
): () => Promise<string> {
  let current: { token: string; until: number } | undefined;
  let asking: Promise<string> | undefined;
  const ask = async (): Promise<string> => {
    const answer = await requestToken(io, credentials);
    current = { token: answer.token, until: io.now() + answer.seconds * 1000 - RENEW_BEFORE_MS };
    return answer.token;
  };
  return () => {
    if (current && io.now() < current.until) return Promise.resolve(current.token);
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

async function requestToken(
  io: Pick<Io, 'fetch'>,
  { tokenUrl, clientId, clientSecret }: Credentials,
): Promise<{ token: string; seconds: number }> {
  let answer: Response;
  try {
    answer = await io.fetch(tokenUrl, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
      }),
      signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
    });
  } catch (error) {
    throw new AppError(
      'unavailable',
      `The token issuer at ${tokenUrl} does not answer: is the system running? Start it with \`npm start\`.`,
      {},
      { cause: error },
    );
  }
  const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  const { access_token: token, expires_in: seconds, error_description: why } = body;
  if (answer.ok && typeof token === 'string')
    return { token, seconds: typeof seconds === 'number' ? seconds : 0 };
  if (answer.status >= 500)
    throw new AppError(
      'unavailable',
      `The token issuer at ${tokenUrl} answered ${answer.status}: try again.`,
    );
  throw new AppError(
    'unauthenticated',
    `The token issuer at ${tokenUrl} refused ${clientId}: ${typeof why === 'string' ? why : `status ${answer.status}`} Start the system again for a new connection file.`,
  );
}
