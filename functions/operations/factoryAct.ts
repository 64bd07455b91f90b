import type { Factory, FactoryAudit } from '../../shared/contract/fleet.js';
import type { Role } from '../../shared/contract/routes.js';
import { AppError } from '../../shared/errors.js';
import { CONTROL, FACTORIES, FLEET } from '../../shared/topology.js';
import { requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';

/** @throws AppError not-found; forbidden unless the caller has the role in every product that the factory serves */
export async function requireFactoryRole(
  deps: Deps,
  caller: Caller,
  role: Role,
  factoryId: string,
): Promise<void> {
  const stored = await deps.documents.read<Factory>(FACTORIES, [FLEET], factoryId);
  if (!stored) throw new AppError('not-found', `there is no factory ${factoryId}; see aq factories`);
  for (const productId of stored.document.products) requireRole(caller, role, productId);
}

/** Comes before the act: dying in between leaves a record of an attempt, never an act without one. */
export async function recordFactoryAct(
  deps: Deps,
  act: Pick<FactoryAudit, 'actor' | 'action' | 'factoryId' | 'reason'>,
): Promise<void> {
  const at = deps.clock.now();
  const audit: FactoryAudit = {
    id: `audit:${at}:${deps.chance.uuid()}`,
    type: 'audit',
    productId: FLEET,
    at,
    ...act,
  };
  // Nobody else has this id: where the first answer was lost, the same is written again.
  await deps.documents.upsert(CONTROL, audit);
}
