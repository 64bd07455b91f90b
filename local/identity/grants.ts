// The token endpoint: one function a grant of RFC 6749. No sockets; the server reads requests and writes answers.
import { randomBytes } from 'node:crypto';
import { challengeOf, equalSecrets, OAuthError, type Client } from './clients.js';
import { ACCESS_TOKEN_SECONDS, clientItself, personWith, type Grant, type TokenSigner } from './tokens.js';

/** RFC 6749 recommends at most 10 minutes; a browser on this machine needs a moment. */
const CODE_LIFETIME_MS = 60_000;
/** Codes that nobody fetched do not pile up: beyond this the oldest go. */
const MAX_CODES = 1000;
/** RFC 7636, section 4.1. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** The successful answer of section 5.1. */
export interface TokenAnswer {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  scope?: string;
  id_token?: string;
  refresh_token?: string;
}

/** What an authorization code was given for. */
export interface CodeGrant extends Grant {
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly nonce: string | undefined;
}

export class Grants {
  readonly #codes = new Map<string, CodeGrant & { expiresAt: number }>();
  readonly #signer: TokenSigner;
  readonly #now: () => number;

  constructor(signer: TokenSigner, now: () => number) {
    this.#signer = signer;
    this.#now = now;
  }

  /** A code for one use within a minute. */
  issueCode(grant: CodeGrant): string {
    const code = randomBytes(24).toString('base64url');
    this.#codes.set(code, { ...grant, expiresAt: this.#now() + CODE_LIFETIME_MS });
    const oldest = this.#codes.keys().next().value;
    if (this.#codes.size > MAX_CODES && oldest !== undefined) this.#codes.delete(oldest);
    return code;
  }

  /** @throws OAuthError with an error code of section 5.2 */
  async exchange(client: Client, form: URLSearchParams): Promise<TokenAnswer> {
    const grantType = form.get('grant_type');
    switch (grantType) {
      case 'client_credentials':
        return this.#clientCredentials(client, form);
      case 'authorization_code':
        return this.#authorizationCode(client, form);
      case 'refresh_token':
        return this.#refreshToken(client, form);
      case null:
        throw new OAuthError('invalid_request', 'grant_type is missing.');
      default:
        throw new OAuthError(
          'unsupported_grant_type',
          'grant_type must be client_credentials, authorization_code or refresh_token.',
        );
    }
  }

  async #clientCredentials(client: Client, form: URLSearchParams): Promise<TokenAnswer> {
    if (client.clientSecret === undefined)
      throw new OAuthError(
        'unauthorized_client',
        `${client.clientId} has no secret: people sign in with it.`,
      );
    const scope = form.get('scope') ?? '';
    return {
      access_token: await this.#signer.accessToken(clientItself(client), client.clientId, scope),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      ...(scope ? { scope } : {}),
    };
  }

  async #authorizationCode(client: Client, form: URLSearchParams): Promise<TokenAnswer> {
    const code = form.get('code') ?? '';
    const grant = this.#codes.get(code);
    // Whatever comes of this request, the code was shown once and is used up.
    this.#codes.delete(code);
    if (!grant || grant.expiresAt <= this.#now() || grant.clientId !== client.clientId)
      throw new OAuthError('invalid_grant', 'The code is unknown, used, too old, or of another client.');
    if (form.get('redirect_uri') !== grant.redirectUri)
      throw new OAuthError('invalid_grant', 'redirect_uri is not the one that the code was asked for with.');
    const verifier = form.get('code_verifier') ?? '';
    if (!VERIFIER.test(verifier) || !equalSecrets(challengeOf(verifier), grant.codeChallenge))
      throw new OAuthError('invalid_grant', 'code_verifier does not match the code_challenge.');
    return this.#forPerson(grant, grant.scope, grant.nonce);
  }

  async #refreshToken(client: Client, form: URLSearchParams): Promise<TokenAnswer> {
    const grant = await this.#signer.open('refresh', form.get('refresh_token') ?? '');
    if (!grant || grant.clientId !== client.clientId || !client.roles.includes(grant.role))
      throw new OAuthError('invalid_grant', 'The refresh token is not valid for this client any more.');
    const granted = grant.scope.split(' ');
    const asked = form.get('scope') ?? grant.scope;
    if (!asked.split(' ').every((scope) => granted.includes(scope)))
      throw new OAuthError('invalid_scope', `The refresh token covers only: ${grant.scope}`);
    return this.#forPerson(grant, asked, undefined);
  }

  async #forPerson(grant: Grant, scope: string, nonce: string | undefined): Promise<TokenAnswer> {
    const { role, clientId, authTime } = grant;
    const person = personWith(role);
    const scopes = scope.split(' ');
    return {
      access_token: await this.#signer.accessToken(person, clientId, scope),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      scope,
      ...(scopes.includes('openid')
        ? { id_token: await this.#signer.idToken(person, clientId, authTime, nonce) }
        : {}),
      // As Entra ID does: only for those who ask to go on without the person.
      ...(scopes.includes('offline_access')
        ? {
            refresh_token: await this.#signer.seal('refresh', {
              role,
              clientId,
              scope: grant.scope,
              authTime,
            }),
          }
        : {}),
    };
  }
}
