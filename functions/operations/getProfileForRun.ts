import type { ProfileSnapshot } from '../../shared/contract/profile.js';
import { AppError } from '../../shared/errors.js';
import { requireServes, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { profileFor } from './profileStore.js';

/**
 * The profile of that name as a run gets it whose job names none, because the repository's settings name it: the
 * product's own, else the catalogue's.
 * @throws AppError forbidden for a product that the factory does not serve, not-found
 */
export async function getProfileForRun(
  deps: Deps,
  caller: Caller,
  { params: { productId, name } }: { params: { productId: string; name: string } },
): Promise<ProfileSnapshot> {
  requireServes(caller, productId);
  const profile = await profileFor(deps, productId, name);
  if (profile) return profile;
  throw new AppError('not-found', `there is no profile ${name}; \`aq profile list\` shows what there is`, {
    name,
  });
}
