import { isCloudError } from '../../shared/cloud/errors.js';
import type { Factory } from '../../shared/contract/fleet.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import { FACTORIES, FLEET } from '../../shared/topology.js';
import { operatorActor, requireFactory, type Caller, type FactoryCaller } from './caller.js';
import type { Deps } from './deps.js';
import { evict } from './evict.js';
import { recordFactoryAct, requireFactoryRole } from './factoryAct.js';
import { readFactory } from './factoryStore.js';
import { leasesHeldBy } from './leaseStore.js';

/** How long an instance trusts what it knows of a factory's tokens (ms): one read a busy factory in this time. */
const TRUST_MS = 10_000;
const MAX_KNOWN = 10_000;

/** The tokens of factories, as one instance of the function app knows them. */
export class Standing {
  private readonly known = new Map<string, { at: number; tokens: readonly string[] }>();

  /**
   * Lets a factory through whose token was neither replaced twice nor revoked.
   * @throws AppError unauthenticated
   */
  async require(deps: Deps, { id, tokenId }: FactoryCaller): Promise<void> {
    const at = Date.parse(deps.clock.now());
    const last = this.known.get(id);
    if (last && at - last.at < TRUST_MS && last.tokens.includes(tokenId)) return;
    this.known.delete(id);
    const { tokens } = await readFactory(deps, id);
    if (!tokens.includes(tokenId)) throw replaced(id);
    if (this.known.size >= MAX_KNOWN) this.known.clear();
    this.known.set(id, { at, tokens });
  }
}

const replaced = (factoryId: string): AppError =>
  new AppError('unauthenticated', `this token of ${factoryId} was replaced by newer ones; enrol it again`);

/**
 * Gives a factory another token. The one it calls with holds on: an answer that got lost is asked for again.
 * @throws AppError unauthenticated
 */
export async function rotateToken(deps: Deps, caller: Caller): Promise<RouteResult<'rotateToken'>> {
  const { id, tokenId } = requireFactory(caller);
  const next = deps.chance.uuid();
  try {
    const { document } = await deps.documents.patch<Factory>(
      FACTORIES,
      [FLEET],
      id,
      [{ op: 'set', path: '/tokens', value: [next, tokenId] }],
      `FROM c WHERE ARRAY_CONTAINS(c.tokens, ${JSON.stringify(tokenId)})`,
    );
    const { pools, products } = document;
    return await deps.factoryTokens.sign({ factoryId: id, pools, products, tokenId: next });
  } catch (error) {
    if (isCloudError(error, 'precondition', 'not-found')) throw replaced(id);
    throw error;
  }
}

/**
 * Throws a factory out: from here its tokens are worth nothing on an instance that asks, and within TRUST_MS on every
 * one; its jobs are fenced and queued again at once. A machine that is to come back needs a new enrolment.
 * @throws AppError forbidden unless the caller is admin of every product that it serves; not-found
 */
export async function revokeFactory(
  deps: Deps,
  caller: Caller,
  { params: { factoryId }, body: { reason } }: { params: { factoryId: string }; body: { reason: string } },
): Promise<RouteResult<'revokeFactory'>> {
  const actor = operatorActor(caller);
  await requireFactoryRole(deps, caller, 'admin', factoryId);
  await recordFactoryAct(deps, { actor, action: 'revoke', factoryId, reason });
  await deps.documents.remove(FACTORIES, [FLEET], factoryId);
  deps.log('warn', `revoke ${factoryId}`, { by: actor.id, reason });
  const leases = await leasesHeldBy(deps, factoryId);
  const message = `${factoryId} was thrown out: ${reason}`;
  const evicted = await Promise.all(leases.map((lease) => evict(deps, lease, message)));
  return { factoryId, requeued: evicted.filter((job) => job !== undefined).map(({ jobId }) => jobId) };
}
