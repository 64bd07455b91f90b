import { CATALOGUE_OWNER, type Profile } from '../../shared/contract/profile.js';
import { AppError } from '../../shared/errors.js';
import { requireRole, visibleProducts, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { profilesOf, versionsOf } from './profileStore.js';

/** The catalogue is for everybody who may look at any product. */
function mayLook(caller: Caller, owner: string): void {
  if (owner !== CATALOGUE_OWNER) requireRole(caller, 'viewer', owner);
  else if (visibleProducts(caller).length === 0) requireRole(caller, 'viewer', '*');
}

/**
 * The profiles that a product may use, by name; its own ones hide those of the catalogue.
 * @throws AppError forbidden
 */
export async function listProfiles(
  deps: Deps,
  caller: Caller,
  { params: { owner } }: { params: { owner: string } },
): Promise<{ profiles: Profile[] }> {
  mayLook(caller, owner);
  const [shared, own] = await Promise.all([
    profilesOf(deps, CATALOGUE_OWNER),
    owner === CATALOGUE_OWNER ? new Map<string, Profile>() : profilesOf(deps, owner),
  ]);
  const all = [...new Map([...shared, ...own]).values()];
  return { profiles: all.toSorted((one, other) => (one.name < other.name ? -1 : 1)) };
}

/**
 * Every version of a profile, the newest first.
 * @throws AppError forbidden, not-found
 */
export async function getProfileHistory(
  deps: Deps,
  caller: Caller,
  { params: { owner, name } }: { params: { owner: string; name: string } },
): Promise<{ profiles: Profile[] }> {
  mayLook(caller, owner);
  const own = await versionsOf(deps, owner, name);
  const profiles = own.length > 0 ? own : await versionsOf(deps, CATALOGUE_OWNER, name);
  if (profiles.length > 0) return { profiles };
  throw new AppError('not-found', `there is no profile ${name}; \`aq profile list\` shows what there is`, {
    name,
  });
}
