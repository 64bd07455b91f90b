import type { Product } from '../../shared/contract/fleet.js';
import type { Engine, Manifest } from '../../shared/contract/manifest.js';
import { AppError } from '../../shared/errors.js';

const BASE_BRANCH = 'base-branch';

/** What a manifest comes to with what its product gives. */
export interface Resolved {
  readonly manifest: Manifest;
  /** Where the manifest names neither engine nor class. */
  readonly engine?: Engine | undefined;
}

/**
 * Fills what a manifest leaves open with the product's defaults.
 * @param given fields that were written, as opposed to those that got their default
 * @throws AppError invalid-manifest when neither manifest nor product names a repository
 */
export function resolveManifest(product: Product, manifest: Manifest, given: readonly string[]): Resolved {
  const { defaults } = product;
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
  const verify = manifest.verify ?? defaults.verify;
  const branch = given.includes(BASE_BRANCH) ? undefined : defaults.baseBranch;
  return {
    manifest: {
      ...manifest,
      repo,
      ...(branch !== undefined && { [BASE_BRANCH]: branch }),
      ...(verify !== undefined && { verify }),
    },
    ...(manifest['engine-class'] === undefined && { engine: defaults.engine }),
  };
}
