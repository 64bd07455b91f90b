/** What holds for a job with its profile: the job's own word, then the profile's, then the default. */
import type { Job } from '../contract/job.js';
import type { Manifest, ReviewPolicy } from '../contract/manifest.js';
import { engineTag } from './engine.js';

type Asked = Pick<Job, 'manifest' | 'profile'>;

/** The shell command that a change has to pass; undefined when there is none. */
export const verifyOf = ({ manifest, profile }: Asked): string | undefined =>
  manifest.verify ?? profile?.spec['default-verify'];

export const reviewPolicyOf = ({ manifest, profile }: Asked): ReviewPolicy =>
  manifest['review-policy'] ?? profile?.spec['review-policy'] ?? 'manual';

/** Glob patterns of paths that the change may touch; undefined when it may touch all. */
export const allowedScopeOf = ({ profile }: Pick<Job, 'profile'>): readonly string[] | undefined =>
  profile?.spec['allowed-scope'];

/** May the change go to the base branch without a feature branch, as far as the profile is concerned? */
export const mayPushDirectly = ({ profile }: Pick<Job, 'profile'>): boolean =>
  profile?.spec['push-policy'] === 'direct';

type Needs = Pick<Manifest, 'engine' | 'engine-class' | 'capabilities' | 'prefers'>;

/** What the job asks of a factory and its engine, the profile's requirements included. */
export function needsOf({
  manifest,
  profile,
}: {
  manifest: Needs;
  profile?: Job['profile'] | undefined;
}): Needs {
  const spec = profile?.spec;
  return {
    engine: manifest.engine,
    'engine-class': manifest['engine-class'] ?? spec?.['engine-class'],
    capabilities: [...manifest.capabilities, ...(spec?.capabilities ?? [])],
    prefers: [...manifest.prefers, ...(spec?.['prefers-engine'] ?? []).map(engineTag)],
  };
}
