import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from 'oidc-client-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIdentity, type Identity } from '../../../local/identity/server.js';

const AUDIENCE = 'api://gigafactory';
const REDIRECT = 'http://127.0.0.1:4280/';
const SECRET = 's3cret & +more';
const CLIENTS = [
  { clientId: 'aq', clientSecret: SECRET, roles: ['admin'], name: 'Command line' },
  { clientId: 'console', redirectUris: [REDIRECT], roles: ['admin', 'viewer'], name: 'Console' },
];
const VERIFIER = 'a-verifier-of-at-least-forty-three-characters-x';
// SHA-256 of the verifier in base64url, computed apart from the code under test.
const CHALLENGE = await crypto.subtle
  .digest('SHA-256', new TextEncoder().encode(VERIFIER))
  .then((digest) => Buffer.from(digest).toString('base64url'));

let identity: Identity;
let now = Date.now();

beforeAll(async () => {
  identity = await startIdentity({ clients: CLIENTS, audience: AUDIENCE, now: () => now });
});
afterAll(() => identity.close());

const post = (form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(identity.tokenUrl, { method: 'POST', body: new URLSearchParams(form), headers });

const authorizeUrl = (change: Record<string, string | undefined> = {}): string => {
  const query = {
    client_id: 'console',
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid profile offline_access',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    state: 'st',
    login_hint: 'viewer',
    ...change,
  };
  const present = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `${identity.issuer}/authorize?${new URLSearchParams(present).toString()}`;
};
const visit = (url: string, cookie?: string): Promise<Response> =>
  fetch(url, { redirect: 'manual', ...(cookie ? { headers: { cookie } } : {}) });
const landedAt = (response: Response): URLSearchParams =>
  new URL(response.headers.get('location') ?? '').searchParams;
const freshCode = async (): Promise<string> => landedAt(await visit(authorizeUrl())).get('code') ?? '';
const exchange = (code: string, change: Record<string, string> = {}): Promise<Response> =>
  post({
    grant_type: 'authorization_code',
    client_id: 'console',
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    ...change,
  });
const refusal = async (response: Response): Promise<string> =>
  `${response.status} ${((await response.json()) as { error: string }).error}`;

describe('a program with a secret', () => {
  it('gets a token that the published keys verify', async () => {
    const answer = await post({ grant_type: 'client_credentials', client_id: 'aq', client_secret: SECRET });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { access_token: token, token_type: type } = (await answer.json()) as Record<string, string>;
    expect(type).toBe('Bearer');
    const { payload } = await jwtVerify(token ?? '', createRemoteJWKSet(new URL(identity.jwksUrl)), {
      issuer: identity.issuer,
      audience: AUDIENCE,
    });
    expect(payload).toMatchObject({ sub: 'aq', name: 'Command line', roles: ['admin'] });
    expect(payload.exp).toBe((payload.iat ?? 0) + 3600);
  });

  it('may send its secret by HTTP Basic, form-encoded', async () => {
    const credentials = Buffer.from(`aq:${encodeURIComponent(SECRET)}`).toString('base64');
    const answer = await post(
      { grant_type: 'client_credentials' },
      { authorization: `Basic ${credentials}` },
    );
    expect(answer.status).toBe(200);
  });

  it('is refused with a wrong secret, none, or an unknown name', async () => {
    const grant_type = 'client_credentials';
    const wrong = await post({ grant_type, client_id: 'aq', client_secret: 'guess' });
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(await refusal(wrong)).toBe('401 invalid_client');
    expect(await refusal(await post({ grant_type, client_id: 'aq' }))).toBe('401 invalid_client');
    expect(await refusal(await post({ grant_type, client_id: 'nobody' }))).toBe('401 invalid_client');
  });

  it('hears which grants there are, and that a public client has no token of its own', async () => {
    expect(await refusal(await post({ grant_type: 'password', client_id: 'console' }))).toBe(
      '400 unsupported_grant_type',
    );
    expect(await refusal(await post({ client_id: 'console' }))).toBe('400 invalid_request');
    expect(await refusal(await post({ grant_type: 'client_credentials', client_id: 'console' }))).toBe(
      '400 unauthorized_client',
    );
  });

  it('must send a form', async () => {
    const answer = await fetch(identity.tokenUrl, { method: 'POST', body: '{}' });
    expect(await refusal(answer)).toBe('400 invalid_request');
  });
});

describe('a person', () => {
  it('chooses a role on a page that cannot be framed', async () => {
    const page = await visit(authorizeUrl({ login_hint: undefined }));
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const html = await page.text();
    expect(html).toContain('Sign in to the embedded cloud as');
    const links = [...html.matchAll(/href="(\/authorize[^"]*)"/g)].map(([, href]) =>
      (href ?? '').replaceAll('&amp;', '&'),
    );
    expect(links).toHaveLength(2);
    const landed = landedAt(await visit(identity.issuer + links[1]));
    expect(landed.get('state')).toBe('st');
    expect(landed.get('iss')).toBe(identity.issuer);
    const tokens = (await (await exchange(landed.get('code') ?? '')).json()) as Record<string, string>;
    expect(decodeJwt(tokens['access_token'] ?? '')).toMatchObject({
      roles: ['viewer'],
      sub: 'viewer@local',
      aud: AUDIENCE,
    });
    expect(decodeJwt(tokens['id_token'] ?? '')).toMatchObject({ aud: 'console', sub: 'viewer@local' });
  });

  it('is asked again where a hint names a role that the client does not have', async () => {
    const page = await visit(authorizeUrl({ login_hint: 'root' }));
    expect(page.status).toBe(200);
  });

  it('is sent nowhere by an unknown client or an address that is not registered', async () => {
    for (const change of [{ client_id: 'x' }, { redirect_uri: 'http://127.0.0.1:4280/other' }]) {
      const answer = await visit(authorizeUrl(change));
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    }
  });

  it('goes back to the client with an error for a request without PKCE, or of another flow', async () => {
    const errorOf = async (change: Record<string, string | undefined>): Promise<string | null> =>
      landedAt(await visit(authorizeUrl(change))).get('error');
    expect(await errorOf({ code_challenge: undefined })).toBe('invalid_request');
    expect(await errorOf({ code_challenge_method: 'plain' })).toBe('invalid_request');
    expect(await errorOf({ response_type: 'token' })).toBe('unsupported_response_type');
  });

  it('stays signed in: a silent request succeeds with the cookie and says login_required without', async () => {
    const silent = authorizeUrl({ login_hint: undefined, prompt: 'none' });
    expect(landedAt(await visit(silent)).get('error')).toBe('login_required');
    const cookie = (await visit(authorizeUrl())).headers.get('set-cookie')?.split(';')[0];
    expect(cookie).toBeDefined();
    expect(landedAt(await visit(silent, cookie)).get('code')).toBeTruthy();
    const asked = await visit(authorizeUrl({ login_hint: undefined, prompt: 'login' }), cookie);
    expect(asked.status).toBe(200);
  });

  it('signs out, and returns to registered pages only', async () => {
    const signOut = `${identity.issuer}/signout?post_logout_redirect_uri=`;
    const back = await visit(signOut + encodeURIComponent(`${REDIRECT}bye`));
    expect(back.headers.get('location')).toBe(`${REDIRECT}bye`);
    expect(back.headers.get('set-cookie')).toContain('Max-Age=0');
    const away = await visit(signOut + encodeURIComponent('https://example.org/'));
    expect(away.headers.get('location')).toBeNull();
  });
});

describe('a code', () => {
  it('works once', async () => {
    const code = await freshCode();
    expect((await exchange(code)).status).toBe(200);
    expect(await refusal(await exchange(code))).toBe('400 invalid_grant');
  });

  it('needs its own verifier and address', async () => {
    const other = VERIFIER.replace('a', 'b');
    expect(await refusal(await exchange(await freshCode(), { code_verifier: other }))).toBe(
      '400 invalid_grant',
    );
    expect(await refusal(await exchange(await freshCode(), { redirect_uri: 'http://x/' }))).toBe(
      '400 invalid_grant',
    );
  });

  it('lives for a minute', async () => {
    const code = await freshCode();
    now += 61_000;
    expect(await refusal(await exchange(code))).toBe('400 invalid_grant');
  });
});

describe('a refresh token', () => {
  it('gives new tokens for the same person, never more than was granted, and is no access token', async () => {
    const tokens = (await (await exchange(await freshCode())).json()) as Record<string, string>;
    const refresh = (change: Record<string, string> = {}): Promise<Response> =>
      post({
        grant_type: 'refresh_token',
        client_id: 'console',
        refresh_token: tokens['refresh_token'] ?? '',
        ...change,
      });
    const renewed = (await (await refresh()).json()) as Record<string, string>;
    expect(decodeJwt(renewed['access_token'] ?? '')).toMatchObject({ roles: ['viewer'] });
    expect(await refusal(await refresh({ scope: 'openid everything' }))).toBe('400 invalid_scope');
    expect(await refusal(await refresh({ refresh_token: tokens['access_token'] ?? '' }))).toBe(
      '400 invalid_grant',
    );
    expect(decodeJwt(tokens['refresh_token'] ?? '').aud).not.toBe(AUDIENCE);
  });

  it('is given only to those who ask for offline access', async () => {
    const code = landedAt(await visit(authorizeUrl({ scope: 'openid' }))).get('code') ?? '';
    expect(await (await exchange(code)).json()).not.toHaveProperty('refresh_token');
  });
});

describe('browsers', () => {
  it('let the pages of registered clients read answers, and no others', async () => {
    const preflight = (origin: string): Promise<Response> =>
      fetch(identity.tokenUrl, { method: 'OPTIONS', headers: { origin } });
    const allowed = await preflight('http://127.0.0.1:4280');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://127.0.0.1:4280');
    expect((await preflight('https://example.org')).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('sign in with oidc-client-ts', async () => {
    const client = new OidcClient({
      authority: identity.issuer,
      client_id: 'console',
      redirect_uri: REDIRECT,
      scope: 'openid profile offline_access',
      stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    });
    const request = await client.createSigninRequest({ login_hint: 'admin', nonce: 'n-1' });
    const redirected = await visit(request.url);
    const response = await client.processSigninResponse(redirected.headers.get('location') ?? '');
    expect(response.profile).toMatchObject({ sub: 'admin@local', name: 'Local admin' });
    expect(decodeJwt(response.access_token)).toMatchObject({ roles: ['admin'] });
  });
});

describe('the signing key', () => {
  it('outlives a restart, readable by its owner alone; a broken one is named', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'identity-'));
    try {
      const keysOf = async (): Promise<unknown> => {
        const issuer = await startIdentity({ clients: CLIENTS, audience: AUDIENCE, dataDir });
        try {
          return await (await fetch(issuer.jwksUrl)).json();
        } finally {
          await issuer.close();
        }
      };
      const published = await keysOf();
      expect(await keysOf()).toEqual(published);
      const file = path.join(dataDir, 'identity-key.json');
      const { d } = JSON.parse(await readFile(file, 'utf8')) as { d: string };
      expect(JSON.stringify(published)).not.toContain(d);
      const readableByOthers = process.platform === 'win32' ? 0 : (await stat(file)).mode & 0o077;
      expect(readableByOthers).toBe(0);
      await writeFile(file, '{}');
      await expect(keysOf()).rejects.toThrow('identity-key.json');
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('is not needed to say that a port is taken', async () => {
    await expect(
      startIdentity({ clients: CLIENTS, audience: AUDIENCE, port: identity.port }),
    ).rejects.toThrow(`Port ${identity.port} for the token issuer is taken`);
  });
});
