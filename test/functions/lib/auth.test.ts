import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticator, type Authenticate } from '../../../functions/lib/auth.js';
import { factoryTokens } from '../../../functions/lib/factoryToken.js';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'api://gigafactory';
const KEY = new Uint8Array(32).fill(7);

let server: Server;
let authenticate: Authenticate;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'RS256' };
  server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  authenticate = at((server.address() as AddressInfo).port);
});
afterAll(() => server.close());

const at = (port: number): Authenticate =>
  authenticator({
    operator: { issuer: ISSUER, audience: AUDIENCE, jwksUrl: new URL(`http://127.0.0.1:${port}/`) },
    factoryTokenKey: KEY,
  });

interface Claims {
  payload?: JWTPayload;
  issuer?: string;
  audience?: string;
  expires?: string;
}
const sign = ({
  payload = {},
  issuer = ISSUER,
  audience = AUDIENCE,
  expires = '1h',
}: Claims = {}): Promise<string> =>
  new SignJWT({ roles: ['admin'], name: 'Ada', ...payload })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setSubject('ada')
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime(expires)
    .sign(keys.privateKey);

const bearer = async (token: Promise<string> | string) => authenticate(`Bearer ${await token}`);
const refused = { code: 'unauthenticated' };

describe('a token of a person', () => {
  it('gives the roles that it names, for all products or for one', async () => {
    const roles = ['viewer', 'factory.shop', 'reviewer.shop', 'root', 'admin.', 'admin.*', '.shop'];
    expect(await bearer(sign({ payload: { roles } }))).toEqual({
      kind: 'operator',
      id: 'Ada',
      grants: [
        { role: 'viewer', productId: '*' },
        { role: 'reviewer', productId: 'shop' },
      ],
      enrols: ['shop'],
    });
  });

  it('of another issuer, for another audience or expired is refused', async () => {
    await expect(bearer(sign({ issuer: 'https://evil.example' }))).rejects.toMatchObject(refused);
    await expect(bearer(sign({ audience: 'api://other' }))).rejects.toMatchObject(refused);
    await expect(bearer(sign({ expires: '1s ago' }))).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('expired') as string,
    });
  });

  it('signed with the public key as a shared secret is refused', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    const forged = new SignJWT({ roles: ['admin'] })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .setSubject('eve')
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('1h')
      .sign(secret);
    await expect(bearer(forged)).rejects.toMatchObject(refused);
  });

  it('cannot be checked while the issuer is away, which is not its fault', async () => {
    const token = await sign();
    const away = at(9);
    await expect(away(`Bearer ${token}`)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a token of a factory', () => {
  it('says who it is, its pools and its products', async () => {
    const { token } = await factoryTokens(KEY).sign({
      factoryId: 'box',
      pools: ['any'],
      products: ['shop'],
      tokenId: 't1',
    });
    expect(await bearer(token)).toEqual({
      kind: 'factory',
      id: 'box',
      tokenId: 't1',
      pools: ['any'],
      products: ['shop'],
    });
  });

  it('signed with another key is refused', async () => {
    const other = factoryTokens(new Uint8Array(32).fill(8));
    const { token } = await other.sign({ factoryId: 'box', pools: [], products: ['*'], tokenId: 't1' });
    await expect(bearer(token)).rejects.toMatchObject(refused);
  });
});

describe('anything else', () => {
  it.each([null, '', 'Bearer', 'Bearer x', 'Basic YTpi', 'Bearer a.b.c'])(
    'is refused: %s',
    async (header) => {
      await expect(authenticate(header)).rejects.toMatchObject(refused);
    },
  );
});
