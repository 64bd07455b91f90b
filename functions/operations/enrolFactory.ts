import { randomBytes } from 'node:crypto';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Factory, FactoryDescriptor } from '../../shared/contract/fleet.js';
import { AppError } from '../../shared/errors.js';
import { poolsFor } from '../../shared/rules/routing.js';
import { CONTROL, FACTORIES, FLEET, POOLS } from '../../shared/topology.js';
import type { Caller } from './caller.js';
import { enrolmentId, type Enrolment } from './createEnrolment.js';
import type { Deps } from './deps.js';

/** Added to a name that is taken. */
const SUFFIX_BYTES = 2;
const MAX_NAMES = 5;

export interface Enrolled {
  readonly factoryId: string;
  readonly pools: string[];
  readonly token: string;
  readonly tokenExpiresAt: string;
  readonly leaseSeconds: number;
}

/**
 * Trades a one-time token for a scoped one. The factory joins every pool whose capabilities it satisfies.
 * @throws AppError unauthenticated when the token is unknown, used or expired
 */
export async function enrolFactory(
  deps: Deps,
  _caller: Caller,
  { body }: { body: { enrolmentToken: string; descriptor: FactoryDescriptor } },
): Promise<Enrolled> {
  const enrolment = await consume(deps, body.enrolmentToken);
  const pools = poolsFor(body.descriptor.advertises, POOLS);
  const factory = await register(deps, body.descriptor, enrolment.products, pools);
  const { token, expiresAt } = await deps.factoryTokens.sign({
    factoryId: factory.id,
    pools,
    products: enrolment.products,
  });
  deps.log('info', 'a factory was enrolled', { factoryId: factory.id, pools, by: enrolment.createdBy });
  return {
    factoryId: factory.id,
    pools,
    token,
    tokenExpiresAt: expiresAt,
    leaseSeconds: deps.settings.leaseSeconds,
  };
}

/** The conditional delete lets exactly one of several callers through. */
async function consume(deps: Deps, token: string): Promise<Enrolment> {
  const refused = new AppError('unauthenticated', 'the enrolment token is unknown, used or expired');
  const id = enrolmentId(token);
  const stored = await deps.documents.read<Enrolment>(CONTROL, [FLEET], id);
  if (!stored || stored.document.expiresAt <= deps.clock.now()) throw refused;
  try {
    if (await deps.documents.remove(CONTROL, [FLEET], id, stored.etag)) return stored.document;
  } catch (error) {
    if (!isCloudError(error, 'precondition')) throw error;
  }
  throw refused;
}

/** Stores the factory under its name, or under its name with a suffix when another one has that. */
async function register(
  deps: Deps,
  descriptor: FactoryDescriptor,
  products: readonly string[],
  pools: readonly string[],
): Promise<Factory> {
  const now = deps.clock.now();
  let id = descriptor.name;
  for (let tries = 0; tries < MAX_NAMES; tries += 1) {
    const factory: Factory = {
      ...descriptor,
      id,
      type: 'factory',
      productId: FLEET,
      products: [...products],
      pools: [...pools],
      status: 'online',
      enrolledAt: now,
      lastSeenAt: now,
      running: 0,
      warm: [],
    };
    try {
      return (await deps.documents.create(FACTORIES, factory)).document;
    } catch (error) {
      if (!isCloudError(error, 'exists')) throw error;
    }
    id = `${descriptor.name.slice(0, 50)}-${randomBytes(SUFFIX_BYTES).toString('hex')}`;
  }
  throw new AppError('contended', `every id tried for ${descriptor.name} is taken; choose another name`);
}
