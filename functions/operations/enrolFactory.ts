import { isCloudError } from '../../shared/cloud/errors.js';
import type { Factory, FactoryDescriptor } from '../../shared/contract/fleet.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import { poolsFor } from '../../shared/rules/routing.js';
import { CONTROL, FACTORIES, FLEET, POOLS } from '../../shared/topology.js';
import type { Caller } from './caller.js';
import { enrolmentId, type Enrolment } from './createEnrolment.js';
import type { Deps } from './deps.js';
import { sweepSoon } from './sweepTickets.js';

/** Added to a name that is taken. */
const SUFFIX_CHARS = 4;
const MAX_NAMES = 5;

/**
 * Trades a one-time token, or the identity of a machine with the role `factory`, for a scoped token. The factory joins
 * every pool whose capabilities it satisfies.
 * @throws AppError unauthenticated when the token is unknown, used or expired, or when there is neither
 */
export async function enrolFactory(
  deps: Deps,
  caller: Caller,
  { body }: { body: { enrolmentToken?: string | undefined; descriptor: FactoryDescriptor } },
): Promise<RouteResult<'enrolFactory'>> {
  const { products, createdBy } =
    body.enrolmentToken === undefined ? enrolmentOf(caller) : await consume(deps, body.enrolmentToken);
  const pools = poolsFor(body.descriptor.advertises, POOLS);
  const tokenId = deps.chance.uuid();
  const { id: factoryId } = await register(deps, {
    ...body.descriptor,
    products: [...products],
    pools,
    tokens: [tokenId],
  });
  deps.log('info', 'a factory was enrolled', { factoryId, pools, by: createdBy });
  // What waited for this factory alone had its tickets spent by others that could not take it.
  await sweepSoon(deps, pools);
  const token = await deps.factoryTokens.sign({ factoryId, pools, products, tokenId });
  return { ...token, factoryId, pools, leaseSeconds: deps.settings.leaseSeconds };
}

/** A machine vouches for itself; its role says for which products. */
function enrolmentOf(caller: Caller): Pick<Enrolment, 'products' | 'createdBy'> {
  if (caller.kind === 'operator' && caller.enrols?.length)
    return { products: caller.enrols, createdBy: caller.id };
  throw new AppError(
    'unauthenticated',
    'this takes a one-time token (aq enrol) or a managed identity with the app role factory',
  );
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
  described: FactoryDescriptor & Pick<Factory, 'products' | 'pools' | 'tokens'>,
): Promise<Factory> {
  const now = deps.clock.now();
  let id = described.name;
  for (let tries = 0; tries < MAX_NAMES; tries += 1) {
    const factory: Factory = {
      ...described,
      id,
      type: 'factory',
      productId: FLEET,
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
    const stored = await deps.documents.read<Factory>(FACTORIES, [FLEET], id);
    // It is this one: the first answer was lost.
    if (stored?.document.tokens[0] === factory.tokens[0]) return factory;
    id = `${described.name.slice(0, 50)}-${deps.chance.uuid().slice(0, SUFFIX_CHARS)}`;
  }
  throw new AppError('contended', `every id tried for ${described.name} is taken; choose another name`);
}
