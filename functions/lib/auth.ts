import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { ROLES, includesRole, type Access } from '../../shared/contract/routes.js';
import { AppError } from '../../shared/errors.js';
import type { Caller, Grant, Operator } from '../operations/caller.js';
import { FACTORY_ALGORITHM, verifyFactoryToken } from './factoryToken.js';
import type { Settings } from './settings.js';

/** What issuers of operator tokens sign with; a shared key is not among them, so a factory's token is never one. */
const OPERATOR_ALGORITHMS = ['RS256', 'PS256', 'ES256'];

const OperatorClaimsSchema = z.object({
  sub: z.string().min(1),
  /** Entra ID: the account's name; the local issuer sends `name`. */
  preferred_username: z.string().optional(),
  name: z.string().optional(),
  roles: z.array(z.string()).default([]),
});

export type Authenticate = (authorization: string | null) => Promise<Caller>;

/** Makes the check of bearer tokens: those of people against their issuer, those of factories against our key. */
export function authenticator(settings: Pick<Settings, 'operator' | 'factoryTokenKey'>): Authenticate {
  const keys = keysFrom(settings.operator.jwksUrl);
  return async (authorization) => {
    if (authorization === null) throw new AppError('unauthenticated', 'a bearer token is missing');
    const [scheme, token] = authorization.split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || !token)
      throw new AppError('unauthenticated', 'expected "Authorization: Bearer <token>"');
    try {
      return decodeProtectedHeader(token).alg === FACTORY_ALGORITHM
        ? await verifyFactoryToken(token, settings.factoryTokenKey)
        : await verifyOperatorToken(token, keys, settings.operator);
    } catch (error) {
      throw authFailure(error);
    }
  };
}

/** The issuer's keys, fetched when needed and kept. That they cannot be fetched is not the caller's fault. */
function keysFrom(jwksUrl: URL): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(jwksUrl);
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys)
        throw cause;
      const message = 'the keys of the token issuer cannot be fetched';
      throw new AppError('unavailable', message, { retryAfterSeconds: 2 }, { cause });
    }
  };
}

async function verifyOperatorToken(
  token: string,
  keys: JWTVerifyGetKey,
  operator: Settings['operator'],
): Promise<Operator> {
  const { payload } = await jwtVerify(token, keys, {
    algorithms: OPERATOR_ALGORITHMS,
    issuer: operator.issuer,
    audience: operator.audience,
    requiredClaims: ['exp'],
  });
  const claims = OperatorClaimsSchema.parse(payload);
  return {
    kind: 'operator',
    id: claims.preferred_username ?? claims.name ?? claims.sub,
    grants: claims.roles.flatMap(grantOf),
    enrols: claims.roles.flatMap((role) => scopeOf(role, ENROLS)),
  };
}

/** The role of machines that join the fleet by their managed identity. */
const ENROLS = 'factory';

/** The products that `<role>` (all of them, `*`) or `<role>.<product>` is about. */
function scopeOf(claim: string, role: string): string[] {
  if (claim === role) return ['*'];
  const productId = claim.startsWith(`${role}.`) ? claim.slice(role.length + 1) : '';
  return productId === '' || productId === '*' ? [] : [productId];
}

/** `admin` counts for all products, `viewer.shop` for one. Anything else grants nothing. */
const grantOf = (claim: string): Grant[] =>
  ROLES.flatMap((role) => scopeOf(claim, role).map((productId) => ({ role, productId })));

/** Whatever is wrong with a token, its sender has to bring another one. */
function authFailure(error: unknown): unknown {
  if (error instanceof z.ZodError)
    return new AppError('unauthenticated', 'the token lacks claims that it must have');
  if (error instanceof errors.JWTExpired)
    return new AppError('unauthenticated', 'the token has expired; sign in again');
  if (error instanceof errors.JOSEError || error instanceof TypeError)
    return new AppError('unauthenticated', 'the token is not valid here');
  return error;
}

/**
 * May this kind of caller use the route at all? People need the role on at least one product; which one it must be
 * is the operation's to check. Whatever is not listed is refused.
 * @throws AppError forbidden
 */
export function requireAccess(caller: Caller, access: readonly Access[]): void {
  const allowed = access.some((entry) => {
    switch (entry) {
      case 'anyone':
      case 'signature':
      case 'enrolment':
        return true;
      case 'factory':
        return caller.kind === 'factory';
      default:
        return caller.kind === 'operator' && caller.grants.some((grant) => includesRole(grant.role, entry));
    }
  });
  if (!allowed)
    throw new AppError('forbidden', `this takes: ${access.join(' or ')}`, { access: [...access] });
}

/** Routes that check their caller themselves: a signature, a one-time token, or nobody at all. */
export const needsToken = (access: readonly Access[], authorization: string | null): boolean =>
  !access.some(
    (entry) =>
      entry === 'anyone' || entry === 'signature' || (entry === 'enrolment' && authorization === null),
  );
