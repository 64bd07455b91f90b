import { isCloudError } from '../../shared/cloud/errors.js';
import type { Lease } from '../../shared/contract/fleet.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { FACTORIES, FLEET, LEASES } from '../../shared/topology.js';
import { operatorActor, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { recordFactoryAct, requireFactoryRole } from './factoryAct.js';
import { leasesHeldBy } from './leaseStore.js';

/**
 * Asks a factory to go away: it is given nothing more from now on, and with its next renewal it hears that it shall
 * give its jobs back and end. `undo` lets it have work again, if it is still there.
 * @throws AppError forbidden unless the caller is operator of every product that it serves; not-found
 */
export async function drainFactory(
  deps: Deps,
  caller: Caller,
  { params, body }: { params: { factoryId: string }; body: { reason: string; undo: boolean } },
): Promise<RouteResult<'drainFactory'>> {
  const { factoryId } = params;
  const { reason, undo } = body;
  const actor = operatorActor(caller);
  await requireFactoryRole(deps, caller, 'operator', factoryId);
  await recordFactoryAct(deps, { actor, action: undo ? 'undrain' : 'drain', factoryId, reason });
  await deps.documents.patch(FACTORIES, [FLEET], factoryId, [
    { op: 'set', path: '/status', value: undo ? 'online' : 'draining' },
  ]);
  const leases = await leasesHeldBy(deps, factoryId);
  const told = await Promise.all(leases.map((lease) => tell(deps, lease, undo)));
  return { factoryId, jobs: leases.filter((_, index) => told[index]).map(({ jobId }) => jobId) };
}

/** Puts the directive into the lease, which the next renewal reads; a lease that is another's by now is left alone. */
async function tell(deps: Deps, { id, epoch, holder }: Lease, undo: boolean): Promise<boolean> {
  try {
    await deps.documents.patch(
      LEASES,
      [id],
      id,
      [{ op: 'set', path: '/directives', value: undo ? [] : ['drain'] }],
      `FROM c WHERE c.epoch = ${epoch} AND c.holder = ${JSON.stringify(holder)}`,
    );
    return true;
  } catch (error) {
    if (isCloudError(error, 'precondition', 'not-found')) return false;
    throw error;
  }
}
