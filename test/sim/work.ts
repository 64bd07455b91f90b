// What people ask for, drawn from the seed: manifests, plans of composites, profiles.
import type { PlanInput } from '../../shared/contract/children.js';
import type { ManifestInput } from '../../shared/contract/manifest.js';
import type { Random } from './random.js';
import type { Wishes } from './worlds.js';

/** A profile of each product's own, which people edit while jobs wait. */
export const OWN_PROFILE = 'engineer';

/** What children of composites are like. */
const CHILDREN = { costly: 0.4, locked: 0.3, locks: ['db', 'deploy'] };

export interface Wish {
  readonly key: string;
  /** Jobs of the product that it may wait for. */
  readonly earlier: readonly string[];
  readonly hasProfile: boolean;
  readonly wishes: Wishes;
}

export function manifestOf(random: Random, { key, earlier, hasProfile, wishes }: Wish): ManifestInput {
  if (random.chance(wishes.composite)) return compositeOf(random, key);
  return {
    ...leafOf(random, wishes),
    'idempotency-key': key,
    ...(hasProfile && random.chance(0.4) ? { profile: OWN_PROFILE } : {}),
    ...(earlier.length > 0 && random.chance(0.25)
      ? { deps: [`${random.pick(earlier)}${random.chance(0.5) ? ':shipped' : ''}`] }
      : {}),
  };
}

/** Split by a planner's run, or by a person who adds the children. */
function compositeOf(random: Random, key: string): ManifestInput {
  return {
    body: 'split it',
    kind: 'composite',
    'idempotency-key': key,
    ...(random.chance(0.5) ? { profile: 'planner', engine: 'claude' as const } : {}),
    ...(random.chance(0.3) ? { budget: { usd: 20 } } : {}),
    retry: { max: random.int(0, 2), backoff: 5, on: ['timeout', 'engine_failed', 'lost'] },
  };
}

function leafOf(
  random: Random,
  { costly, locked, locks }: Pick<Wishes, 'costly' | 'locked' | 'locks'>,
): ManifestInput {
  const costs = random.chance(costly);
  const policy = random.pick(['auto', 'manual', 'manual', 'reviewers'] as const);
  return {
    body: 'do it',
    engine: costs ? 'claude' : 'shell',
    priority: random.pick(['critical', 'high', 'medium', 'medium', 'low']),
    ...(random.chance(0.7) ? { verify: 'npm test' } : {}),
    ...(random.chance(locked) ? { lock: random.pick(locks) } : {}),
    // No pool guarantees both claude and an operating system.
    ...(!costs && random.chance(0.3) ? { capabilities: ['os:linux'] } : {}),
    ...(costs && random.chance(0.6) ? { budget: { usd: random.pick([1, 3, 5]) } } : {}),
    retry: {
      max: random.int(0, 3),
      backoff: random.pick([5, 30, 120]),
      on: ['timeout', 'engine_failed', 'lost', 'verify_failed'],
    },
    'review-policy': policy === 'reviewers' ? { reviewers: ['bob'], quorum: 1 } : policy,
  };
}

/** A small job that waits for another one. */
export const followUpOf = (random: Random, jobId: string, key: string): ManifestInput => ({
  body: 'go on from there',
  engine: 'shell',
  deps: [jobId],
  'idempotency-key': key,
  'review-policy': random.pick(['auto', 'manual']),
});

/** One to four children, some of which wait for others. */
export function planOf(random: Random): PlanInput {
  const keys = ['a', 'b', 'c', 'd'].slice(0, random.int(1, 4));
  return {
    'on-failure': random.pick(['continue', 'fail-fast']),
    children: keys.map((key, at) => {
      const sibling = keys[random.int(0, 3)];
      const waits = sibling !== undefined && keys.indexOf(sibling) < at;
      return { key, manifest: { ...leafOf(random, CHILDREN), ...(waits ? { deps: [sibling] } : {}) } };
    }),
  };
}

/** A version of the profile: each edit may send the jobs that wait to another pool. */
export const profileOf = (random: Random): Record<string, unknown> => ({
  title: 'Engineer',
  summary: 'Works on the product.',
  persona: `You are engineer ${random.int(1, 1_000_000)}.`,
  ...(random.chance(0.5) ? { 'prefers-engine': ['claude'] } : {}),
});
