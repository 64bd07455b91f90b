// The authorization endpoint as a decision: what a request to sign in leads to. The server carries it out.
import { OAuthError, type Client } from './clients.js';
import type { CodeGrant } from './grants.js';
import type { Grant } from './tokens.js';

/** RFC 7636: an S256 challenge is 32 bytes in base64url. */
const S256_CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

export type Authorization =
  /** Signed in: a code for this grant goes to the client's page. */
  | { kind: 'granted'; grant: CodeGrant; state: string | null }
  /** A person must choose a role first. */
  | { kind: 'choose'; client: Client; roles: readonly string[] }
  /** An error that the client's page is told. */
  | { kind: 'refused'; redirectUri: string; state: string | null; error: OAuthError };

/**
 * @param session who signed in here before, from the issuer's own cookie
 * @param now milliseconds since 1970
 * @throws OAuthError where the client or its address is not to be trusted: the person must be told here, not there
 */
export function authorize(
  clients: readonly Client[],
  query: URLSearchParams,
  session: Grant | undefined,
  now: number,
): Authorization {
  const client = clients.find(({ clientId }) => clientId === query.get('client_id'));
  if (!client) throw new OAuthError('invalid_request', 'No client of that client_id is registered here.');
  const redirectUri = query.get('redirect_uri');
  if (redirectUri === null || !client.redirectUris?.includes(redirectUri))
    throw new OAuthError('invalid_request', `That redirect_uri is not registered for ${client.name}.`);

  const state = query.get('state');
  const refuse = (error: string, description: string): Authorization => ({
    kind: 'refused',
    redirectUri,
    state,
    error: new OAuthError(error, description),
  });
  if (query.get('response_type') !== 'code')
    return refuse('unsupported_response_type', 'response_type must be code.');
  if ((query.get('response_mode') ?? 'query') !== 'query')
    return refuse('invalid_request', 'response_mode must be query.');
  const codeChallenge = query.get('code_challenge') ?? '';
  if (query.get('code_challenge_method') !== 'S256' || !S256_CHALLENGE.test(codeChallenge))
    return refuse('invalid_request', 'PKCE is required: a code_challenge with code_challenge_method=S256.');

  const prompt = query.get('prompt')?.split(' ') ?? [];
  const hint = query.get('login_hint');
  const remembered = prompt.includes('login') || prompt.includes('select_account') ? undefined : session;
  const role =
    hint !== null && client.roles.includes(hint)
      ? hint
      : remembered && client.roles.includes(remembered.role)
        ? remembered.role
        : undefined;
  if (role === undefined)
    return prompt.includes('none')
      ? refuse('login_required', 'Nobody is signed in, and prompt=none forbids to ask.')
      : { kind: 'choose', client, roles: client.roles };
  return {
    kind: 'granted',
    state,
    grant: {
      role,
      clientId: client.clientId,
      scope: query.get('scope') ?? '',
      authTime: role === remembered?.role ? remembered.authTime : Math.floor(now / 1000),
      redirectUri,
      codeChallenge,
      nonce: query.get('nonce') ?? undefined,
    },
  };
}

/**
 * Where to send somebody who signed out: back to the client if the address is of a registered origin.
 * @returns undefined to stay here
 */
export function afterSignOut(clients: readonly Client[], query: URLSearchParams): string | undefined {
  const target = query.get('post_logout_redirect_uri');
  if (target === null || !URL.canParse(target)) return undefined;
  const { origin } = new URL(target);
  const known = clients.some(({ redirectUris = [] }) =>
    redirectUris.some((uri) => new URL(uri).origin === origin),
  );
  if (!known) return undefined;
  const url = new URL(target);
  const state = query.get('state');
  if (state !== null) url.searchParams.set('state', state);
  return url.href;
}
