// Who may ask the issuer for tokens, and the checks that do not depend on a grant.
import { createHash, timingSafeEqual } from 'node:crypto';

/** One registered application. */
export interface Client {
  readonly clientId: string;
  /** Present: the client authenticates itself and may use client_credentials. Absent: a public client. */
  readonly clientSecret?: string;
  /** Exact addresses; a code goes nowhere else. */
  readonly redirectUris?: readonly string[];
  /** What a client_credentials token carries, and the roles that a person may choose at sign-in. */
  readonly roles: readonly string[];
  readonly name: string;
}

/** An error of RFC 6749 (sections 4.1.2.1 and 5.2) or of OpenID Connect (`login_required`). */
export class OAuthError extends Error {
  readonly error: string;
  readonly status: number;

  constructor(error: string, description: string, status = 400) {
    super(description);
    this.error = error;
    this.status = status;
  }
}

/** Compares without telling by its duration how much was right. */
export function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The S256 transformation of RFC 7636: what a verifier's challenge must be. */
export const challengeOf = (verifier: string): string =>
  createHash('sha256').update(verifier).digest('base64url');

/**
 * Finds the client of a token request by HTTP Basic or by the form, and checks its secret.
 * @throws OAuthError invalid_client, invalid_request
 */
export function authenticate(
  clients: readonly Client[],
  authorization: string | undefined,
  form: URLSearchParams,
): Client {
  const basic = authorization === undefined ? undefined : readBasic(authorization);
  if (basic && form.has('client_secret'))
    throw new OAuthError('invalid_request', 'Use one way of client authentication, not two.');
  const id = basic?.id ?? form.get('client_id');
  const secret = basic?.secret ?? form.get('client_secret');
  if (!id) throw new OAuthError('invalid_client', 'The request names no client_id.', 401);
  const client = clients.find(({ clientId }) => clientId === id);
  const matches =
    client && (client.clientSecret === undefined ? !secret : equalSecrets(client.clientSecret, secret ?? ''));
  if (!client || !matches)
    throw new OAuthError('invalid_client', 'The client is unknown, or its secret is wrong.', 401);
  return client;
}

/** Section 2.3.1: both halves are form-encoded before they are joined. */
function readBasic(authorization: string): { id: string; secret: string } {
  const [scheme, encoded] = authorization.split(' ');
  const text = scheme?.toLowerCase() === 'basic' ? Buffer.from(encoded ?? '', 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 1) throw new OAuthError('invalid_client', 'The Authorization header is not HTTP Basic.', 401);
  const decode = (half: string): string => new URLSearchParams(`v=${half}`).get('v') ?? '';
  return { id: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
}

/** The origins whose pages may read the answers of the token endpoint. */
export function originsOf(clients: readonly Client[]): Set<string> {
  return new Set(clients.flatMap(({ redirectUris = [] }) => redirectUris.map((uri) => new URL(uri).origin)));
}
