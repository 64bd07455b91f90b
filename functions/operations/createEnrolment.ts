import { randomBytes } from 'node:crypto';
import { CONTROL, FLEET } from '../../shared/topology.js';
import { after } from '../../shared/rules/leases.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { sha256 } from '../../shared/eventChain.js';

/** 256 bits: not to be guessed, so its hash needs no salt. */
const TOKEN_BYTES = 32;

/** A one-time token that waits to be used. The token itself is nowhere. */
export interface Enrolment {
  readonly id: string;
  readonly type: 'enrolment';
  readonly productId: typeof FLEET;
  readonly products: readonly string[];
  readonly createdBy: string;
  readonly expiresAt: string;
  readonly ttl: number;
}

export const enrolmentId = (token: string): string => `enrolment:${sha256(token)}`;

/**
 * Makes a one-time token for a new factory, for these products only (`*` for all).
 * @throws AppError forbidden unless the caller is admin of every product named
 */
export async function createEnrolment(
  deps: Deps,
  caller: Caller,
  { body }: { body: { products: string[]; expiresInSeconds: number } },
): Promise<{ enrolmentToken: string; expiresAt: string }> {
  for (const productId of body.products) requireRole(caller, 'admin', productId);
  const enrolmentToken = randomBytes(TOKEN_BYTES).toString('base64url');
  const expiresAt = after(deps.clock.now(), body.expiresInSeconds);
  const enrolment: Enrolment = {
    id: enrolmentId(enrolmentToken),
    type: 'enrolment',
    productId: FLEET,
    products: body.products,
    createdBy: caller.kind === 'anonymous' ? '' : caller.id,
    expiresAt,
    ttl: body.expiresInSeconds,
  };
  // Nobody else has this id: where the first answer was lost, the same is written again.
  await deps.documents.upsert(CONTROL, enrolment);
  return { enrolmentToken, expiresAt };
}
