/** What each field of the manifest takes, in words, and names that people write for it by mistake. */
import { ENGINES, ENGINE_CLASSES, PRIORITIES, RETRY_REASONS } from '../contract/manifest.js';
import type { Manifest } from '../contract/manifest.js';

const oneOf = (values: readonly string[]): string => `one of ${values.join(', ')}`;

/** By dotted path, with `[]` for the items of a list. */
export const EXPECTED: Record<keyof Manifest, string> & Record<string, string> = {
  title: 'a text of 1 to 200 characters',
  engine: oneOf(ENGINES),
  'engine-class': oneOf(ENGINE_CLASSES),
  profile: 'a profile name such as backend-engineer',
  cwd: 'a path without blanks',
  repo: 'an address or a path that git can clone, without blanks',
  'base-branch': 'a git branch name',
  yolo: 'true or false',
  lock: 'a name of 1 to 100 characters',
  timeout: 'a duration such as 90s, 45m, 4h or 1d',
  verify: 'a shell command of 1 to 4000 characters',
  capabilities: 'a list of at most 50 capabilities',
  'capabilities[]':
    'a tag such as has:xcode or os:linux, or a tool with a version range such as node>=20 (there is no negation)',
  prefers: 'a list of at most 50 tags or factory names',
  'prefers[]': 'a tag or a factory name',
  priority: oneOf(PRIORITIES),
  budget: 'a map with usd, tokens and wall',
  'budget.usd': 'an amount in US dollars above zero, such as $5 or 2.50',
  'budget.tokens': 'a number of tokens above zero, such as 200000, 200k or 2M',
  'budget.wall': 'a duration such as 90s, 45m, 4h or 1d',
  'idempotency-key': 'a text of 1 to 200 characters',
  retry: 'a map with max, backoff and on',
  'retry.max': 'a whole number from 0 to 20',
  'retry.backoff': 'a duration such as 10s or 2m',
  'retry.on': `a list of ${RETRY_REASONS.join(', ')}`,
  'retry.on[]': oneOf(RETRY_REASONS),
  'review-policy': 'auto, manual, or a map with reviewers and quorum',
  'review-policy.reviewers': 'a list of at least one reviewer',
  'review-policy.reviewers[]': 'a reviewer such as @alice or alice@example.com',
  'review-policy.quorum': 'a whole number of at least 1',
  artifacts: 'a list of at most 50 paths or patterns',
  'artifacts[]': 'a path or a pattern',
  'tracker-item': 'a text of 1 to 200 characters',
  kind: 'one of leaf, composite',
  deps: 'a list of at most 1000 jobs',
  'deps[]': 'the id or the idempotency key of a job of the product, and @testing where tested is enough',
  targetFactoryId: 'the id of a factory',
  body: 'the prompt (for the shell engine, the script), at most 256 KB of text',
};

/** What other tools call a field. Spelling (`baseBranch`, `base_branch`) needs no entry here. */
export const SYNONYMS: Readonly<Record<string, string>> = {
  prompt: 'body',
  script: 'body',
  instructions: 'body',
  name: 'title',
  agent: 'engine',
  branch: 'base-branch',
  base: 'base-branch',
  repository: 'repo',
  test: 'verify',
  check: 'verify',
  requires: 'capabilities',
  requirements: 'capabilities',
  needs: 'deps',
  'depends-on': 'deps',
  dependencies: 'deps',
  reviewers: 'review-policy',
  review: 'review-policy',
  retries: 'retry',
  key: 'idempotency-key',
  factory: 'targetFactoryId',
  cost: 'usd',
  dollars: 'usd',
  time: 'wall',
  attempts: 'max',
  delay: 'backoff',
};

/**
 * Fields that this version reads but does not carry out: refused rather than ignored, because a job that waits for
 * nothing or ships itself is not what was asked for. Lifting one is deleting its line.
 */
export const NOT_YET: { path: string; what: string; asked: (manifest: Manifest) => boolean }[] = [
  { path: 'profile', what: 'profiles', asked: (manifest) => manifest.profile !== undefined },
];
