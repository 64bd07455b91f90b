import { SignJWT, jwtVerify } from 'jose';
import { z } from 'zod';
import type { FactoryCaller } from '../operations/caller.js';
import type { FactoryTokens } from '../operations/deps.js';

const ISSUER = 'gigafactory';
const AUDIENCE = 'gigafactory/factory';
export const FACTORY_ALGORITHM = 'HS256';
/** A factory that is on leave for a month need not be enrolled again. */
const LIFETIME_SECONDS = 60 * 24 * 3600;
/** So a factory that runs calls with a token of at most this age. */
const ROTATE_SECONDS = 7 * 24 * 3600;

const ClaimsSchema = z.object({
  sub: z.string().min(1),
  jti: z.string().min(1),
  pools: z.array(z.string()),
  products: z.array(z.string()),
});

/** Signs the tokens of factories with the app's own key. */
export const factoryTokens = (key: Uint8Array): FactoryTokens => ({
  async sign({ factoryId, pools, products, tokenId }) {
    const now = Math.floor(Date.now() / 1000);
    const expires = now + LIFETIME_SECONDS;
    const token = await new SignJWT({ pools: [...pools], products: [...products] })
      .setProtectedHeader({ alg: FACTORY_ALGORITHM })
      .setSubject(factoryId)
      .setJti(tokenId)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt(now)
      .setExpirationTime(expires)
      .sign(key);
    return {
      token,
      issuedAt: isoTime(now),
      tokenExpiresAt: isoTime(expires),
      rotateAt: isoTime(now + ROTATE_SECONDS),
    };
  },
});

const isoTime = (epochSeconds: number): string => new Date(epochSeconds * 1000).toISOString();

/** @throws the JOSE error when the token is not one of ours */
export async function verifyFactoryToken(token: string, key: Uint8Array): Promise<FactoryCaller> {
  const { payload } = await jwtVerify(token, key, {
    algorithms: [FACTORY_ALGORITHM],
    issuer: ISSUER,
    audience: AUDIENCE,
  });
  const { sub, jti, pools, products } = ClaimsSchema.parse(payload);
  return { kind: 'factory', id: sub, tokenId: jti, pools, products };
}
