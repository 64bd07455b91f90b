import { count } from '../../shared/contract/count.js';
import type { Profile, PutProfile } from '../../shared/contract/profile.js';
import { CATALOGUE_OWNER } from '../../shared/contract/profile.js';
import { AppError } from '../../shared/errors.js';
import { parseProfile, validateProfile } from '../../shared/manifest/profileText.js';
import { operatorActor, requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { readProduct } from './products.js';
import { readProfile, writeVersion } from './profileStore.js';
import { rerouteSoon } from './rerouteWaiting.js';

/**
 * Writes a new version of a profile, with who and why. Jobs in flight keep theirs; those that wait get it when they
 * are assigned, and go to other factories at once where it asks for them. The same content once more is no new version.
 * @throws AppError forbidden, not-found (product), invalid-request with every problem, contended when somebody else
 * changed it since
 */
export async function putProfile(
  deps: Deps,
  caller: Caller,
  { params, body }: { params: { owner: string; name: string }; body: PutProfile },
): Promise<Profile> {
  const { owner, name } = params;
  requireRole(caller, 'editor', owner === CATALOGUE_OWNER ? '*' : owner);
  const by = operatorActor(caller);
  if (owner !== CATALOGUE_OWNER) await readProduct(deps, owner);
  const parsed =
    typeof body.profile === 'string' ? parseProfile(body.profile) : validateProfile(body.profile);
  if (parsed.kind === 'invalid')
    throw new AppError('invalid-request', `the profile has ${count(parsed.problems.length, 'problem')}`, {
      problems: parsed.problems,
    });
  const before = await readProfile(deps, owner, name);
  const newest = before?.document.version ?? 0;
  if (before && JSON.stringify(before.document.spec) === JSON.stringify(parsed.spec)) return before.document;
  const newer = new AppError(
    'contended',
    `${name} of ${owner} is at version ${newest}, and you edited ${body.basedOn === 0 ? 'none' : `version ${body.basedOn}`}; look at the newest one and edit that`,
    { version: newest },
  );
  if (body.basedOn !== newest) throw newer;
  const written = await writeVersion(deps, { owner, name, spec: parsed.spec, by, note: body.note }, before);
  if (!written) throw newer;
  await rerouteSoon(deps, written);
  return written;
}
