// The issuer's signing key. It stays in the data folder, so that tokens outlive a restart.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
} from 'jose';

/** Entra ID signs with it; the control plane's check then is the same here and there. */
export const ALGORITHM = 'RS256';

export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  /** As published: without the private parts. */
  publicJwk: JWK;
}

/**
 * Reads `identity-key.json` in `dataDir`, or makes a new key and writes it there (mode 600).
 * @param dataDir absent: a key of this process alone
 * @throws Error naming the file when it is there but cannot be used
 */
export async function signingKey(dataDir: string | undefined): Promise<SigningKey> {
  const file = dataDir && path.join(dataDir, 'identity-key.json');
  if (!file) return fromJwk(await newJwk());
  try {
    return await fromJwk(JSON.parse(await readFile(file, 'utf8')) as JWK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new Error(`${file} is not a signing key: delete it, and a new one is made.`, { cause: error });
  }
  const jwk = await newJwk();
  await mkdir(dataDir, { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(jwk), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return fromJwk(jwk);
}

async function newJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return exportJWK(privateKey);
}

async function fromJwk(jwk: JWK): Promise<SigningKey> {
  const privateKey = (await importJWK(jwk, ALGORITHM)) as CryptoKey;
  if (jwk.kty !== 'RSA' || privateKey.type !== 'private') throw new Error('expected a private RSA key');
  const kid = await calculateJwkThumbprint(jwk);
  const publicJwk = { kty: jwk.kty, n: jwk.n, e: jwk.e, kid, use: 'sig', alg: ALGORITHM } as JWK;
  return { kid, privateKey, publicJwk };
}
