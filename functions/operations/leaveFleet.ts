import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { requireFactory, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { markOffline } from './factoryStore.js';

/**
 * A factory that ends in order says so, since the silence of an idle one says nothing (docs/decisions/0006). Its next
 * claim undoes that; one that was asked to drain stays draining, so that it is given nothing when it comes back.
 */
export async function leaveFleet(deps: Deps, caller: Caller): Promise<RouteResult<'leaveFleet'>> {
  const { id: factoryId } = requireFactory(caller);
  await markOffline(deps, factoryId, deps.clock.now());
  return { factoryId };
}
