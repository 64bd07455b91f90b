import type { Factory } from '../../shared/contract/fleet.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { FACTORIES, FLEET } from '../../shared/topology.js';
import { visibleProducts, type Caller } from './caller.js';
import type { Deps } from './deps.js';

export async function readFactories(deps: Deps): Promise<Factory[]> {
  const stored = await deps.documents.query<Factory>(FACTORIES, {
    text: `SELECT * FROM c WHERE c.type = 'factory' ORDER BY c.id`,
    partition: [FLEET],
  });
  return stored.map(({ document }) => document);
}

/** Factories that may run jobs of a product that the caller may look at. */
export async function listFactories(deps: Deps, caller: Caller): Promise<RouteResult<'listFactories'>> {
  const visible = visibleProducts(caller);
  const serves = ({ products }: Factory): boolean =>
    visible === '*' || products.includes('*') || products.some((product) => visible.includes(product));
  const factories = (await readFactories(deps)).filter(serves);
  return {
    factories: factories.map(({ id, status, pools, advertises, stations, running, lastSeenAt }) => ({
      id,
      status,
      pools,
      advertises,
      stations,
      running,
      lastSeenAt,
    })),
  };
}
