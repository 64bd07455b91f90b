// A small OpenID Connect issuer for the embedded cloud: people choose a role instead of typing a password, programs
// use a client secret, and the tokens are checked exactly as Entra ID's are.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyTooLarge, listen, readBody, sendHtml, sendJson, type Handler } from '../httpServer.js';
import { afterSignOut, authorize } from './authorize.js';
import { authenticate, OAuthError, originsOf, type Client } from './clients.js';
import { Grants } from './grants.js';
import { ALGORITHM, signingKey } from './key.js';
import { refusalPage, signedOutPage, signInPage } from './page.js';
import { SESSION_SECONDS, tokenSigner, type Grant, type TokenSigner } from './tokens.js';

export type { Client } from './clients.js';

/** Bytes; a token request has a few hundred. */
const MAX_FORM_BYTES = 16 * 1024;
const COOKIE = 'embedded-session';

export interface IdentityOptions {
  /** 0, the default, chooses a free one. */
  port?: number;
  host?: string;
  /** Where the signing key stays; without it tokens end with the process. */
  dataDir?: string;
  clients: readonly Client[];
  /** `aud` of every access token. */
  audience: string;
  log?: (line: string) => void;
  /** Milliseconds since 1970; for tests of a code's lifetime. */
  now?: () => number;
}

export interface Identity {
  port: number;
  issuer: string;
  jwksUrl: string;
  tokenUrl: string;
  close: () => Promise<void>;
}

/**
 * Starts the issuer.
 * @throws Error when the port is taken, or the key in `dataDir` cannot be read
 */
export async function startIdentity(options: IdentityOptions): Promise<Identity> {
  const { clients, audience, log, now = Date.now } = options;
  const key = await signingKey(options.dataDir);
  const origins = originsOf(clients);
  // The issuer's name holds the port, which is known only when it listens: until then nobody knows where to ask.
  let routes: Routes | undefined;
  const server = await listen('the token issuer', options, async (request, response, url) => {
    allowOrigin(request, response, origins);
    if (request.method === 'OPTIONS') response.writeHead(204).end();
    else await routes?.[`${request.method} ${url.pathname}`]?.(request, response, url);
    if (!response.headersSent) sendJson(response, 404, { error: 'not_found' });
  });
  const issuer = server.url;
  const signer = await tokenSigner(issuer, audience, key);
  const grants = new Grants(signer, now);
  const jwks = { keys: [key.publicJwk] };

  routes = {
    'GET /.well-known/openid-configuration': (_, response) => sendJson(response, 200, metadata(issuer)),
    'GET /jwks': (_, response) => sendJson(response, 200, jwks),
    'GET /authorize': async (request, response, url) => {
      const session = await readSession(request, signer);
      await answerAuthorize(response, url, { clients, session, grants, signer, issuer, now: now() });
    },
    'POST /token': (request, response) => answerToken(request, response, clients, grants, log),
    'GET /signout': (_, response, url) => {
      response.setHeader('set-cookie', `${COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`);
      const target = afterSignOut(clients, url.searchParams);
      if (target === undefined) sendHtml(response, 200, signedOutPage());
      else response.writeHead(302, { location: target }).end();
    },
  };
  return {
    port: server.port,
    issuer,
    jwksUrl: `${issuer}/jwks`,
    tokenUrl: `${issuer}/token`,
    close: server.close,
  };
}

type Routes = Readonly<Record<string, Handler>>;

/** OpenID Connect Discovery 1.0, section 3. */
const metadata = (issuer: string): object => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  end_session_endpoint: `${issuer}/signout`,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [ALGORITHM],
  scopes_supported: ['openid', 'profile', 'offline_access'],
  claims_supported: ['sub', 'name', 'preferred_username', 'roles', 'auth_time'],
  authorization_response_iss_parameter_supported: true,
});

interface SignIn {
  clients: readonly Client[];
  session: Grant | undefined;
  grants: Grants;
  signer: TokenSigner;
  issuer: string;
  now: number;
}

async function answerAuthorize(response: ServerResponse, url: URL, context: SignIn): Promise<void> {
  const { clients, session, grants, signer, issuer, now } = context;
  let decision;
  try {
    decision = authorize(clients, url.searchParams, session, now);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    sendHtml(response, error.status, refusalPage(error.message));
    return;
  }
  const goTo = (redirectUri: string, answer: Readonly<Record<string, string | null>>): void => {
    const target = new URL(redirectUri);
    // RFC 9207: with `iss` a client knows which issuer an answer comes from.
    for (const [name, value] of Object.entries({ ...answer, iss: issuer }))
      if (value !== null) target.searchParams.set(name, value);
    response.writeHead(302, { location: target.href, 'cache-control': 'no-store' }).end();
  };
  switch (decision.kind) {
    case 'choose':
      sendHtml(response, 200, signInPage(decision.client, decision.roles, url.searchParams));
      return;
    case 'refused':
      goTo(decision.redirectUri, {
        error: decision.error.error,
        error_description: decision.error.message,
        state: decision.state,
      });
      return;
    case 'granted': {
      const { grant, state } = decision;
      const { role, clientId, scope, authTime } = grant;
      const cookie = await signer.seal('session', { role, clientId, scope, authTime });
      response.setHeader(
        'set-cookie',
        `${COOKIE}=${cookie}; Max-Age=${SESSION_SECONDS}; Path=/; HttpOnly; SameSite=Lax`,
      );
      goTo(grant.redirectUri, { code: grants.issueCode(grant), state });
    }
  }
}

async function answerToken(
  request: IncomingMessage,
  response: ServerResponse,
  clients: readonly Client[],
  grants: Grants,
  log: ((line: string) => void) | undefined,
): Promise<void> {
  const noStore = { 'cache-control': 'no-store' };
  try {
    const form = await readForm(request);
    const client = authenticate(clients, request.headers.authorization, form);
    sendJson(response, 200, await grants.exchange(client, form), noStore);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    log?.(`token refused: ${error.error}: ${error.message}`);
    // Section 5.2: a client that came with the Authorization header is told the scheme.
    const challenge = error.status === 401 ? { 'www-authenticate': 'Basic realm="embedded cloud"' } : {};
    sendJson(
      response,
      error.status,
      { error: error.error, error_description: error.message },
      { ...noStore, ...challenge },
    );
  }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  if (!request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    throw new OAuthError('invalid_request', 'The body must be application/x-www-form-urlencoded.');
  try {
    const form = new URLSearchParams((await readBody(request, MAX_FORM_BYTES)).toString('utf8'));
    const names = [...form.keys()];
    if (new Set(names).size !== names.length)
      throw new OAuthError('invalid_request', 'A parameter is given more than once.');
    return form;
  } catch (error) {
    if (error instanceof BodyTooLarge) throw new OAuthError('invalid_request', error.message, 413);
    throw error;
  }
}

async function readSession(request: IncomingMessage, signer: TokenSigner): Promise<Grant | undefined> {
  const cookies = request.headers.cookie?.split('; ') ?? [];
  const value = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  return value ? signer.open('session', value) : undefined;
}

/** Pages of registered clients may read the answers; nobody else's may. */
function allowOrigin(request: IncomingMessage, response: ServerResponse, origins: ReadonlySet<string>): void {
  const { origin } = request.headers;
  response.setHeader('vary', 'origin');
  if (origin === undefined || !origins.has(origin)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-headers', 'authorization, content-type');
  response.setHeader('access-control-allow-methods', 'GET, POST');
}
