// A GitHub App that is installed on the repository: it signs for itself, and gets tokens that last an hour.
import { createPublicKey, randomBytes } from 'node:crypto';
import { jwtVerify } from 'jose';
import { ApiError, notFound, objectOf } from './fields.js';

/** GitHub's (ms). */
const TOKEN_LIFE_MS = 3_600_000;
/** GitHub refuses a JWT that is valid for longer (s). */
const MAX_JWT_SECONDS = 600;
const INSTALLATION = 1;

export interface AppOptions {
  id: string;
  /** PEM */
  publicKey: string;
}

export class App {
  private readonly options: AppOptions;
  private readonly now: () => number;
  private readonly tokens = new Map<string, number>();

  constructor(options: AppOptions, now: () => number) {
    this.options = options;
    this.now = now;
  }

  /** Is it a token that was given, and has not run out? */
  accepts(token: string): boolean {
    return (this.tokens.get(token) ?? 0) > this.now();
  }

  /** Undefined for a path that is none of the app's. @throws ApiError for a JWT that GitHub would refuse */
  async answer(
    method: string,
    pathname: string,
    repository: string,
    jwt: string,
    body: () => Promise<unknown>,
  ): Promise<{ status: number; body: unknown } | undefined> {
    const found = /^\/repos\/([^/]+\/[^/]+)\/installation$/.exec(pathname);
    const isAsked = pathname === `/app/installations/${INSTALLATION}/access_tokens`;
    if (!found && !isAsked) return undefined;
    await this.check(jwt);
    if (found && method === 'GET') {
      if (found[1]?.toLowerCase() !== repository.toLowerCase()) throw notFound();
      return { status: 200, body: { id: INSTALLATION, app_id: Number(this.options.id) } };
    }
    if (!isAsked || method !== 'POST') throw notFound();
    const { repositories, permissions } = objectOf(await body());
    const [, name] = repository.split('/');
    if (Array.isArray(repositories) && repositories.some((one) => one !== name))
      throw new ApiError(422, 'There is at least one repository that does not exist or is not accessible');
    const token = `ghs_${randomBytes(18).toString('hex')}`;
    const expires = this.now() + TOKEN_LIFE_MS;
    this.tokens.set(token, expires);
    return { status: 201, body: { token, expires_at: new Date(expires).toISOString(), permissions } };
  }

  private async check(jwt: string): Promise<void> {
    const refused = new ApiError(401, 'A JSON web token could not be decoded');
    const { payload } = await jwtVerify(jwt, createPublicKey(this.options.publicKey), {
      algorithms: ['RS256'],
      issuer: this.options.id,
      currentDate: new Date(this.now()),
    }).catch(() => {
      throw refused;
    });
    const { iat = 0, exp = Infinity } = payload;
    if (exp - this.now() / 1000 > MAX_JWT_SECONDS || iat * 1000 > this.now())
      throw new ApiError(401, "'Expiration time' claim ('exp') is too far in the future");
  }
}
