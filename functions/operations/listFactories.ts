import type { Factory, Lease } from '../../shared/contract/fleet.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { FACTORIES, FLEET, LEASES } from '../../shared/topology.js';
import { visibleProducts, type Caller } from './caller.js';
import type { Deps } from './deps.js';

/** All factories. What each runs is counted from the live leases: its own word is as old as its last claim. */
export async function readFactories(deps: Deps): Promise<Factory[]> {
  const [stored, leases] = await Promise.all([
    deps.documents.query<Factory>(FACTORIES, {
      text: `SELECT * FROM c WHERE c.type = 'factory' ORDER BY c.id`,
      partition: [FLEET],
    }),
    deps.documents.select<Pick<Lease, 'holder'>>(LEASES, {
      text: `SELECT c.holder FROM c WHERE c.type = 'lease' AND c.expiresAt > @now`,
      parameters: { now: deps.clock.now() },
    }),
  ]);
  const held = leases.map(({ holder }) => holder);
  return stored.map(({ document }) => ({
    ...document,
    running: held.filter((holder) => holder === document.id).length,
  }));
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
