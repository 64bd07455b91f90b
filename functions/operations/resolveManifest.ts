import type { Product } from '../../shared/contract/fleet.js';
import type { Engine, Manifest } from '../../shared/contract/manifest.js';
import { CATALOGUE_OWNER, type ProfileSnapshot } from '../../shared/contract/profile.js';
import { AppError } from '../../shared/errors.js';
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
 * @throws AppError invalid-manifest when neither manifest nor product names a repository, or there is no such profile
 */
export async function resolveManifest(
  deps: Deps,
  product: Product,
  manifest: Manifest,
  given: readonly string[],
): Promise<Resolved> {
  const { defaults, productId } = product;
  const profile =
    manifest.profile === undefined ? undefined : await knownProfile(deps, productId, manifest.profile);
  const repo = manifest.repo ?? manifest.cwd ?? defaults.repo;
  if (repo === undefined)
    throw new AppError('invalid-manifest', 'the manifest has a problem', {
      problems: [
        {
          path: 'repo',
          message: 'no repository is named, and the product has no default',
          expected: 'an address or a path that git can clone',
        },
      ],
    });
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

/** @throws AppError invalid-manifest with the names that there are */
async function knownProfile(deps: Deps, productId: string, name: string): Promise<ProfileSnapshot> {
  const found = await profileFor(deps, productId, name);
  if (found) return found;
  const lists = await Promise.all([profilesOf(deps, productId), profilesOf(deps, CATALOGUE_OWNER)]);
  const names = [...new Set(lists.flatMap((list) => [...list.keys()]))].toSorted();
  const nearest = nearestName(name, names);
  throw new AppError('invalid-manifest', 'the manifest has a problem', {
    problems: [
      {
        path: 'profile',
        message: `there is no profile ${name}`,
        expected: `one of ${names.join(', ')}`,
        ...(nearest !== undefined && { nearest }),
      },
    ],
  });
}
