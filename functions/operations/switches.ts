import type { BatchStep } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { RouteInput, RouteResult } from '../../shared/contract/routeTypes.js';
import type { Switch, SwitchAudit, Switches } from '../../shared/contract/switches.js';
import { AppError } from '../../shared/errors.js';
import { switchBlocks } from '../../shared/rules/blocks.js';
import { CONTROL, FLEET, POOLS } from '../../shared/topology.js';
import { operatorActor, requireRole, visibleProducts, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { readProduct, refuseReserved } from './products.js';
import { sweepSoon } from './sweepTickets.js';

const ID = 'switches';
/** Switches are thrown by people: two at the same moment are rare. */
const MAX_ATTEMPTS = 10;

const readStored = (deps: Deps) => deps.documents.read<Switches>(CONTROL, [FLEET], ID);

/** The switches that are on: scope → reason. */
export async function readSwitches(deps: Deps): Promise<Map<string, string>> {
  const stored = await readStored(deps);
  return new Map(stored?.document.on.map(({ scope, reason }) => [scope, reason]));
}

/** Why work of this product and pool has to stop; undefined when it has not. */
export async function haltOf(
  deps: Deps,
  work: { pool: string; productId: string },
): Promise<string | undefined> {
  const switches = await readSwitches(deps);
  const [block] = switchBlocks(work, { switches, pausedProducts: new Map() });
  return block?.kind === 'switch' ? `${block.scope} was halted: ${block.reason}` : undefined;
}

/** Switches that are on, as far as the caller may know: those of other products are not told. */
export async function listSwitches(deps: Deps, caller: Caller): Promise<{ on: Switch[] }> {
  const stored = await readStored(deps);
  return { on: (stored?.document.on ?? []).filter(maySee(caller)) };
}

/** Each halt and each resume that the caller may know of, the newest first. Sealed with the audit's checkpoints. */
export async function listSwitchRecords(
  deps: Deps,
  caller: Caller,
  { query }: RouteInput<'listSwitchRecords'>,
): Promise<RouteResult<'listSwitchRecords'>> {
  const stored = await deps.documents.query<SwitchAudit>(CONTROL, {
    text: `SELECT * FROM c WHERE c.type = 'audit' ORDER BY c.at DESC`,
    partition: [FLEET],
  });
  const records = stored.map(({ document: { at, actor, action, scope, reason } }) => ({
    at,
    actor,
    action,
    scope,
    ...(reason === undefined ? {} : { reason }),
  }));
  return { records: records.filter(maySee(caller)).slice(0, query.limit) };
}

function maySee(caller: Caller): (of: { scope: string }) => boolean {
  const visible = visibleProducts(caller);
  return ({ scope }) => {
    const productId = productOf(scope);
    return productId === undefined || visible === '*' || visible.includes(productId);
  };
}

/**
 * Stops everything in a scope: nothing is claimed from now on, and running work is given back at its next renewal.
 * Once more with another reason is fine.
 * @throws AppError forbidden, invalid-request for a pool that does not exist, not-found for such a product, contended
 */
export async function halt(
  deps: Deps,
  caller: Caller,
  { body: { scope, reason } }: { body: { scope: string; reason: string } },
): Promise<{ on: Switch[] }> {
  const by = operatorActor(caller);
  requireRights(caller, scope);
  // A mistyped product would look halted, in the very moment when that matters.
  const productId = productOf(scope);
  if (productId !== undefined) await readProduct(deps, productId);
  const since = deps.clock.now();
  return change(deps, { action: 'halt', actor: by, at: since, scope, reason }, (on) => [
    ...on.filter((one) => one.scope !== scope),
    { scope, reason, since, by },
  ]);
}

/**
 * Lets a scope go on; one that is not halted stays as it is.
 * @throws AppError forbidden, invalid-request for a pool that does not exist, not-found for such a product, contended
 */
export async function resume(
  deps: Deps,
  caller: Caller,
  { body: { scope } }: { body: { scope: string } },
): Promise<{ on: Switch[] }> {
  const actor = operatorActor(caller);
  requireRights(caller, scope);
  const productId = productOf(scope);
  if (productId !== undefined) await readProduct(deps, productId);
  const changed = await change(deps, { action: 'resume', actor, at: deps.clock.now(), scope }, (on) =>
    on.filter((one) => one.scope !== scope),
  );
  await sweepSoon(deps);
  return changed;
}

const productOf = (scope: string): string | undefined =>
  scope.startsWith('product:') ? scope.slice('product:'.length) : undefined;

/** A product's operators may stop it; the fleet and its pools belong to those of all products. */
function requireRights(caller: Caller, scope: string): void {
  const productId = productOf(scope);
  requireRole(caller, 'operator', productId ?? '*');
  if (productId !== undefined) refuseReserved(productId);
  const pool = scope.startsWith('pool:') ? scope.slice('pool:'.length) : undefined;
  if (pool === undefined || POOLS.some(({ name }) => name === pool)) return;
  const names = POOLS.map(({ name }) => name).join(', ');
  throw new AppError('invalid-request', `there is no pool ${pool}`, {
    problems: [{ path: 'scope', message: `there is no pool ${pool}`, expected: `one of ${names}` }],
  });
}

/** The switches and the record of the change in one batch: no change goes unrecorded. */
async function change(
  deps: Deps,
  record: Omit<SwitchAudit, 'id' | 'type' | 'productId'>,
  edit: (on: readonly Switch[]) => Switch[],
): Promise<{ on: Switch[] }> {
  const audit: SwitchAudit = {
    id: `audit:${record.at}:${deps.chance.uuid()}`,
    type: 'audit',
    productId: FLEET,
    ...record,
  };
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const stored = await readStored(deps);
    const on = edit(stored?.document.on ?? []);
    const document: Switches = { id: ID, type: 'switches', productId: FLEET, on };
    const step: BatchStep = stored
      ? { kind: 'replace', document, ifMatch: stored.etag }
      : { kind: 'create', document };
    try {
      await deps.documents.batch(CONTROL, [FLEET], [step, { kind: 'create', document: audit }]);
      deps.log('warn', `${record.action} ${record.scope}`, { by: record.actor.id, reason: record.reason });
      return { on };
    } catch (error) {
      if (!isCloudError(error, 'exists', 'precondition')) throw error;
    }
  }
  throw new AppError('contended', 'the switches are being changed by others; try again');
}
