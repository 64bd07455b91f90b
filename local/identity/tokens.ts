// What the issuer signs: access tokens, ID tokens, refresh tokens and its own session cookie. Each kind has a
// type and an audience of its own, so none passes for another.
import { randomUUID } from 'node:crypto';
import { importJWK, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import type { Client } from './clients.js';
import { ALGORITHM, type SigningKey } from './key.js';

/** Seconds; Entra ID's access tokens live 60–90 minutes. */
export const ACCESS_TOKEN_SECONDS = 3600;
/** A working day: after it a person chooses a role again. */
const REFRESH_TOKEN_SECONDS = 12 * 3600;
export const SESSION_SECONDS = REFRESH_TOKEN_SECONDS;

/** Somebody who signed in: here a role is all there is to a person. */
export interface Subject {
  readonly sub: string;
  readonly name: string;
  readonly roles: readonly string[];
}

export const personWith = (role: string): Subject => ({
  sub: `${role}@local`,
  name: `Local ${role}`,
  roles: [role],
});

export const clientItself = (client: Client): Subject => ({
  sub: client.clientId,
  name: client.name,
  roles: client.roles,
});

/** What a refresh token or a session cookie stands for. */
export interface Grant {
  readonly role: string;
  readonly clientId: string;
  readonly scope: string;
  /** When the person signed in, in seconds since 1970. */
  readonly authTime: number;
}

export interface TokenSigner {
  accessToken(subject: Subject, clientId: string, scope: string): Promise<string>;
  idToken(subject: Subject, clientId: string, authTime: number, nonce: string | undefined): Promise<string>;
  seal(kind: 'refresh' | 'session', grant: Grant): Promise<string>;
  /** The grant, or undefined when the token is not ours, of another kind, or too old. */
  open(kind: 'refresh' | 'session', token: string): Promise<Grant | undefined>;
}

export async function tokenSigner(issuer: string, audience: string, key: SigningKey): Promise<TokenSigner> {
  const publicKey = await importJWK(key.publicJwk, ALGORITHM);
  const sign = (typ: string, aud: string, seconds: number, claims: JWTPayload): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ })
      .setIssuer(issuer)
      .setAudience(aud)
      .setIssuedAt()
      .setExpirationTime(`${seconds} s`)
      .setJti(randomUUID())
      .sign(key.privateKey);

  return {
    accessToken: ({ sub, name, roles }, clientId, scope) =>
      // RFC 9068 names the type and client_id; azp and scp are Entra ID's words for the same.
      sign('at+jwt', audience, ACCESS_TOKEN_SECONDS, {
        sub,
        name,
        roles: [...roles],
        client_id: clientId,
        azp: clientId,
        ...(scope ? { scp: scope } : {}),
      }),
    idToken: ({ sub, name, roles }, clientId, authTime, nonce) =>
      sign('JWT', clientId, ACCESS_TOKEN_SECONDS, {
        sub,
        name,
        preferred_username: sub,
        roles: [...roles],
        auth_time: authTime,
        ...(nonce ? { nonce } : {}),
      }),
    seal: (kind, grant) => sign(`${kind}+jwt`, `${issuer}/${kind}`, REFRESH_TOKEN_SECONDS, { ...grant }),
    async open(kind, token) {
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          issuer,
          audience: `${issuer}/${kind}`,
          typ: `${kind}+jwt`,
          algorithms: [ALGORITHM],
        });
        const { role, clientId, scope, authTime } = payload;
        if (typeof role !== 'string' || typeof clientId !== 'string') return undefined;
        if (typeof scope !== 'string' || typeof authTime !== 'number') return undefined;
        return { role, clientId, scope, authTime };
      } catch {
        return undefined;
      }
    },
  };
}
