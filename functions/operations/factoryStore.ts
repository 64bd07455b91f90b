import type { PatchStep } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Factory } from '../../shared/contract/fleet.js';
import { AppError } from '../../shared/errors.js';
import { healthAfter } from '../../shared/rules/health.js';
import { FACTORIES, FLEET } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { instanceMemory } from './instanceMemory.js';

/** @throws AppError unauthenticated when it was removed: its token is worth nothing any more */
export async function readFactory(deps: Deps, factoryId: string): Promise<Factory> {
  const stored = await deps.documents.read<Factory>(FACTORIES, [FLEET], factoryId);
  if (stored) return stored.document;
  throw notEnrolled(factoryId);
}

export const notEnrolled = (factoryId: string): AppError =>
  new AppError('unauthenticated', `${factoryId} is not enrolled (any more); enrol it again`);

/** Notes that a factory was heard of. Nothing but the console depends on it, so a failure is only logged. */
export async function noteContact(
  deps: Deps,
  factoryId: string,
  state: { running: number; warm?: readonly string[] },
): Promise<void> {
  const seen: PatchStep[] = [
    { op: 'set', path: '/lastSeenAt', value: deps.clock.now() },
    { op: 'set', path: '/running', value: state.running },
    ...(state.warm ? [{ op: 'set' as const, path: '/warm', value: state.warm }] : []),
  ];
  const patch = (steps: PatchStep[], condition?: string): Promise<unknown> =>
    deps.documents.patch(FACTORIES, [FLEET], factoryId, steps, condition);
  try {
    try {
      const online: PatchStep = { op: 'set', path: '/status', value: 'online' };
      await patch([online, ...seen], `FROM c WHERE c.status != 'draining'`);
    } catch (error) {
      if (!isCloudError(error, 'precondition')) throw error;
      await patch(seen);
    }
  } catch (error) {
    deps.log('warn', 'a heartbeat was not noted', { factoryId, error: String(error) });
  }
}

/** A factory with several runs renews several leases; its document need not follow each of them. */
const CONTACT_MS = 10_000;
const MAX_CONTACTS = 10_000;
const contactsOf = instanceMemory(() => new Map<string, { at: number; running: number }>());

/** As noteContact, for renewals: at most once in a while for each factory, unless what it runs has changed. */
export async function noteRenewal(deps: Deps, factoryId: string, running: number): Promise<void> {
  const at = Date.parse(deps.clock.now());
  const contacts = contactsOf(deps);
  const last = contacts.get(factoryId);
  if (last?.running === running && at - last.at < CONTACT_MS) return;
  if (contacts.size >= MAX_CONTACTS) contacts.clear();
  contacts.set(factoryId, { at, running });
  await noteContact(deps, factoryId, { running });
}

/** Notes how a run ended on a factory. Only scores depend on it: a note that gets lost, or comes twice, does little. */
export async function noteOutcome(deps: Deps, factoryId: string, ok: boolean): Promise<void> {
  try {
    const stored = await deps.documents.read<Factory>(FACTORIES, [FLEET], factoryId);
    if (!stored) return;
    const { health } = stored.document;
    const next = healthAfter(health, ok);
    if (next === (health ?? 1)) return;
    await deps.documents.patch(FACTORIES, [FLEET], factoryId, [{ op: 'set', path: '/health', value: next }]);
  } catch (error) {
    deps.log('warn', 'the end of a run was not noted', { factoryId, error: String(error) });
  }
}

/** Marks a factory that let a lease run out or work lie, unless it was heard of since. */
export async function markOffline(deps: Deps, factoryId: string, silentSince: string): Promise<void> {
  try {
    await deps.documents.patch(
      FACTORIES,
      [FLEET],
      factoryId,
      [
        { op: 'set', path: '/status', value: 'offline' },
        { op: 'set', path: '/running', value: 0 },
      ],
      `FROM c WHERE c.status != 'draining' AND c.lastSeenAt <= ${JSON.stringify(silentSince)}`,
    );
  } catch (error) {
    if (!isCloudError(error, 'precondition', 'not-found')) throw error;
  }
}
