import type { Product } from '../../shared/contract/fleet.js';
import type { Engine, Manifest } from '../../shared/contract/manifest.js';
import { CATALOGUE_OWNER, type ProfileSnapshot } from '../../shared/contract/profile.js';
import type { Problem } from '../../shared/errors.js';
import { nearestName } from '../../shared/manifest/nearest.js';
import type { Deps } from './deps.js';
import { profileFor, profilesOf } from './profileStore.js';

const BASE_BRANCH = 'base-branch';

/** What a manifest comes to with what its product gives. */
export interface Resolved {
  readonly manifest: Manifest;
  /** The product's: taken where manifest and profile leave it open. */
  readonly engine?: Engine | undefined;
  readonly profile?: ProfileSnapshot | undefined;
}

/**
 * Fills what a manifest leaves open with the product's defaults.
 * @param given fields that were written, as opposed to those that got their default
 * @param problems told here, and nothing resolved: no repository is named, there is no such profile
 */
export async function resolveManifest(
  deps: Deps,
  product: Product,
  manifest: Manifest,
  given: readonly string[],
  problems: Problem[],
): Promise<Resolved | undefined> {
  const { defaults, productId } = product;
  const { profile: named } = manifest;
  const profile = named === undefined ? undefined : await profileFor(deps, productId, named);
  if (named !== undefined && profile === undefined)
    problems.push(await unknownProfile(deps, productId, named));
  const repo = manifest.repo ?? manifest.cwd ?? defaults.repo;
  if (repo === undefined)
    problems.push({
      path: 'repo',
      message: 'no repository is named, and the product has no default',
      expected: 'an address or a path that git can clone',
    });
  if (repo === undefined || (named !== undefined && profile === undefined)) return undefined;
  // The profile's own verify comes with the assignment, in the version of then.
  const verify =
    manifest.verify ?? (profile?.spec['default-verify'] === undefined ? defaults.verify : undefined);
  const branch = given.includes(BASE_BRANCH) ? undefined : defaults.baseBranch;
  return {
    manifest: {
      ...manifest,
      repo,
      ...(branch !== undefined && { [BASE_BRANCH]: branch }),
      ...(verify !== undefined && { verify }),
    },
    engine: defaults.engine,
    profile,
  };
}

/** With the names that there are. */
async function unknownProfile(deps: Deps, productId: string, name: string): Promise<Problem> {
  const lists = await Promise.all([profilesOf(deps, productId), profilesOf(deps, CATALOGUE_OWNER)]);
  const names = [...new Set(lists.flatMap((list) => [...list.keys()]))].toSorted();
  const nearest = nearestName(name, names);
  return {
    path: 'profile',
    message: `there is no profile ${name}`,
    expected: `one of ${names.join(', ')}`,
    ...(nearest !== undefined && { nearest }),
  };
}
