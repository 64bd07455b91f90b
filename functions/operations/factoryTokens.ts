import type { PatchStep } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Factory } from '../../shared/contract/fleet.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import { FACTORIES, FLEET } from '../../shared/topology.js';
import { operatorActor, requireFactory, type Caller, type FactoryCaller } from './caller.js';
import type { Deps } from './deps.js';
import { evict } from './evict.js';
import { recordFactoryAct, requireFactoryRole } from './factoryAct.js';
import { notEnrolled } from './factoryStore.js';
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
    const stored = await deps.documents.read<Factory>(FACTORIES, [FLEET], id);
    const { tokens } = stored?.document.tokens.includes(tokenId)
      ? stored.document
      : await factoryWithToken(deps, id, tokenId);
    if (this.known.size >= MAX_KNOWN) this.known.clear();
    this.known.set(id, { at, tokens });
  }
}

/**
 * The factory, when this token holds. A conditional write tells, not a read, which may be older than the token; and a
 * factory that is refused ends.
 * @throws AppError unauthenticated
 */
async function factoryWithToken(deps: Deps, id: string, tokenId: string): Promise<Factory> {
  const heard: PatchStep[] = [{ op: 'set', path: '/lastSeenAt', value: deps.clock.now() }];
  const condition = `FROM c WHERE ARRAY_CONTAINS(c.tokens, ${JSON.stringify(tokenId)})`;
  try {
    return (await deps.documents.patch<Factory>(FACTORIES, [FLEET], id, heard, condition)).document;
  } catch (error) {
    if (isCloudError(error, 'not-found')) throw notEnrolled(id);
    if (!isCloudError(error, 'precondition')) throw error;
    const message = `this token of ${id} was replaced by newer ones; enrol it again`;
    throw new AppError('unauthenticated', message);
  }
}

/**
 * Gives a factory another token. The one it calls with holds on: whoever calls with that once more, because the answer
 * was lost or the request came twice, gets the same new one again, and takes no token away that is in use.
 * @throws AppError unauthenticated
 */
export async function rotateToken(deps: Deps, caller: Caller): Promise<RouteResult<'rotateToken'>> {
  const { id, tokenId } = requireFactory(caller);
  const next: PatchStep[] = [{ op: 'set', path: '/tokens', value: [deps.chance.uuid(), tokenId] }];
  const isNewest = `FROM c WHERE c.tokens[0] = ${JSON.stringify(tokenId)}`;
  const { document } = await deps.documents
    .patch<Factory>(FACTORIES, [FLEET], id, next, isNewest)
    .catch(async (error: unknown) => {
      if (!isCloudError(error, 'precondition', 'not-found')) throw error;
      return { document: await factoryWithToken(deps, id, tokenId) };
    });
  const { pools, products, tokens } = document;
  return deps.factoryTokens.sign({ factoryId: id, pools, products, tokenId: tokens[0] ?? tokenId });
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
